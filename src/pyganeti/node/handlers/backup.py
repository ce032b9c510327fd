"""Answers to calls about exports of instances."""

import os

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.node.dispatcher import Handler, handles
from pyganeti.wire.noderpc import backup as calls


class BackupHandlers:
    """Exports of a node: a directory each.

    Args:
        export_dir: where they lie.
    """

    def __init__(self, export_dir: str) -> None:
        self._export_dir = export_dir

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (handles(calls.ExportListCall, self._list),)

    async def _list(self, _call: calls.ExportListCall) -> tuple[str, ...]:
        return await in_thread(list_exports, self._export_dir)


def list_exports(export_dir: str) -> tuple[str, ...]:
    """What lies in ``export_dir`` and is not hidden, sorted. Blocking.

    Raises:
        OpExecError: it cannot be read.
    """
    try:
        names = os.listdir(export_dir)
    except OSError as err:
        raise OpExecError(f"no exports can be listed: {export_dir}: {err.strerror}") from err
    return tuple(sorted(name for name in names if not name.startswith(".")))
