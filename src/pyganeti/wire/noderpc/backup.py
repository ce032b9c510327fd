"""Node calls about exports of instances."""

from typing import ClassVar

from .call import FAST_S, NodeCall


class ExportListCall(NodeCall[tuple[str, ...]], frozen=True, kw_only=True):
    """Names of the exports that the node keeps, sorted.

    Raises: OpExecError, the directory of exports is missing or cannot be read.
    """

    procedure: ClassVar[str] = "export_list"
    timeout_s: ClassVar[float] = FAST_S


CALLS = (ExportListCall,)
