"""What a node answers about its volumes, volume groups and devices."""

from typing import Protocol

from pyganeti.wire.noderpc.disks import Volume

from .base import MIB
from .device import adoptable_size
from .lvm.exclusive import faults
from .lvm.tools import Lvm


class Volumes(Protocol):
    """The volumes of a node, whoever made them."""

    async def group_sizes(self) -> dict[str, int]:
        """Size of each volume group in MiB.

        Raises:
            StorageError: they cannot be looked at.
        """
        ...

    async def device_size(self, path: str) -> int:
        """Size in MiB of a block device that an instance may adopt.

        Raises:
            StorageError: there is none that may be.
        """
        ...

    async def volumes(self, group: str) -> list[Volume]:
        """All volumes of ``group``.

        Raises:
            StorageError: there is no such group.
        """
        ...

    async def spindles(self, group: str, name: str) -> int:
        """How many physical volumes a volume lies on.

        Raises:
            StorageError: there is no such group.
        """
        ...

    async def exclusive_faults(self, group: str) -> list[str]:
        """What is wrong with ``group`` if its physical volumes are to be given away whole.

        Raises:
            StorageError: there is no such group.
        """
        ...

    async def volume_sizes(self, group: str) -> tuple[int, int] | None:
        """The sizes in MiB of the smallest and the largest physical volume of ``group``, if any.

        Raises:
            StorageError: there is no such group.
        """
        ...


class VolumeReader:
    """See :class:`Volumes`.

    Args:
        lvm: LVM's programs.
    """

    def __init__(self, lvm: Lvm) -> None:
        self._lvm = lvm

    async def group_sizes(self) -> dict[str, int]:
        """See :meth:`Volumes.group_sizes`."""
        return {group.name: group.size // MIB for group in await self._lvm.groups()}

    async def device_size(self, path: str) -> int:
        """See :meth:`Volumes.device_size`."""
        return await adoptable_size(path)

    async def volumes(self, group: str) -> list[Volume]:
        """See :meth:`Volumes.volumes`."""
        return [
            Volume(
                group=one.group,
                name=one.name,
                size=one.size // MIB,
                active=one.active,
                in_use=one.in_use,
                faulty=one.faulty,
            )
            for one in await self._lvm.volumes(group)
        ]

    async def spindles(self, group: str, name: str) -> int:
        """See :meth:`Volumes.spindles`."""
        return sum(name in names for names in (await self._lvm.users(group)).values())

    async def exclusive_faults(self, group: str) -> list[str]:
        """See :meth:`Volumes.exclusive_faults`."""
        volumes = await self._lvm.physical_volumes(group)
        return faults(group, volumes, await self._lvm.users(group))

    async def volume_sizes(self, group: str) -> tuple[int, int] | None:
        """See :meth:`Volumes.volume_sizes`."""
        sizes = [one.size // MIB for one in await self._lvm.physical_volumes(group)]
        return (min(sizes), max(sizes)) if sizes else None
