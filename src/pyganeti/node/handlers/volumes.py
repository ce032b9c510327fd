"""Answers to calls about logical volumes, their groups, and devices of others."""

from pyganeti.node.dispatcher import Handler, handles
from pyganeti.node.storage.volumes import Volumes
from pyganeti.wire.noderpc.blockdev import BdevSizesCall, LvListCall, VgListCall
from pyganeti.wire.noderpc.disks import Volume


class VolumeHandlers:
    """Volumes of a node, its own and others."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(BdevSizesCall, self._sizes),
            handles(LvListCall, self._list),
            handles(VgListCall, self._groups),
        )

    async def _sizes(self, call: BdevSizesCall) -> dict[str, int]:
        return {path: await self._volumes.device_size(path) for path in call.devices}

    async def _list(self, call: LvListCall) -> tuple[Volume, ...]:
        groups = [await self._volumes.volumes(group) for group in call.vg_names]
        return tuple(volume for group in groups for volume in group)

    async def _groups(self, _call: VgListCall) -> dict[str, int]:
        return await self._volumes.group_sizes()
