"""Node calls about exports of instances."""

from typing import ClassVar

from .call import FAST_S, NodeCall


class ExportListCall(NodeCall[tuple[str, ...]], frozen=True, kw_only=True):
    """Names of the exports that the node keeps, sorted.

    Raises: OpExecError, the directory of exports is missing or cannot be read.
    """

    procedure: ClassVar[str] = "export_list"
    timeout_s: ClassVar[float] = FAST_S


class ExportRemoveCall(NodeCall[None], frozen=True, kw_only=True):
    """Remove an export; a missing one is a success.

    Raises: OpExecError, something cannot be removed; what is left is no export any more.
    """

    procedure: ClassVar[str] = "export_remove"
    timeout_s: ClassVar[float] = FAST_S
    changes: ClassVar[bool] = True

    export: str


CALLS = (ExportListCall, ExportRemoveCall)
