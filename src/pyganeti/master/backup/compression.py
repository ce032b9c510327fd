"""Which ways of compression a cluster has."""

from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView


def check_compression(tool: str, view: ClusterView) -> None:
    """Refuse a way of compression that the cluster does not have.

    Raises:
        OpPrereqError: ``ECode.INVAL``; says which there are.
    """
    known = ("none", *view.cluster.compression_tools)
    if tool not in known:
        text = f"compression {tool!r} is not one of this cluster's: {', '.join(known)}"
        raise OpPrereqError(text, ECode.INVAL)
