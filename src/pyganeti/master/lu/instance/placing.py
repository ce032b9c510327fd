"""The nodes of a new instance, where an allocator chooses them.

opcode without nodes ── Allocate ── allocator ── opcode with nodes
"""

import msgspec

from pyganeti.master.disks.new import are_adopted, chosen_template, requested_disks
from pyganeti.master.iallocator.requests import Allocate
from pyganeti.master.iallocator.running import ask, chosen_allocator
from pyganeti.master.locks import Level, LockRequest, Opportunistic
from pyganeti.master.lu.instance.create_checks import wanted_instance
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate


def is_placed(op: OpInstanceCreate, view: ClusterView) -> bool:
    """Whether the nodes are given; otherwise an allocator chooses them.

    Raises:
        OpPrereqError: both or none is the case.
    """
    if op.pnode is not None:
        if op.iallocator is not None:
            text = "either nodes (-n) or an allocator (-I) can be given, but not both"
            raise OpPrereqError(text, ECode.INVAL)
        return True
    if op.snode is not None:
        text = "a secondary node was given without a primary one"
        raise OpPrereqError(text, ECode.INVAL)
    if not (op.iallocator or view.cluster.default_iallocator):
        text = "no primary node given: choose one with -n, or an allocator with -I"
        raise OpPrereqError(text, ECode.INVAL)
    chosen_allocator(op.iallocator, view)
    return False


def placing_locks(op: OpInstanceCreate, view: ClusterView, names: frozenset[str]) -> LockRequest:
    """Lock all nodes that may be chosen, or as many as are free.

    Args:
        op: what is asked for.
        view: the snapshot.
        names: of instances that are locked anyway.
    """
    nodes = frozenset(node.uuid for node in _candidates(op, view))
    if not op.opportunistic_locking:
        return LockRequest(instances=names, shared_nodes=nodes, shared_node_res=nodes)
    levels = frozenset({Level.NODE, Level.NODE_RES})
    least = 2 if op.disk_template in (None, *INTERNALLY_MIRRORED) else 1
    some = Opportunistic(levels, nodes, min(least, len(nodes)), shared=True)
    return LockRequest(instances=names, opportunistic=(some,))


async def place(
    op: OpInstanceCreate, view: ClusterView, nodes: NodeReader, reserved: Instance | None
) -> tuple[OpInstanceCreate, tuple[str, ...]]:
    """``op`` with its nodes, and what the job's log says of how they were chosen.

    ``reserved`` is the reservation in whose place the instance comes.

    Raises:
        OpPrereqError: something of the request is wrong, or the allocator finds no nodes; with
            ``ECode.TEMP_NORES`` only among those that were free.
    """
    request = await _request(op, view, nodes, reserved)
    what = f"nodes for instance {request.name}"
    try:
        advice = await ask(nodes, view, op.iallocator, request, what)
    except OpPrereqError as err:
        if err.code is ECode.NORES and nodes.granted:
            raise OpPrereqError(str(err), ECode.TEMP_NORES) from err
        raise
    names = [node.name for node in advice.found]
    placed = msgspec.structs.replace(
        op, iallocator=None, pnode=names[0], snode=names[1] if len(names) > 1 else None
    )
    silent = (f"Warning: node {one} does not answer, nothing comes to it" for one in advice.silent)
    chosen = f"Selected nodes for instance {request.name} via allocator {advice.allocator}"
    return placed, (*silent, f"{chosen}: {', '.join(names)}")


async def _request(
    op: OpInstanceCreate, view: ClusterView, nodes: NodeReader, reserved: Instance | None
) -> Allocate:
    template = chosen_template(op.disk_template, view)
    disks = requested_disks(op.disks, template, view)
    if are_adopted(disks):
        text = "what is adopted lies on a node: name that with -n, an allocator cannot choose it"
        raise OpPrereqError(text, ECode.INVAL)
    first = min(_candidates(op, view), key=lambda node: node.name)
    there = msgspec.structs.replace(op, pnode=first.name)
    instance = await wanted_instance(there, view, nodes, reserved)
    beparams = view.filled_beparams(instance)
    granted = nodes.granted.get(Level.NODE)
    return Allocate(
        instance.name,
        template,
        tuple({"size": disk.size, "mode": str(disk.mode), "spindles": None} for disk in disks),
        instance.nics,
        memory=beparams.maxmem,
        vcpus=beparams.vcpus,
        spindle_use=beparams.spindle_use,
        os=instance.os,
        hypervisor=instance.hypervisor,
        tags=instance.tags,
        group=None if op.group_name is None else view.group(op.group_name).name,
        among=None if granted is None else tuple(sorted(view.node(uuid).name for uuid in granted)),
    )


def _candidates(op: OpInstanceCreate, view: ClusterView) -> list[Node]:
    group = None if op.group_name is None else view.group(op.group_name).uuid
    found = [
        node
        for node in view.online_nodes()
        if node.vm_capable and not node.drained and group in (None, node.group)
    ]
    if not found:
        raise OpPrereqError("there is no node that could take the instance", ECode.NORES)
    return found
