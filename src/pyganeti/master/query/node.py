"""Fields of nodes.

What only the node knows is ``(offline)`` for one marked offline, ``(unavail)`` for one that has no
instances by rule, and ``(nodata)`` for one that did not answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pyganeti.model.enums import FieldStatus
from pyganeti.model.errors import GenericError
from pyganeti.model.node import Node
from pyganeti.model.params.nd import NdParams
from pyganeti.model.params.nd import to_dict as nd_to_dict
from pyganeti.model.templates import STORAGE_TYPE
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.disks import StorageInfo
from pyganeti.wire.noderpc.guests import HypervisorInfo
from pyganeti.wire.noderpc.types import NodeInfo

from .fields import Compare, Field, FieldKind, Need, table
from .objects import ndparams_fields, object_fields, tags_field
from .sources import Sources

_BOOL, _NUMBER, _OTHER = FieldKind.BOOL, FieldKind.NUMBER, FieldKind.OTHER
_TEXT, _UNIT = FieldKind.TEXT, FieldKind.UNIT


@dataclass(frozen=True, slots=True)
class NodeContext:
    """What node fields read besides the node itself."""

    view: ClusterView
    info: Mapping[str, NodeInfo | GenericError] = field(default_factory=dict)

    def live(self, node: Node) -> NodeInfo | FieldStatus:
        """What the node said of itself, or why it said nothing."""
        if node.offline:
            return FieldStatus.OFFLINE
        if not node.vm_capable:
            return FieldStatus.UNAVAIL
        answer = self.info.get(node.uuid)
        return answer if isinstance(answer, NodeInfo) else FieldStatus.NODATA


NodeField = Field[Node, NodeContext]


def _hypervisor(get: Callable[[HypervisorInfo], object]) -> Callable[[Node, NodeContext], object]:
    """A figure of the first enabled hypervisor that answered."""

    def of(node: Node, context: NodeContext) -> object:
        info = context.live(node)
        if isinstance(info, FieldStatus):
            return info
        for name in context.view.cluster.enabled_hypervisors:
            if name in info.hypervisors:
                return get(info.hypervisors[name])
        return FieldStatus.NODATA

    return of


def _storage(get: Callable[[StorageInfo], int | None]) -> Callable[[Node, NodeContext], object]:
    """A figure of the storage that new disks come to by default."""

    def of(node: Node, context: NodeContext) -> object:
        info = context.live(node)
        if isinstance(info, FieldStatus):
            return info
        templates = context.view.cluster.enabled_disk_templates
        kind = STORAGE_TYPE[templates[0]] if templates else None
        values = [get(unit) for unit in info.storage if unit.type == kind]
        return FieldStatus.UNAVAIL if not values or values[0] is None else values[0]

    return of


def _spindles(get: Callable[[StorageInfo], int | None]) -> Callable[[Node, NodeContext], object]:
    """Counted only where physical volumes are given to disks whole."""

    def of(node: Node, context: NodeContext) -> object:
        info = context.live(node)
        if isinstance(info, FieldStatus):
            return info
        values = [get(unit) for unit in info.storage if unit.type == "lvm-pv"]
        return FieldStatus.NODATA if not values or values[0] is None else values[0]

    return of


def _bootid(node: Node, context: NodeContext) -> object:
    info = context.live(node)
    return info if isinstance(info, FieldStatus) else info.boot_id


def _group_name(node: Node, context: NodeContext) -> object:
    group = context.view.groups.get(node.group)
    return group.name if group else FieldStatus.NODATA


def _powered(node: Node, context: NodeContext) -> object:
    if not context.view.filled_ndparams(node).oob_program:
        return FieldStatus.UNAVAIL
    return node.powered


def _ndparams(node: Node, context: NodeContext) -> NdParams:
    return context.view.filled_ndparams(node)


def _names(uuids: Callable[[ClusterView, str], frozenset[str]]) -> Callable[..., object]:
    def of(node: Node, context: NodeContext) -> object:
        view = context.view
        return [i.name for i in view.sorted_instances(uuids(view, node.uuid))]

    return of


_LIVE: Final[Sequence[NodeField]] = [
    Field("bootid", "BootID", _TEXT, "Changes with each boot", _bootid, Need.NODE_INFO),
    *(
        Field(name, title, kind, doc, _hypervisor(get), Need.NODE_INFO)
        for name, title, kind, doc, get in (
            ("cnodes", "CNodes", _NUMBER, "NUMA domains", lambda h: h.cpu_nodes),
            ("cnos", "CNOs", _NUMBER, "CPUs of the node's own system", lambda h: h.cpu_dom0),
            ("csockets", "CSockets", _NUMBER, "CPU sockets", lambda h: h.cpu_sockets),
            ("ctotal", "CTotal", _NUMBER, "Logical CPUs", lambda h: h.cpu_total),
            ("mfree", "MFree", _UNIT, "Memory free for instances", lambda h: h.memory_free),
            ("mnode", "MNode", _UNIT, "Memory of the node's own system", lambda h: h.memory_dom0),
            ("mtotal", "MTotal", _UNIT, "Memory in all", lambda h: h.memory_total),
        )
    ),
    Field(
        "dfree",
        "DFree",
        _UNIT,
        "Free space in the default storage",
        _storage(lambda unit: unit.storage_free),
        Need.NODE_INFO,
    ),
    Field(
        "dtotal",
        "DTotal",
        _UNIT,
        "Space in the default storage",
        _storage(lambda unit: unit.storage_size),
        Need.NODE_INFO,
    ),
    Field(
        "spfree",
        "SpFree",
        _NUMBER,
        "Free spindles in the volume group",
        _spindles(lambda unit: unit.storage_free),
        Need.NODE_INFO,
    ),
    Field(
        "sptotal",
        "SpTotal",
        _NUMBER,
        "Spindles in the volume group",
        _spindles(lambda unit: unit.storage_size),
        Need.NODE_INFO,
    ),
]

_FLAGS: Final[Sequence[NodeField]] = [
    Field("drained", "Drained", _BOOL, "Takes no new instances", lambda n, _: n.drained),
    Field("master", "IsMaster", _BOOL, "Is the master", lambda n, c: c.view.is_master(n)),
    Field("master_candidate", "MasterC", _BOOL, "Is a candidate", lambda n, _: n.master_candidate),
    Field("master_capable", "MasterCapable", _BOOL, "May be master", lambda n, _: n.master_capable),
    Field("offline", "Offline", _BOOL, "Is not called", lambda n, _: n.offline),
    Field("powered", "Powered", _BOOL, "Whether its out-of-band program says on", _powered),
    Field("vm_capable", "VMCapable", _BOOL, "May have instances", lambda n, _: n.vm_capable),
    Field(
        "role",
        "Role",
        _TEXT,
        "M master, C master candidate, R regular, D drained, O offline",
        lambda n, c: c.view.node_role(n).value,
    ),
]

_INSTANCES: Final[Sequence[NodeField]] = [
    Field(
        "pinst_cnt",
        "Pinst",
        _NUMBER,
        "Number of primary instances",
        lambda n, c: len(c.view.primary_instance_uuids(n.uuid)),
    ),
    Field(
        "pinst_list",
        "PriInstances",
        _OTHER,
        "Names of primary instances",
        _names(lambda view, uuid: view.primary_instance_uuids(uuid)),
        compare=Compare.HOSTNAME,
    ),
    Field(
        "sinst_cnt",
        "Sinst",
        _NUMBER,
        "Number of secondary instances",
        lambda n, c: len(c.view.secondary_instance_uuids(n.uuid)),
    ),
    Field(
        "sinst_list",
        "SecInstances",
        _OTHER,
        "Names of secondary instances",
        _names(lambda view, uuid: view.secondary_instance_uuids(uuid)),
        compare=Compare.HOSTNAME,
    ),
]

_CONFIG: Final[Sequence[NodeField]] = [
    Field("name", "Node", _TEXT, "Name", lambda n, _: n.name, compare=Compare.HOSTNAME),
    Field("group", "Group", _TEXT, "Name of its group", _group_name),
    Field("group.uuid", "GroupUUID", _TEXT, "UUID of its group", lambda n, _: n.group),
    Field("pip", "PrimaryIP", _TEXT, "Primary address", lambda n, _: n.primary_ip),
    Field("sip", "SecondaryIP", _TEXT, "Secondary address", lambda n, _: n.secondary_ip),
    Field(
        "hv_state",
        "HypervisorState",
        _OTHER,
        "Static hypervisor state",
        lambda n, c: c.view.hv_state(n),
    ),
    Field(
        "disk_state", "DiskState", _OTHER, "Static disk state", lambda n, c: c.view.disk_state(n)
    ),
    Field(
        "ndparams",
        "NodeParameters",
        _OTHER,
        "Node parameters, filled",
        lambda n, c: nd_to_dict(_ndparams(n, c)),
    ),
    Field(
        "custom_ndparams",
        "CustomNodeParameters",
        _OTHER,
        "Node parameters of its own",
        lambda n, _: n.ndparams,
    ),
    *ndparams_fields(_ndparams),
]


_FIELDS: Final[Sequence[NodeField]] = [
    *_LIVE,
    *_FLAGS,
    *_INSTANCES,
    *_CONFIG,
    *object_fields("node", Node),
    tags_field("node", Node),
]


class NodeResource:
    """Queries of nodes."""

    name_field = "name"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[Node]:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        return view.all_nodes() if names is None else [view.node(str(name)) for name in names]

    async def context(
        self, sources: Sources, items: list[Node], needs: frozenset[Need]
    ) -> NodeContext:
        """See :class:`~.engine.Resource`."""
        if Need.NODE_INFO not in needs:
            return NodeContext(sources.view)
        asked = [node.uuid for node in items if node.vm_capable and not node.offline]
        info = await sources.live.node_info(sources.view, dict.fromkeys(asked))
        return NodeContext(sources.view, info)


NODES: Final = NodeResource()
