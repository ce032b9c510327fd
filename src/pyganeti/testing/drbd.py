"""DRBD 8.4 of simulated nodes: its programs, a kernel's devices, and the network between them.

The real driver runs over it, so what a test sees has gone through its commands and its reading of
answers. Held to the real thing by running the same scenario on both: ``tests/lab/test_drbd.py``.

Content is not simulated but its *generation*: a number that changes when one side is written to
without the other. Equal numbers are equal content; one that the other side remembers is older.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from pyganeti.kit.process import Command, Finished, ProcessError
from pyganeti.model.errors import BlockDeviceError
from pyganeti.testing.drbd_network import DrbdNetwork, Link, Metadata, SimDevice
from pyganeti.wire.noderpc.types import DrbdInfo

_KIB: Final = 1024
_DENIED: Final = 11
_FAILED: Final = 10


class SimDrbd:
    """One node's ``drbdsetup``, ``drbdmeta`` and kernel. A runner, and a ``Kernel``.

    Args:
        network: of all nodes.
        held: told which volumes are in use.

    Attributes:
        devices: by minor.
        metadata: by path of the volume; it outlives the kernel.
        opened: minors of devices that a program has open.
        facts: what it says of itself.
        made: metadata volumes that were written anew, in order.
    """

    def __init__(self, network: DrbdNetwork, held: set[str]) -> None:
        self.devices: dict[int, SimDevice] = {}
        self.metadata: dict[str, Metadata] = {}
        self.opened: set[int] = set()
        self.made: list[str] = []
        self.facts = DrbdInfo(version="8.4.11", helper="/bin/true")
        self._resources: set[int] = set()
        self._network = network
        self._held = held
        network.kernels.append(self)

    def version(self) -> str:
        """See :class:`~pyganeti.node.storage.drbd.kernel.Kernel`."""
        return self.facts.version

    def account(self) -> str:
        """See :class:`~pyganeti.node.storage.drbd.kernel.Kernel`."""
        self._network.settle()
        lines = [line for device in self.devices.values() for line in self._lines(device)]
        return "\n".join([f"version: {self.version()} (api:1/proto:86-101)", *lines, ""])

    def size(self, minor: int) -> int:
        """See :class:`~pyganeti.node.storage.drbd.kernel.Kernel`."""
        return self.devices[minor].size * _KIB

    async def __call__(self, command: Command) -> Finished:
        """See :class:`~pyganeti.kit.process.Runner`."""
        program, *words = command.argv
        options = [word for word in words if word.startswith("--")]
        plain = [word for word in words if not word.startswith("--")]
        self._network.settle()
        if program == "drbdmeta":
            minor, _format, meta, _index, action = plain
            plain = [action, minor, meta]
        action, *rest = plain
        said = self._actions()[action](command, rest, options)
        self._network.settle()
        return Finished(0, said or "", "")

    def helper(self) -> str:
        """See :class:`~pyganeti.node.storage.drbd.facts.DrbdFacts`."""
        if self.facts.error:
            raise BlockDeviceError(self.facts.error)
        return self.facts.helper

    async def info(self) -> DrbdInfo:
        """See :class:`~pyganeti.node.storage.drbd.facts.DrbdFacts`."""
        return msgspec.structs.replace(self.facts, minors=tuple(sorted(self.devices)))

    def power_cut(self) -> None:
        """The node is gone with all devices; what lies on volumes stays."""
        for device in self.devices.values():
            self._release(device)
        self.devices.clear()
        self._resources.clear()
        self.opened.clear()
        self._network.settle()

    def _actions(self) -> "dict[str, Callable[[Command, list[str], list[str]], str | None]]":
        return {
            "apply-al": lambda *_: None,
            "attach": self._attach,
            "connect": self._connect,
            "create-md": self._create_md,
            "detach": self._detach,
            "disconnect": self._disconnect,
            "disk-options": lambda *_: None,
            "down": self._down,
            "get-gi": self._generations,
            "net-options": self._net_options,
            "new-minor": self._new_minor,
            "new-resource": self._new_resource,
            "primary": self._primary,
            "resize": self._resize,
            "secondary": self._secondary,
            "show": self._show,
        }

    # --- commands

    def _create_md(self, command: Command, words: list[str], _options: list[str]) -> None:
        minor, meta = int(words[0]), words[1]
        if minor in self.devices and self.devices[minor].data:
            raise _failure(command, 20, f"Device '{minor}' is configured!")
        self.metadata[meta] = Metadata()
        self.made.append(meta)

    def _new_resource(self, command: Command, words: list[str], _options: list[str]) -> None:
        minor = _minor(words[0])
        if minor in self._resources:
            raise _failure(command, _FAILED, "(161) Resource already exists")
        self._resources.add(minor)

    def _new_minor(self, _command: Command, words: list[str], _options: list[str]) -> None:
        minor = int(words[1])
        self.devices.setdefault(minor, SimDevice(minor))

    def _attach(self, command: Command, words: list[str], options: list[str]) -> None:
        device = self._device(command, words[0])
        data, meta = words[1], words[2]
        if device.data:
            raise _failure(command, _FAILED, "(124) Device is attached to a disk")
        if data in self._held or meta in self._held:
            raise _failure(command, _FAILED, "(104) Can not open backing device.")
        metadata = self.metadata.get(meta)
        if metadata is None:
            raise _failure(command, _FAILED, "(119) No valid meta-data signature found.")
        size = _size(options) or metadata.size
        if size < metadata.size and metadata.good:
            raise _failure(command, _FAILED, "(111) Low.dev. smaller than requested DRBD-dev. size")
        device.data, device.meta, device.size = data, meta, size
        metadata.size = size
        self._held.update((data, meta))

    def _detach(self, command: Command, words: list[str], _options: list[str]) -> None:
        device = self._device(command, words[0])
        peer = device.peer
        if device.primary and (peer is None or not self._is_good(peer)):
            raise _failure(command, 17, "(-2) Need access to UpToDate data")
        self._release(device)
        if device.primary and peer is not None:
            # From now on only the peer's disk is written to.
            self._kernel_of(peer).renew(peer)

    def _connect(self, command: Command, words: list[str], options: list[str]) -> None:
        device = self._device(command, str(_minor(words[0])))
        if device.link is not None:
            raise _failure(command, _FAILED, "(125) Device has a net-config (use disconnect first)")
        secret = _option(options, "--shared-secret=")
        device.link = Link(words[1], words[2], secret)

    def _disconnect(self, command: Command, words: list[str], _options: list[str]) -> None:
        self._linked(command, words).link = None

    def _net_options(self, command: Command, words: list[str], options: list[str]) -> None:
        device = self._linked(command, words)
        allow = _option(options, "--allow-two-primaries=") == "yes"
        if not allow and device.primary and device.peer is not None and device.peer.primary:
            raise _failure(command, _FAILED, "(148) Multiple primaries not allowed by config")
        if device.link is not None:
            device.link = replace(device.link, two_primaries=allow)

    def _primary(self, command: Command, words: list[str], options: list[str]) -> None:
        device, forced = self._device(command, words[0]), "--force" in options
        peer = device.peer
        if peer is not None and peer.primary and not _both(device, peer):
            text = "(-1) Multiple primaries not allowed by config"
            raise _failure(command, _DENIED, text)
        usable = self._is_good(device) or (peer is not None and self._is_good(peer))
        if not usable and not (forced and device.data):
            raise _failure(command, 17, "(-2) Need access to UpToDate data")
        if not usable:
            self.metadata[device.meta].good = True
            self.renew(device)
        elif peer is None and not device.primary:
            self.renew(device)
        device.primary = True

    def _secondary(self, command: Command, words: list[str], _options: list[str]) -> None:
        device = self._device(command, words[0])
        if device.minor in self.opened:
            raise _failure(command, _DENIED, "(-12) Device is held open by someone")
        device.primary = False

    def _resize(self, command: Command, words: list[str], options: list[str]) -> None:
        device = self._device(command, words[0])
        if device.source is not None or (device.peer and device.peer.source):
            raise _failure(command, _FAILED, "(130) Resize not allowed during resync.")
        if device.peer is None and "--assume-peer-has-space" not in options:
            return
        for one in (device, device.peer):
            if one is not None:
                one.size = _size(options)
                self._kernel_of(one).metadata[one.meta].size = one.size

    def _down(self, command: Command, words: list[str], _options: list[str]) -> None:
        minor = _minor(words[0])
        if minor in self.opened:
            raise _failure(command, _DENIED, "(-12) Device is held open by someone")
        self._resources.discard(minor)
        device = self.devices.pop(minor, None)
        if device is not None:
            self._release(device)

    # --- what the network does

    def peer_changed(self, device: SimDevice, peer: SimDevice | None) -> None:
        """A connection came or went."""
        was, device.peer = device.peer, peer
        if was is not None and peer is None:
            device.source = None
            if device.primary and self._is_good(device):
                self.renew(device)

    def compare(self, device: SimDevice) -> None:
        """Two sides that meet become the same, or find that they cannot."""
        peer = device.peer
        if peer is None or not device.data or not peer.data or device.source is not None:
            return
        own, other = self.metadata[device.meta], self._kernel_of(peer).metadata[peer.meta]
        if own.generation == other.generation:
            behind = not own.good and other.good
        elif own.generation in {0, *other.past}:
            behind = True
        elif other.generation in {0, *own.past}:
            behind = False
        else:
            for one in (device, peer):
                one.link = one.peer = None
            return
        if behind and other.good:
            own.good = False
            device.source = peer
            device.synced_at = self._network.clock.monotonic() + self._network.sync_s
            if not self._network.sync_s:
                self.finish_sync(device)

    def finish_sync(self, device: SimDevice) -> None:
        """The content is the source's now."""
        source, device.source = device.source, None
        if source is not None and source.meta and device.meta:
            theirs = self._kernel_of(source).metadata[source.meta]
            mine = self.metadata[device.meta]
            mine.generation, mine.past, mine.good = theirs.generation, theirs.past, True

    def renew(self, device: SimDevice) -> None:
        """The content will not be the peer's any more."""
        own = self.metadata[device.meta]
        own.past |= {own.generation}
        own.generation = next(self._network.generations)

    # --- answers

    def _lines(self, device: SimDevice) -> list[str]:
        peer = device.peer
        if peer is None and device.link is None and not device.data and not device.primary:
            return [f" {device.minor}: cs:Unconfigured"]
        peer_disk = "DUnknown" if peer is None else self._kernel_of(peer).disk(peer)
        left = max(self._left(device), 0 if peer is None else self._left(peer))
        return [
            f" {device.minor}: cs:{_connection(device)} ro:{_role(device)}/{_role(peer)}"
            f" ds:{self.disk(device)}/{peer_disk} C r-----",
            f"    ns:0 nr:0 dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{left}",
        ]

    def _generations(self, command: Command, words: list[str], _options: list[str]) -> str:
        own = self.metadata[self._device(command, words[0]).meta]
        known = [own.generation, *sorted(own.past - {own.generation}, reverse=True), 0, 0, 0]
        # The lowest bit and 4 have a meaning of their own.
        return ":".join([*(f"{16 * one:016X}" for one in known[:4]), "1:1:0:0:0:0:0\n"])

    def _left(self, device: SimDevice) -> int:
        if device.source is None:
            return 0
        seconds = max(0.0, device.synced_at - self._network.clock.monotonic())
        return round(device.size * seconds / self._network.sync_s)

    def disk(self, device: SimDevice) -> str:
        """How good its disk is, in DRBD's words."""
        if not device.data:
            return "Diskless"
        return "UpToDate" if self._is_good(device) else "Inconsistent"

    def _is_good(self, device: SimDevice) -> bool:
        metadata = self._kernel_of(device).metadata
        return bool(device.data) and metadata[device.meta].good

    def _show(self, command: Command, words: list[str], _options: list[str]) -> str:
        device = self.devices.get(_minor(words[0]))
        if device is None:
            raise _failure(command, 20, "no such resource")
        net = remote = local = disk = ""
        if device.link is not None:
            net = "    allow-two-primaries yes;\n" if device.link.two_primaries else ""
            remote = f"    _remote_host {{\n        address {_shown(device.link.remote)};\n    }}\n"
            local = f"        address {_shown(device.link.local)};\n"
        if device.data:
            disk = f'disk "{device.data}";\n            meta-disk "{device.meta}" [ 0 ];\n'
        volume = f"        volume 0 {{\n            {disk}        }}\n"
        return f"resource x {{\n{net}{remote}    _this_host {{\n{local}{volume}    }}\n}}\n"

    # --- finding things

    def _kernel_of(self, device: SimDevice) -> "SimDrbd":
        kernels = self._network.kernels
        return next(one for one in kernels if one.devices.get(device.minor) is device)

    def _device(self, command: Command, minor: str) -> SimDevice:
        device = self.devices.get(int(minor))
        if device is None:
            raise _failure(command, _FAILED, "(127) Device minor not allocated")
        return device

    def _linked(self, command: Command, words: list[str]) -> SimDevice:
        for device in self.devices.values():
            if device.link and [device.link.local, device.link.remote] == words[:2]:
                return device
        raise _failure(command, _FAILED, "(162) no such connection")

    def _release(self, device: SimDevice) -> None:
        self._held.difference_update((device.data, device.meta))
        device.data = device.meta = ""
        device.source = None


def _both(one: SimDevice, other: SimDevice) -> bool:
    return bool(one.link and one.link.two_primaries and other.link and other.link.two_primaries)


def _role(device: SimDevice | None) -> str:
    if device is None:
        return "Unknown"
    return "Primary" if device.primary else "Secondary"


def _connection(device: SimDevice) -> str:
    if device.peer is None:
        return "StandAlone" if device.link is None else "WFConnection"
    if device.source is not None:
        return "SyncTarget"
    return "SyncSource" if device.peer.source is not None else "Connected"


def _shown(end: str) -> str:
    family, _, address = end.partition(":")
    return f"{family} {address}"


def _minor(resource: str) -> int:
    return int(resource.removeprefix("resource"))


def _option(options: list[str], prefix: str) -> str:
    return next((one.removeprefix(prefix) for one in options if one.startswith(prefix)), "")


def _size(options: list[str]) -> int:
    return int(_option(options, "--size=").removesuffix("m") or 0) * _KIB


def _failure(command: Command, code: int, text: str) -> ProcessError:
    return ProcessError(command, f"exit code {code}: {text}", Finished(code, "", f"{text}\n"))
