"""One node's DRBD devices: what is wanted is compared with what is, so that all can be repeated."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import BlockDeviceError

from . import commands
from .commands import Link, Params
from .dialects import Dialect, dialect, is_nine
from .generations import parse_generations
from .kernel import Kernel, ThisKernel, parse_devices
from .show import Shown
from .state import DeviceState, DiskState, Role, parse_events

Prepare = Callable[[], Awaitable[object]]

# Of commands whose words may be shown: the secret is none of them.
_HIDDEN: Final = "--shared-secret="


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its node is to have it.

    Attributes:
        data, meta: paths of the volumes below, which are there and active.
        size: MiB; 0 for the one that it has.
        params: filled disk parameters in their device form.
    """

    minor: int
    data: str
    meta: str
    size: int
    link: Link
    params: Params


@dataclass(frozen=True, slots=True)
class _Seen:
    """A device as it was found: what DRBD says of it, and what it is made of."""

    state: DeviceState
    shown: Shown


class Drbd:
    """DRBD's programs. All methods raise ``BlockDeviceError`` in DRBD's words.

    A device of the same minor with other volumes below is another's: it is never changed.

    Args:
        run: runs them.
        kernel: its module.
    """

    def __init__(self, run: Runner, kernel: Kernel | None = None) -> None:
        self._run_command = run
        self._kernel = ThisKernel() if kernel is None else kernel

    @property
    def _words(self) -> Dialect:
        """Commands of the module that is loaded now."""
        return dialect(self._kernel.version())

    async def _run_all(self, found: tuple[Command, ...]) -> None:
        for command in found:
            await self._run(command)

    async def states(self) -> dict[int, DeviceState]:
        """All devices of the node, by minor."""
        told = self._kernel.account()
        # The module of 9 does not tell; one that is not loaded yet is loaded by the program.
        if told and not is_nine(self._kernel.version()):
            return parse_devices(told, self._kernel.size)
        return parse_events(await self._run(commands.events()))

    async def state(self, minor: int) -> DeviceState | None:
        """The device of this minor, whose ever it is."""
        return (await self.states()).get(minor)

    async def generations(self, minor: int) -> tuple[str, ...]:
        """Of the data on a device that has a disk; empty where DRBD does not tell."""
        if is_nine(self._kernel.version()):
            return ()  # it keeps them for each peer
        return parse_generations(await self._run(commands.generations(minor)))

    async def find(self, device: Device) -> DeviceState | None:
        """The device, if it is there and not another's."""
        found = await self.state(device.minor)
        if found is None:
            return None
        shown = await self._show(device.minor)
        return (
            replace(found, two_primaries=shown.two_primaries) if _is_same(device, shown) else None
        )

    async def _look(self, device: Device) -> _Seen | None:
        """The device, if its minor is used.

        Raises:
            BlockDeviceError: it is another's.
        """
        state = await self.state(device.minor)
        if state is None:
            return None
        shown = await self._show(device.minor)
        if not _is_same(device, shown):
            raise _is_in_use(device.minor)
        return _Seen(state, shown)

    async def make_metadata(self, device: Device) -> None:
        """Let the volumes below count as never written; refused while there is a device."""
        await self._check_free(device.minor)
        await self._run(self._words.create_metadata(device.minor, device.meta))

    async def renew_metadata(self, device: Device) -> None:
        """The same for the volumes that are to be attached to a device without a disk."""
        state = await self._existing(device)
        if state.disk != DiskState.DISKLESS:
            raise BlockDeviceError(f"DRBD minor {device.minor} has a disk")
        await self._run(self._words.create_metadata(device.minor, device.meta))

    async def assemble(self, device: Device, volumes: Prepare) -> tuple[DeviceState, bool]:
        """Make the device as :meth:`attach`, and look for its peer; for another one no more.

        Args:
            device: as it is to be.
            volumes: makes its volumes usable, before they are attached.

        Returns: how it is then, and whether its peer was not looked for before.
        """
        seen = await self._look(device)
        if seen is None or seen.state.disk == DiskState.DISKLESS:
            await volumes()
        await self._attach(device, seen)
        await self._connect(device, seen)
        state = await self.state(device.minor)
        if state is None:
            raise _is_missing(device.minor)
        return state, seen is None or seen.state.is_standalone

    async def attach(self, device: Device) -> None:
        """Make the device, with its disk; one that has a disk keeps it, and syncs as wanted now."""
        await self._attach(device, await self._look(device))

    async def _attach(self, device: Device, seen: _Seen | None) -> None:
        if seen is None:
            await self._make(device)
        if seen is None or seen.state.disk == DiskState.DISKLESS:
            await self._run(self._words.apply_log(device.minor, device.meta))
            await self._run(
                commands.attach(device.minor, device.data, device.meta, device.size, device.params)
            )
        elif seen.state.disk == DiskState.FAILED or _has_rate(device, seen.shown):
            return
        await self._run_all(self._words.tune_disk(device.minor, device.params))

    async def _check_free(self, minor: int) -> None:
        if minor in await self.states():
            raise _is_in_use(minor)

    async def _make(self, device: Device) -> None:
        try:
            await self._run(self._words.new_resource(device.minor, device.link))
        except BlockDeviceError:
            # One whose device was never made; it has no state that could be looked at.
            await self._run(commands.down(device.minor))
            await self._run(self._words.new_resource(device.minor, device.link))
        await self._run(commands.new_minor(device.minor))

    async def _connect(self, device: Device, seen: _Seen | None) -> None:
        """Look for the peer, unless that is being done; looking for another one ends."""
        if seen is not None and not seen.state.is_standalone:
            if (seen.shown.local, seen.shown.remote) == device.link.ends:
                await self._run_all(self._words.tune_peer(device.minor, device.link, device.params))
                return
            await self._disconnect(device.minor, seen.shown)
        await self._run_all(self._words.connect(device.minor, device.link, device.params))

    async def _disconnect(self, minor: int, shown: Shown) -> None:
        await self._run_all(self._words.disconnect(minor, (shown.local, shown.remote)))

    async def _allow_two_primaries(
        self, device: Device, state: DeviceState, *, allow: bool
    ) -> None:
        """Let the peer write as well, or not any more; asked anew at each connection."""
        if state.is_standalone or state.two_primaries == allow:
            return
        protocol = str(device.params.get("protocol", "C"))
        await self._run(
            self._words.allow_two_primaries(
                device.minor, device.link, allow=allow, protocol=protocol
            )
        )

    async def disconnect(self, device: Device) -> None:
        """End the connection and try none; a device without one is fine."""
        state = await self.find(device)
        if state is not None and not state.is_standalone:
            await self._disconnect(device.minor, await self._show(device.minor))

    async def open(self, device: Device, state: DeviceState, *, alone: bool) -> None:
        """Let this node write, and its peer as well or not; the device was just found in ``state``.

        Raises:
            BlockDeviceError: the peer writes, or it is to write as well and is not connected: then
                each of the two would lack what the other writes.
        """
        if not alone and not state.is_connected:
            raise BlockDeviceError(f"DRBD minor {device.minor} has no connection to its peer")
        await self._allow_two_primaries(device, state, allow=not alone)
        if state.role != Role.PRIMARY:
            await self._run(self._words.primary(device.minor))

    async def close(self, device: Device) -> None:
        """Let this node write no more, and only one of the two; a missing device is fine."""
        state = await self.find(device)
        if state is None:
            return
        if state.role == Role.PRIMARY:
            await self._run(self._words.secondary(device.minor))
        await self._allow_two_primaries(device, state, allow=False)

    async def declare_good(self, device: Device) -> None:
        """Let the content of its disk count, whatever it is; it was just attached."""
        await self._run(self._words.primary(device.minor, force=True))
        await self._run(self._words.secondary(device.minor))

    async def detach(self, device: Device) -> None:
        """Take the device's disk away; one that has none is fine."""
        state = await self.find(device)
        if state is not None and state.disk != DiskState.DISKLESS:
            await self._run(commands.detach(device.minor))

    async def resize(self, device: Device) -> None:
        """Give the device its size, of what its volumes have; one that has is fine."""
        state = await self._existing(device)
        if state.size < device.size * 1024 * 1024:
            await self._run(commands.resize(device.minor, device.size))

    async def down(self, device: Device) -> None:
        """Take the device away; its volumes stay as they are."""
        if await self.find(device) is not None:
            await self.take_down(device.minor)

    async def take_down(self, minor: int) -> None:
        """Take down whatever device has the number ``minor``."""
        await self._run(commands.down(minor))

    async def _existing(self, device: Device) -> DeviceState:
        state = await self.find(device)
        if state is None:
            raise _is_missing(device.minor)
        return state

    async def _show(self, minor: int) -> Shown:
        return self._words.parse_show(await self._run(commands.show(minor)))

    async def _run(self, command: Command) -> str:
        try:
            return (await self._run_command(command)).stdout
        except ProcessError as err:
            words = " ".join(word for word in command.argv if not word.startswith(_HIDDEN))
            said = str(err) if err.finished is None else _said(err.finished.stderr)
            raise BlockDeviceError(f"{words}: {said}") from err


def _is_same(device: Device, shown: Shown) -> bool:
    """By its volumes; of one without a disk by its end of the connection, if it has that."""
    if shown.data:
        return (shown.data, shown.meta) == (device.data, device.meta)
    return shown.local in ("", device.link.ends[0])


def _has_rate(device: Device, shown: Shown) -> bool:
    """Whether it syncs at the rate that it is to have. What the controller is told is not shown."""
    fixed = not device.params.get("dynamic-resync")
    return fixed and shown.rate == f"{device.params['resync-rate']}k"


def _is_in_use(minor: int) -> BlockDeviceError:
    return BlockDeviceError(f"DRBD minor {minor} is in use already")


def _is_missing(minor: int) -> BlockDeviceError:
    return BlockDeviceError(f"DRBD minor {minor} is not there")


def _said(text: str) -> str:
    """DRBD's words on one line."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
