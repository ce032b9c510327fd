"""Fields of node groups."""

from collections.abc import Sequence
from typing import Final

from pyganeti.model.group import NodeGroup
from pyganeti.model.params.ipolicy import to_dict
from pyganeti.model.params.nd import NdParams
from pyganeti.model.params.nd import to_dict as nd_to_dict
from pyganeti.model.view import ClusterView

from .fields import Compare, Field, FieldKind, Need, table
from .objects import ndparams_fields, object_fields, tags_field
from .sources import Sources

GroupField = Field[NodeGroup, ClusterView]
_NUMBER, _OTHER, _TEXT = FieldKind.NUMBER, FieldKind.OTHER, FieldKind.TEXT


def _ndparams(group: NodeGroup, view: ClusterView) -> NdParams:
    return view.group_ndparams(group)


_INSIDE: Final[Sequence[GroupField]] = [
    Field(
        "node_cnt",
        "Nodes",
        _NUMBER,
        "Number of nodes",
        lambda g, view: len(view.nodes_of_group(g.uuid)),
    ),
    Field(
        "node_list",
        "NodeList",
        _OTHER,
        "Names of nodes",
        lambda g, view: [node.name for node in view.nodes_of_group(g.uuid)],
        compare=Compare.HOSTNAME,
    ),
    Field(
        "pinst_cnt",
        "Instances",
        _NUMBER,
        "Number of primary instances",
        lambda g, view: len(view.instances_of_group(g.uuid)),
    ),
    Field(
        "pinst_list",
        "InstanceList",
        _OTHER,
        "Names of primary instances",
        lambda g, view: [instance.name for instance in view.instances_of_group(g.uuid)],
        compare=Compare.HOSTNAME,
    ),
]

_CONFIG: Final[Sequence[GroupField]] = [
    Field("name", "Group", _TEXT, "Name", lambda g, _: g.name),
    Field(
        "alloc_policy",
        "AllocPolicy",
        _TEXT,
        "Whether allocators may use it",
        lambda g, _: g.alloc_policy.value,
    ),
    Field(
        "diskparams",
        "DiskParameters",
        _OTHER,
        "Disk parameters, filled",
        lambda g, view: view.diskparams(g),
    ),
    Field(
        "custom_diskparams",
        "CustomDiskParameters",
        _OTHER,
        "Disk parameters of its own",
        lambda g, _: g.diskparams,
    ),
    Field(
        "ipolicy",
        "InstancePolicy",
        _OTHER,
        "Instance policy, filled",
        lambda g, view: to_dict(view.ipolicy(g)),
    ),
    Field(
        "custom_ipolicy",
        "CustomInstancePolicy",
        _OTHER,
        "Instance policy of its own",
        lambda g, _: g.ipolicy,
    ),
    Field(
        "ndparams",
        "NDParams",
        _OTHER,
        "Node parameters, filled",
        lambda g, view: nd_to_dict(_ndparams(g, view)),
    ),
    Field(
        "custom_ndparams",
        "CustomNDParams",
        _OTHER,
        "Node parameters of its own",
        lambda g, _: g.ndparams,
    ),
    *ndparams_fields(_ndparams),
]


_FIELDS: Final[Sequence[GroupField]] = [
    *_CONFIG,
    *_INSIDE,
    *object_fields("group", NodeGroup),
    tags_field("group", NodeGroup),
]


class GroupResource:
    """Queries of node groups."""

    name_field = "name"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[NodeGroup]:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        return view.all_groups() if names is None else [view.group(str(name)) for name in names]

    async def context(
        self, sources: Sources, items: list[NodeGroup], needs: frozenset[Need]
    ) -> ClusterView:
        """See :class:`~.engine.Resource`."""
        return sources.view


GROUPS: Final = GroupResource()
