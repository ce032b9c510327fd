"""Move nodes to a group: ``gnt-group assign-nodes``, ``PUT /2/groups/[name]/assign-nodes``.

Source: gnt-group(8) ASSIGN-NODES.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pyganeti.master.changes import assign_nodes
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.group.settings import newly_violating
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.group import OpGroupAssignNodes


@dataclass(frozen=True, slots=True)
class AssignNodesPlan:
    """The nodes that are in another group yet, and what is to be said of their instances."""

    group: NodeGroup
    nodes: tuple[Node, ...]
    warnings: tuple[str, ...]


class LUGroupAssignNodes(LogicalUnit[OpGroupAssignNodes, AssignNodesPlan, None]):
    """Move nodes to a group; those that are in it already stay."""

    def declare_locks(self, op: OpGroupAssignNodes, view: ClusterView) -> LockRequest:
        """Lock the nodes, their groups and the new one."""
        nodes = [view.node(name) for name in op.nodes]
        groups = {view.group(op.group_name).uuid, *(node.group for node in nodes)}
        uuids = frozenset(node.uuid for node in nodes)
        return LockRequest(groups=frozenset(groups), nodes=uuids)

    async def check_prereq(
        self, op: OpGroupAssignNodes, view: ClusterView, nodes: NodeReader
    ) -> AssignNodesPlan:
        """Refuse to split instances, unless forced to.

        Raises:
            OpPrereqError: ``ECode.STATE``, names them; ``ECode.INVAL``, no node is given.
        """
        if not op.nodes:
            raise OpPrereqError("name the nodes that are to be moved", ECode.INVAL)
        group = view.group(op.group_name)
        given = {node.uuid: node for node in map(view.node, op.nodes)}
        moved = tuple(node for node in given.values() if node.group != group.uuid)
        split, still = _split(view, moved, group)
        if split and not op.force:
            text = f"instances {', '.join(split)} would be split between node groups"
            raise OpPrereqError(f"{text}, use --force to do it all the same", ECode.STATE)
        warnings = (
            *_told("instances are split between node groups", split),
            *_told("instances stay split between node groups", still),
            *_misfits(view, moved, group),
        )
        return AssignNodesPlan(group, moved, warnings)

    def outline(self, plan: AssignNodesPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"move node {node.name} to group {plan.group.name}" for node in plan.nodes]

    async def execute(self, run: Run, plan: AssignNodesPlan) -> None:
        """Record it."""
        for text in plan.warnings:
            run.log(f"Warning: {text}")
        before = {node.uuid: node.group for node in plan.nodes}
        after = dict.fromkeys(before, plan.group.uuid)
        async with run.step("record groups", undo("node.assign_back", groups=before)):
            await run.config.commit(assign_nodes(after))


def _instances(view: ClusterView, nodes: tuple[Node, ...]) -> Iterator[Instance]:
    """Instances that have anything on ``nodes``, in natural order."""
    uuids: frozenset[str] = frozenset()
    for node in nodes:
        uuids |= view.primary_instance_uuids(node.uuid)
        uuids |= view.secondary_instance_uuids(node.uuid)
    yield from view.sorted_instances(uuids)


def _split(
    view: ClusterView, moved: tuple[Node, ...], group: NodeGroup
) -> tuple[list[str], list[str]]:
    """Names of instances that would be in several groups: those that are not yet, and others."""
    new = {node.uuid: group.uuid for node in moved}
    split: list[str] = []
    still: list[str] = []
    for instance in _instances(view, moved):
        nodes = view.instance_nodes(instance)
        if len({new.get(node.uuid, node.group) for node in nodes}) > 1:
            together = len({node.group for node in nodes}) == 1
            (split if together else still).append(instance.name)
    return split, still


def _misfits(view: ClusterView, moved: tuple[Node, ...], group: NodeGroup) -> Iterator[str]:
    """What the new group is not made for, of the instances that come with the nodes."""
    policy = view.ipolicy(group)
    outside: list[str] = []
    for node in moved:
        instances = view.primary_instances(node.uuid)
        outside += newly_violating(instances, view.ipolicy(view.group_of(node)), policy, view)
    yield from _told(f"the instance policy of group {group.name} does not admit", sorted(outside))
    unconnected: dict[str, list[str]] = {}
    for node in moved:
        for instance in view.primary_instances(node.uuid):
            for uuid in {nic.network for nic in instance.nics if nic.network} - {*group.networks}:
                unconnected.setdefault(view.network(uuid).name, []).append(instance.name)
    for name, users in sorted(unconnected.items()):
        yield from _told(f"network {name} is not connected to group {group.name}, used by", users)


def _told(what: str, names: list[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}"] if names else []
