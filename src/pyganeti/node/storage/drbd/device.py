"""One node's DRBD devices: what is wanted is compared with what is, so that all can be repeated."""

from dataclasses import dataclass
from typing import Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import BlockDeviceError

from . import commands
from .commands import Link, Params
from .dialects import Dialect, Version, dialect, module_version
from .show import Shown
from .state import DeviceState, DiskState, Role, parse_events

# Of commands whose words may be shown: the secret is none of them.
_HIDDEN: Final = "--shared-secret="


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its node is to have it.

    Attributes:
        data, meta: paths of the volumes below, which are there and active.
        size: MiB.
        params: filled disk parameters in their device form.
    """

    minor: int
    data: str
    meta: str
    size: int
    link: Link
    params: Params


class Drbd:
    """DRBD's programs. All methods raise ``BlockDeviceError`` in DRBD's words.

    A device of the same minor with other volumes below is another's: it is never changed.

    Args:
        run: runs them.
        version: of the kernel module.
    """

    def __init__(self, run: Runner, version: Version = module_version) -> None:
        self._run_command = run
        self._version = version

    @property
    def _words(self) -> Dialect:
        """Commands of the module that is loaded now."""
        return dialect(self._version())

    async def _run_all(self, found: tuple[Command, ...]) -> None:
        for command in found:
            await self._run(command)

    async def states(self) -> dict[int, DeviceState]:
        """All devices of the node, by minor."""
        return parse_events(await self._run(commands.events()))

    async def find(self, device: Device) -> DeviceState | None:
        """The device, if it is there and not another's."""
        found = (await self.states()).get(device.minor)
        if found is None or not _is_same(device, await self._show(device.minor)):
            return None
        return found

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

    async def attach(self, device: Device) -> None:
        """Make the device, with its disk; one that has a disk keeps it, and syncs as wanted now."""
        state = await self.find(device)
        if state is None:
            await self._check_free(device.minor)
            await self._make(device)
        if state is None or state.disk == DiskState.DISKLESS:
            await self._run(self._words.apply_log(device.minor, device.meta))
            await self._run(
                commands.attach(device.minor, device.data, device.meta, device.size, device.params)
            )
        if state is None or state.disk != DiskState.FAILED:
            await self._run_all(self._words.tune_disk(device.minor, device.params))

    async def _check_free(self, minor: int) -> None:
        if minor in await self.states():
            raise BlockDeviceError(f"DRBD minor {minor} is in use already")

    async def _make(self, device: Device) -> None:
        try:
            await self._run(self._words.new_resource(device.minor, device.link))
        except BlockDeviceError:
            # One whose device was never made; it has no state that could be looked at.
            await self._run(commands.down(device.minor))
            await self._run(self._words.new_resource(device.minor, device.link))
        await self._run(commands.new_minor(device.minor))

    async def connect(self, device: Device) -> None:
        """Look for the peer, unless that is being done; looking for another one ends."""
        state = await self._existing(device)
        if not state.is_standalone:
            shown = await self._show(device.minor)
            if (shown.local, shown.remote) == device.link.ends:
                await self._run_all(self._words.tune_peer(device.minor, device.link, device.params))
                return
            await self._disconnect(device.minor, shown)
        await self._run_all(self._words.connect(device.minor, device.link, device.params))

    async def _disconnect(self, minor: int, shown: Shown) -> None:
        await self._run_all(self._words.disconnect(minor, (shown.local, shown.remote)))

    async def allow_two_primaries(self, device: Device, *, allow: bool) -> None:
        """Let the peer write as well, or not any more; asked anew at each connection."""
        state = await self._existing(device)
        if state.is_standalone:
            if allow:
                raise BlockDeviceError(f"DRBD minor {device.minor} has no connection")
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

    async def promote(self, device: Device, *, force: bool = False) -> None:
        """Let this node write to the device."""
        state = await self._existing(device)
        if state.role != Role.PRIMARY or force:
            await self._run(self._words.primary(device.minor, force=force))

    async def demote(self, device: Device) -> None:
        """Let this node write no more."""
        state = await self.find(device)
        if state is not None and state.role == Role.PRIMARY:
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
            await self._run(commands.down(device.minor))

    async def _existing(self, device: Device) -> DeviceState:
        state = await self.find(device)
        if state is None:
            raise BlockDeviceError(f"DRBD minor {device.minor} is not there")
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


def _said(text: str) -> str:
    """DRBD's words on one line."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
