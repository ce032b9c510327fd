"""Fields of instances, and how nodes are asked for them.

What only a node knows is ``(offline)`` when the primary node is marked offline, ``(nodata)`` when
it did not answer, and ``(unavail)`` when the guest is not there.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pyganeti.master.instances.consoles import console_object
from pyganeti.model.enums import AdminState, FieldStatus
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
    GuestState,
)

from . import instance_devices, instance_params
from .fields import Compare, Field, FieldKind, Need, or_unavail, table
from .instance_context import InstanceContext, InstanceField, running_on
from .objects import object_fields, tags_field
from .sources import Sources
from .status import instance_status

_BOOL, _NUMBER, _OTHER = FieldKind.BOOL, FieldKind.NUMBER, FieldKind.OTHER
_TEXT, _UNIT = FieldKind.TEXT, FieldKind.UNIT


def _running(guest: GuestInfo) -> bool:
    return guest.state is not GuestState.SHUTDOWN


def _status(instance: Instance, context: InstanceContext) -> object:
    if instance.forthcoming:
        return FieldStatus.UNAVAIL
    return instance_status(context.seen(instance)).value


def _oper_state(instance: Instance, context: InstanceContext) -> object:
    guest = context.guest(instance)
    if isinstance(guest, GuestInfo):
        return _running(guest)
    if guest is FieldStatus.OFFLINE:
        # Other live fields are (offline) there; in Ganeti's answers this one is not.
        return FieldStatus.NODATA
    absent = guest is FieldStatus.UNAVAIL and not instance.forthcoming
    return False if absent else guest


def _of_guest(
    get: Callable[[GuestInfo], object],
) -> Callable[[Instance, InstanceContext], object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        guest = context.guest(instance)
        if isinstance(guest, FieldStatus):
            return guest
        return get(guest) if _running(guest) else FieldStatus.UNAVAIL

    return of


def _console(instance: Instance, context: InstanceContext) -> object:
    guest = context.guest(instance)
    if isinstance(guest, FieldStatus):
        return guest
    answer = context.consoles.get(instance.uuid)
    if isinstance(answer, ConsoleInfo):
        return console_object(answer)
    return FieldStatus.NODATA if _running(guest) else FieldStatus.UNAVAIL


_LIVE: Final[Sequence[InstanceField]] = [
    Field("status", "Status", _TEXT, "Wanted and seen state in one word", _status, Need.GUESTS),
    Field("oper_state", "Running", _BOOL, "Whether it runs", _oper_state, Need.GUESTS),
    Field(
        "oper_ram",
        "Memory",
        _UNIT,
        "Memory it has now",
        _of_guest(lambda guest: guest.memory),
        Need.GUESTS,
    ),
    Field(
        "oper_vcpus",
        "VCPUs",
        _NUMBER,
        "Virtual CPUs it has now",
        _of_guest(lambda guest: guest.vcpus),
        Need.GUESTS,
    ),
    Field("console", "Console", _OTHER, "How to reach its console", _console, Need.CONSOLE),
]


def _pnode(get: Callable[[Node, InstanceContext], object]) -> Callable[..., object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        node = context.primary(instance)
        return FieldStatus.UNAVAIL if node is None else get(node, context)

    return of


def _snodes(get: Callable[[Node, InstanceContext], object]) -> Callable[..., object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        nodes = context.view.nodes
        uuids = context.view.secondary_node_uuids(instance)
        return [get(nodes[uuid], context) for uuid in uuids if uuid in nodes]

    return of


def _group_name(node: Node, context: InstanceContext) -> object:
    group = context.view.groups.get(node.group)
    return group.name if group else node.group


_NODES: Final[Sequence[InstanceField]] = [
    Field(
        "pnode",
        "Primary_node",
        _TEXT,
        "Name of the primary node",
        _pnode(lambda node, _: node.name),
        compare=Compare.HOSTNAME,
    ),
    Field("pnode.group", "PrimaryNodeGroup", _TEXT, "Its group's name", _pnode(_group_name)),
    Field(
        "pnode.group.uuid",
        "PrimaryNodeGroupUUID",
        _TEXT,
        "Its group's UUID",
        _pnode(lambda node, _: node.group),
    ),
    Field(
        "snodes",
        "Secondary_Nodes",
        _OTHER,
        "Names of secondary nodes",
        _snodes(lambda node, _: node.name),
        compare=Compare.HOSTNAME,
    ),
    Field(
        "snodes.group",
        "SecondaryNodesGroups",
        _OTHER,
        "Names of their groups",
        _snodes(_group_name),
    ),
    Field(
        "snodes.group.uuid",
        "SecondaryNodesGroupsUUID",
        _OTHER,
        "UUIDs of their groups",
        _snodes(lambda node, _: node.group),
    ),
]

_CONFIG: Final[Sequence[InstanceField]] = [
    Field("name", "Instance", _TEXT, "Name", lambda i, _: i.name, compare=Compare.HOSTNAME),
    Field("os", "OS", _TEXT, "OS definition and variant", lambda i, _: i.os),
    Field("hypervisor", "Hypervisor", _TEXT, "Hypervisor", lambda i, _: i.hypervisor.value),
    Field("admin_state", "InstanceState", _TEXT, "Wanted state", lambda i, _: i.admin_state.value),
    Field(
        "admin_state_source",
        "InstanceStateSource",
        _TEXT,
        "Who wanted it: admin or user",
        lambda i, _: i.admin_state_source.value,
    ),
    Field(
        "admin_up",
        "Autostart",
        _BOOL,
        "Whether it should run",
        lambda i, _: i.admin_state is AdminState.UP,
    ),
    Field(
        "disks_active",
        "DisksActive",
        _BOOL,
        "Whether its disks should be assembled",
        lambda i, _: i.disks_active,
    ),
    Field("forthcoming", "Forthcoming", _BOOL, "Reserved only", lambda i, _: i.forthcoming),
    Field(
        "network_port",
        "Network_port",
        _OTHER,
        "TCP port of its display",
        lambda i, _: or_unavail(i.network_port),
    ),
]


_FIELDS: Final[Sequence[InstanceField]] = [
    *_CONFIG,
    *_LIVE,
    *_NODES,
    *instance_devices.FIELDS,
    *instance_params.FIELDS,
    *object_fields("instance", Instance),
    tags_field("instance", Instance),
]


class InstanceResource:
    """Queries of instances."""

    name_field = "name"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[Instance]:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        if names is None:
            return view.all_instances()
        return [view.instance(str(name)) for name in names]

    async def context(
        self, sources: Sources, items: list[Instance], needs: frozenset[Need]
    ) -> InstanceContext:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        if not needs:
            return InstanceContext(view)
        guests = await sources.live.guests(view, _asked(sources, items))
        context = InstanceContext(view, guests, running_on(guests))
        if Need.CONSOLE not in needs:
            return context
        up = [i for i in items if isinstance(g := context.guest(i), GuestInfo) and _running(g)]
        consoles = await sources.live.consoles(view, up)
        return InstanceContext(view, guests, context.running_on, consoles)


def _asked(sources: Sources, items: list[Instance]) -> dict[str, None]:
    """Nodes of the instances; secondaries too, since a guest may run on the wrong one."""
    view = sources.view
    found: dict[str, None] = {}
    for instance in items:
        found[instance.primary_node] = None
        if instance.disks:
            found.update(dict.fromkeys(view.secondary_node_uuids(instance)))
    return {uuid: None for uuid in found if (node := view.nodes.get(uuid)) and not node.offline}


INSTANCES: Final = InstanceResource()
