"""Fields of external storage providers: what nodes find, compared. Source: gnt-storage(8)."""

from collections.abc import Sequence
from typing import Any, Final

from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import ProviderInfo

from .fields import Field, FieldKind
from .found import Found, FoundResource

ProviderField = Field[Found[ProviderInfo], ClusterView]
_OTHER: Final = FieldKind.OTHER


def _on_node(info: ProviderInfo) -> list[Any]:  # Any: a row of values as clients know it
    """``[path, usable, what is wrong, parameters]``."""
    parameters = [[param.name, param.doc] for param in info.parameters]
    return [info.path, info.valid, "" if info.valid else info.status, parameters]


def _node_status(found: Found[ProviderInfo], view: ClusterView) -> object:
    return {view.node(uuid).name: list(map(_on_node, infos)) for uuid, infos in found.on.items()}


def _group_status(found: Found[ProviderInfo], view: ClusterView) -> object:
    return {
        group.name: found.is_valid_on(node.uuid for node in view.nodes_of_group(group.uuid))
        for group in view.all_groups()
    }


def _parameters(found: Found[ProviderInfo], _view: ClusterView) -> object:
    pairs = found.common(lambda info: [(param.name, param.doc) for param in info.parameters])
    return [list(pair) for pair in sorted(pairs)]


_FIELDS: Final[Sequence[ProviderField]] = [
    Field("name", "Name", FieldKind.TEXT, "Name", lambda provider, _: provider.name),
    Field("node_status", "NodeStatus", _OTHER, "What each node found", _node_status),
    Field(
        "nodegroup_status",
        "NodegroupStatus",
        _OTHER,
        "Whether all nodes of each group can use it",
        _group_status,
    ),
    Field("parameters", "Parameters", _OTHER, "Parameters, each with its meaning", _parameters),
]


EXTSTORAGES: Final = FoundResource(
    "External storage provider", _FIELDS, lambda live, *asked: live.providers(*asked)
)
