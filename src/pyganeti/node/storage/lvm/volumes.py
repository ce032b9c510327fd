"""What a node answers about its volumes and volume groups."""

from typing import Protocol

from pyganeti.node.storage.base import MIB
from pyganeti.wire.noderpc.types import Volume

from .tools import Lvm


class Volumes(Protocol):
    """The volumes of a node, whoever made them."""

    async def group_sizes(self) -> dict[str, int]:
        """Size of each volume group in MiB.

        Raises:
            StorageError: they cannot be looked at.
        """
        ...

    async def volumes(self, group: str) -> list[Volume]:
        """All volumes of ``group``.

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
