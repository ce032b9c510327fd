"""Everything about instances: ``gnt-instance info``, ``GET /2/instances/[name]/info``.

Source: gnt-instance(8) INFO; keys of the answer as clients read them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.master.instances.user_shutdown import user_may_shut_down
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.instance.disk_data import Reader
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.params.hv import DEFAULTS
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceQueryData
from pyganeti.wire.noderpc.guests import GuestState
from pyganeti.wire.noderpc.instance import InstanceInfoCall

_REDACTED = "<redacted>"

# Any: the answer is JSON with values of many types.
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """The answer, gathered while reading; instances whose node is offline, with its name."""

    answer: Answer
    static: tuple[tuple[str, str], ...]


class LUInstanceQueryData(LogicalUnit[OpInstanceQueryData, QueryPlan, Answer]):
    """Describe instances; all when none is named."""

    def declare_locks(self, op: OpInstanceQueryData, view: ClusterView) -> LockRequest:
        """Nothing, unless asked to: snapshots do not change."""
        if not op.use_locking:
            return LockRequest()
        names = frozenset(instance.name for instance in _wanted(op, view))
        return LockRequest(shared_instances=names)

    async def check_prereq(
        self, op: OpInstanceQueryData, view: ClusterView, nodes: NodeReader
    ) -> QueryPlan:
        """Gather; reads only.

        Raises:
            OpPrereqError: an instance is not known.
        """
        answer, offline = {}, []
        for instance in _wanted(op, view):
            node = view.node(instance.primary_node)
            static = op.static or node.offline
            answer[instance.name] = await _describe(instance, view, nodes, static=static)
            if node.offline:
                offline.append((instance.name, node.name))
        return QueryPlan(answer, tuple(offline))

    async def execute(self, run: Run, plan: QueryPlan) -> Answer:
        """Answer, and say of what no actual state is known."""
        for name, node in plan.static:
            run.log(f"Warning: node {node} is marked offline: of {name} only what is configured")
        return plan.answer


def _wanted(op: OpInstanceQueryData, view: ClusterView) -> Iterable[Instance]:
    if op.instances:
        return [view.instance(name) for name in op.instances]
    return view.all_instances()


async def _describe(
    instance: Instance, view: ClusterView, nodes: NodeReader, *, static: bool
) -> Answer:
    node = view.node(instance.primary_node)
    group = view.group_of(node)
    static = static or instance.forthcoming
    live = None if static else await _run_state(instance, view, nodes)
    secondaries = view.secondary_nodes(instance)
    reader = Reader(view, nodes, node.uuid, live=not static)
    disks = [await reader.disk(disk) for disk in view.disks_of(instance)]
    private = dict.fromkeys(instance.osparams_private, _REDACTED)
    filled_private = dict.fromkeys(view.filled_osparams_private(instance), _REDACTED)
    answer = {"forthcoming": True} if instance.forthcoming else {}
    return {
        **answer,
        "name": instance.name,
        "config_state": instance.admin_state,
        "run_state": live,
        "pnode": node.name,
        "pnode_group_uuid": group.uuid,
        "pnode_group_name": group.name,
        "snodes": [other.name for other in secondaries],
        "snodes_group_uuids": [other.group for other in secondaries],
        "snodes_group_names": [view.group_of(other).name for other in secondaries],
        "os": instance.os,
        "disk_template": view.disk_template(instance),
        "disks": disks,
        "nics": [_nic(index, instance, view) for index in range(len(instance.nics))],
        "hypervisor": instance.hypervisor,
        "network_port": instance.network_port,
        "hv_instance": dict(instance.hvparams),
        "hv_actual": view.filled_hvparams(instance, skip_globals=True),
        "be_instance": dict(instance.beparams),
        "be_actual": _backend(view, instance),
        "os_instance": {**instance.osparams, **private},
        "os_actual": {**view.filled_osparams(instance), **filled_private},
        "serial_no": instance.serial_no,
        "mtime": instance.mtime,
        "ctime": instance.ctime,
        "uuid": instance.uuid,
    }


def _backend(view: ClusterView, instance: Instance) -> dict[str, object]:
    """Backend parameters, with the name that ``maxmem`` had and that clients still read."""
    filled: dict[str, object] = msgspec.to_builtins(view.filled_beparams(instance))
    return {**filled, "memory": filled["maxmem"]}


async def _run_state(instance: Instance, view: ClusterView, nodes: NodeReader) -> str:
    """``up``, ``down``, what the hypervisor says; ``(node down)`` when it cannot be asked.

    ``user down`` is one that was shut down from inside, as it may be.
    """
    params = {**DEFAULTS[instance.hypervisor], **view.cluster.hvparams.get(instance.hypervisor, {})}
    call = InstanceInfoCall(name=instance.name, hypervisor=instance.hypervisor, hvparams=params)
    try:
        info = await nodes.call(instance.primary_node, call)
    except GenericError:
        return "(node down)"
    if info is None:
        return "offline" if instance.admin_state is AdminState.OFFLINE else "down"
    if info.state is GuestState.SHUTDOWN:
        return "user down" if user_may_shut_down(instance, view) else "down"
    return "up" if info.state is GuestState.RUNNING else str(info.state)


def _nic(index: int, instance: Instance, view: ClusterView) -> list[Any]:
    nic = instance.nics[index]
    params = view.filled_nicparams(nic)
    network = view.find_network(nic.network) if nic.network else None
    netinfo = None if network is None else msgspec.to_builtins(network)
    return [
        nic.name,
        nic.uuid,
        nic.ip,
        nic.mac,
        params.mode,
        params.link,
        params.vlan,
        nic.network,
        netinfo,
    ]
