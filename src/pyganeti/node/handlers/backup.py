"""Answers to calls about exports of instances."""

from pyganeti.kit.threads import in_thread
from pyganeti.node.dispatcher import Handler, handles
from pyganeti.node.exports import ExportStore
from pyganeti.wire.noderpc import backup as calls


class BackupHandlers:
    """Exports of a node: a directory each.

    Args:
        exports: where they lie.
    """

    def __init__(self, exports: ExportStore) -> None:
        self._exports = exports

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.ExportListCall, self._list),
            handles(calls.ExportRemoveCall, self._remove),
        )

    async def _list(self, _call: calls.ExportListCall) -> tuple[str, ...]:
        return await in_thread(self._exports.names)

    async def _remove(self, call: calls.ExportRemoveCall) -> None:
        await in_thread(self._exports.remove, call.export)
