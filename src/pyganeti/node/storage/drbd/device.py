"""One node's DRBD devices: what is wanted is compared with what is, so that all can be repeated."""

from dataclasses import dataclass
from typing import Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import BlockDeviceError

from . import commands
from .commands import Link, Params
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

    Args:
        run: runs them.
    """

    def __init__(self, run: Runner) -> None:
        self._run_command = run

    async def states(self) -> dict[int, DeviceState]:
        """All devices of the node, by minor."""
        return parse_events(await self._run(commands.events()))

    async def state(self, minor: int) -> DeviceState | None:
        """One of them, if it is there."""
        return (await self.states()).get(minor)

    async def make_metadata(self, device: Device) -> None:
        """Let the volumes below count as never written; refused while the device is there."""
        if await self.state(device.minor) is not None:
            raise BlockDeviceError(f"DRBD minor {device.minor} is in use already")
        await self._run(commands.create_metadata(device.minor, device.meta))

    async def attach(self, device: Device) -> None:
        """Make the device, with its disk; one that has a disk keeps it."""
        state = await self.state(device.minor)
        if state is None:
            await self._make(device)
        if state is None or state.disk == DiskState.DISKLESS:
            await self._run(commands.apply_log(device.minor, device.meta))
            await self._run(
                commands.attach(device.minor, device.data, device.meta, device.size, device.params)
            )
            await self._run(commands.sync_options(device.minor, device.params))

    async def _make(self, device: Device) -> None:
        try:
            await self._run(commands.new_resource(device.minor))
        except BlockDeviceError:
            # One whose device was never made; it has no state that could be looked at.
            await self._run(commands.down(device.minor))
            await self._run(commands.new_resource(device.minor))
        await self._run(commands.new_minor(device.minor))

    async def connect(self, device: Device, *, two_primaries: bool = False) -> None:
        """Look for the peer, unless that is being done; the rule for writers is set anyway."""
        state = await self._existing(device.minor)
        if state.is_standalone:
            wanted = commands.connect(
                device.minor, device.link, device.params, two_primaries=two_primaries
            )
            await self._run(wanted)
            return
        protocol = str(device.params.get("protocol", "C"))
        await self._run(
            commands.allow_two_primaries(device.link, allow=two_primaries, protocol=protocol)
        )

    async def disconnect(self, device: Device) -> None:
        """End the connection and try none; a device without one is fine."""
        state = await self.state(device.minor)
        if state is not None and not state.is_standalone:
            await self._run(commands.disconnect(device.link))

    async def promote(self, minor: int, *, force: bool = False) -> None:
        """Let this node write to the device."""
        state = await self._existing(minor)
        if state.role != Role.PRIMARY or force:
            await self._run(commands.primary(minor, force=force))

    async def demote(self, minor: int) -> None:
        """Let this node write no more."""
        state = await self.state(minor)
        if state is not None and state.role == Role.PRIMARY:
            await self._run(commands.secondary(minor))

    async def resize(self, minor: int, size: int) -> None:
        """Give the device ``size`` MiB of what its volumes have."""
        await self._run(commands.resize(minor, size))

    async def down(self, minor: int) -> None:
        """Take the device away; its volumes stay as they are."""
        if await self.state(minor) is not None:
            await self._run(commands.down(minor))

    async def _existing(self, minor: int) -> DeviceState:
        state = await self.state(minor)
        if state is None:
            raise BlockDeviceError(f"DRBD minor {minor} is not there")
        return state

    async def _run(self, command: Command) -> str:
        try:
            return (await self._run_command(command)).stdout
        except ProcessError as err:
            words = " ".join(word for word in command.argv if not word.startswith(_HIDDEN))
            said = str(err) if err.finished is None else _said(err.finished.stderr)
            raise BlockDeviceError(f"{words}: {said}") from err


def _said(text: str) -> str:
    """DRBD's words on one line."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
