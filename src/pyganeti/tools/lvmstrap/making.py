"""Disks become a volume group: one partition on each, all of it for LVM.

    disks -> (erased) -> partitioned -> physical volumes -> volume group; back again if that fails

The partition tells other systems that the disk is taken. Source: sfdisk(8), pvcreate(8),
vgcreate(8); the extent size is Ganeti's.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.process import Command, Finished, ProcessError, Runner
from pyganeti.model.errors import GenericError
from pyganeti.node.storage.lvm.tools import Lvm

from .disks import Disk, Machine, device_path

_EXTENT: Final = "64m"
# The type of a GPT partition that is LVM's.
_LVM_TYPE: Final = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
_TIMEOUT_S: Final = 600.0
# Device files are made by others, after the kernel has read the table.
_APPEARS_S: Final = 30.0
_PAUSE_S: Final = 0.1


class MakingError(GenericError):
    """There is no volume group; names what failed, and what is left."""


def erase_command(path: str) -> Command:
    """Take away what tells what is on a device, and its partitions; refuses one that is in use."""
    return Command(("wipefs", "--all", "--quiet", path), timeout_s=_TIMEOUT_S)


def partition_command(path: str) -> Command:
    """Make one partition of a device; refuses one that is in use."""
    words = ("sfdisk", "--quiet", "--wipe=always", "--wipe-partitions=always", path)
    return Command(words, stdin=f"label: gpt\n,,{_LVM_TYPE}\n".encode(), timeout_s=_TIMEOUT_S)


class Making:
    """Makes a volume group; what it does is told to ``say``.

    Args:
        machine: where the disks are.
        run: runs programs.
        clock: for waiting.
        say: told each program before it is run.
    """

    def __init__(
        self, machine: Machine, run: Runner, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._machine = machine
        self._clock = clock
        self._say = say
        self._runner = run
        self._lvm = Lvm(self._run)
        # What takes back what was done, the last first.
        self._undo: list[Command] = []

    async def make(self, group: str, disks: Sequence[Disk]) -> None:
        """Make the volume group ``group`` of ``disks``, and nothing else.

        Raises:
            MakingError: it could not be made; the disks are empty, unless it says otherwise.
        """
        try:
            for disk in disks:
                await self._erase(disk)
            parts = [device_path(await self._partition(disk)) for disk in disks]
            for part in parts:
                self._undo.append(erase_command(part))
                await self._lvm.change("pvcreate", "--yes", part)
            await self._lvm.change("vgcreate", "--physicalextentsize", _EXTENT, group, *parts)
        except (GenericError, ProcessError) as err:
            left = await self._unwind()
            text = f"{err}; not taken back: {'; '.join(left)}" if left else str(err)
            raise MakingError(text) from err

    async def _erase(self, disk: Disk) -> None:
        if disk.contents:
            for path in [*(part.path for part in disk.parts), disk.path]:
                await self._run(erase_command(path))

    async def _partition(self, disk: Disk) -> str:
        """The name of the disk's only partition, once it is there."""
        self._undo.append(erase_command(disk.path))
        await self._run(partition_command(disk.path))
        end = self._clock.monotonic() + _APPEARS_S
        while True:
            parts = self._machine.parts(disk.name)
            if len(parts) == 1 and self._machine.is_there(parts[0]):
                return parts[0]
            if self._clock.monotonic() >= end:
                raise MakingError(f"{disk.path} was partitioned, and has no partition")
            await self._clock.sleep(_PAUSE_S)

    async def _run(self, command: Command) -> Finished:
        self._say(str(command))
        return await self._runner(command)

    async def _unwind(self) -> list[str]:
        """Take back what was done; what could not be."""
        left = []
        while self._undo:
            try:
                await self._run(self._undo.pop())
            except ProcessError as err:
                left.append(str(err))
        return left
