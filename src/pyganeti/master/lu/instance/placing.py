"""The nodes of new instances, where an allocator chooses them.

opcode without nodes ── Allocate ── allocator ── opcode with nodes
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from pyganeti.master.disks.new import are_adopted, chosen_template, requested_disks
from pyganeti.master.iallocator.requests import Allocate, Request
from pyganeti.master.iallocator.running import Advice, ask, chosen_allocator
from pyganeti.master.locks import Level, LockRequest, Opportunistic
from pyganeti.master.lu.instance.create_checks import wanted_instance
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate

Found = TypeVar("Found")


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


def placing_locks(
    ops: Sequence[OpInstanceCreate],
    view: ClusterView,
    names: frozenset[str] = frozenset(),
    *,
    opportunistic: bool,
) -> LockRequest:
    """Lock all nodes that may be chosen, or as many as are free.

    Args:
        ops: what is asked for.
        view: the snapshot.
        names: of instances that are locked anyway.
        opportunistic: nodes that are free are enough.
    """
    nodes = frozenset(node.uuid for op in ops for node in _candidates(op, view))
    if not opportunistic:
        return LockRequest(instances=names, shared_nodes=nodes, shared_node_res=nodes)
    levels = frozenset({Level.NODE, Level.NODE_RES})
    mirrored = any(op.disk_template in (None, *INTERNALLY_MIRRORED) for op in ops)
    free = Opportunistic(levels, nodes, min(2 if mirrored else 1, len(nodes)), shared=True)
    return LockRequest(instances=names, opportunistic=(free,))


async def place(
    op: OpInstanceCreate, view: ClusterView, nodes: NodeReader, reserved: Instance | None
) -> tuple[OpInstanceCreate, tuple[str, ...]]:
    """``op`` with its nodes, and what the job's log says of how they were chosen.

    ``reserved`` is the reservation in whose place the instance comes.

    Raises:
        OpPrereqError: something of the request is wrong, or the allocator finds no nodes; with
            ``ECode.TEMP_NORES`` only among those that were free.
    """
    request = await allocation(op, view, nodes, reserved)
    what = f"nodes for instance {request.name}"
    advice = await ask_among(nodes, view, op.iallocator, request, what)
    return placed(op, advice.found), (
        *advice.warnings,
        chosen_line(request.name, advice.allocator, advice.found),
    )


async def ask_among(
    nodes: NodeReader, view: ClusterView, name: str | None, request: Request[Found], what: str
) -> Advice[Found]:
    """As :func:`ask`, with ``ECode.TEMP_NORES`` where more nodes may be free later."""
    try:
        return await ask(nodes, view, name, request, what)
    except OpPrereqError as err:
        if err.code is ECode.NORES and nodes.granted:
            raise OpPrereqError(str(err), ECode.TEMP_NORES) from err
        raise


def placed(op: OpInstanceCreate, nodes: Sequence[Node]) -> OpInstanceCreate:
    """``op`` on the nodes that were chosen, the primary first."""
    names = [*(node.name for node in nodes), None]
    return msgspec.structs.replace(op, iallocator=None, pnode=names[0], snode=names[1])


def chosen_line(name: str, allocator: str, nodes: Sequence[Node]) -> str:
    """What the job's log says of the nodes chosen for an instance."""
    chosen = ", ".join(node.name for node in nodes)
    return f"Selected nodes for instance {name} via allocator {allocator}: {chosen}"


async def allocation(
    op: OpInstanceCreate, view: ClusterView, nodes: NodeReader, reserved: Instance | None
) -> Allocate:
    """What an allocator is asked of a new instance.

    Raises:
        OpPrereqError: something of the request is wrong.
    """
    template = chosen_template(op.disk_template, view)
    disks = requested_disks(op.disks, template, view)
    if are_adopted(disks):
        text = "what is adopted lies on a node: name that with -n, an allocator cannot choose it"
        raise OpPrereqError(text, ECode.INVAL)
    first = min(_candidates(op, view), key=lambda node: node.name)
    there = msgspec.structs.replace(op, pnode=first.name)
    instance = await wanted_instance(there, view, nodes, reserved)
    granted = nodes.granted.get(Level.NODE)
    return Allocate.of(
        instance,
        template,
        [(disk.size, disk.mode) for disk in disks],
        view,
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
