"""Answers to calls about storage units."""

from pyganeti.node.dispatcher import Handler, handles
from pyganeti.node.storage.units import StorageUnits
from pyganeti.wire.noderpc import units as calls


class UnitHandlers:
    """Storage units of a node."""

    def __init__(self, units: StorageUnits) -> None:
        self._units = units

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.NodeVolumesCall, self._volumes),
            handles(calls.StorageExecuteCall, self._execute),
            handles(calls.StorageListCall, self._units.list),
            handles(calls.StorageModifyCall, self._modify),
        )

    async def _volumes(self, _call: calls.NodeVolumesCall) -> tuple[calls.VolumePiece, ...]:
        return await self._units.volumes()

    async def _execute(self, call: calls.StorageExecuteCall) -> None:
        await self._units.remove_missing(call.name)

    async def _modify(self, call: calls.StorageModifyCall) -> None:
        await self._units.set_allocatable(call.name, allocatable=call.allocatable)
