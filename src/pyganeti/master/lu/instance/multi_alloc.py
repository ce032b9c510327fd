"""Create many instances at once: ``gnt-instance batch-create``, ``POST /2/instances-multi-alloc``.

Submits a job for each, on the nodes given or on those that an allocator chooses for all together.
Source: gnt-instance(8) BATCH-CREATE.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.master.backup.importing import read_export
from pyganeti.master.disks.states import with_states
from pyganeti.master.iallocator.requests import Allocate, MultiAllocate
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.instance.create_forthcoming import find_reserved
from pyganeti.master.lu.instance.placing import (
    allocation,
    ask_among,
    chosen_line,
    placed,
    placing_locks,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import InstanceCreateMode
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.codec import decode
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceMultiAlloc


@dataclass(frozen=True, slots=True)
class MultiAllocPlan:
    """What becomes of the instances.

    Attributes:
        instances: to be created, in order.
        failed: names of those without a place.
        lines: for the job's log.
    """

    instances: tuple[OpInstanceCreate, ...]
    failed: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


class LUInstanceMultiAlloc(LogicalUnit[OpInstanceMultiAlloc, MultiAllocPlan, dict[str, Any]]):
    """Submit the creation of each instance.

    The result names the jobs, the instances that have a place, and those that have none. Any:
    ``{"jobs": [[ok, id], ...], "allocatable": [name, ...], "failed": [name, ...]}``.
    """

    def declare_locks(self, op: OpInstanceMultiAlloc, view: ClusterView) -> LockRequest:
        """The nodes among which an allocator chooses; what else is needed, the jobs lock."""
        instances = _creations(op)
        if _are_placed(instances):
            return LockRequest()
        chosen_allocator(op.iallocator, view)
        return placing_locks(instances, view, opportunistic=op.opportunistic_locking)

    async def check_prereq(
        self, op: OpInstanceMultiAlloc, view: ClusterView, nodes: NodeReader
    ) -> MultiAllocPlan:
        """Refuse what is no creation; choose the nodes.

        Raises:
            OpPrereqError: says which of the instances, and what is wrong with it; or the allocator
                finds no answer.
        """
        instances = _creations(op)
        if not _are_placed(instances):
            return await _placed_together(op, instances, view, nodes)
        for one in instances:
            _check_nodes(one, view)
        unused = f"Warning: allocator {op.iallocator} is not asked, all instances have their nodes"
        return MultiAllocPlan(instances, lines=(unused,) if op.iallocator else ())

    def outline(self, plan: MultiAllocPlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"submit a job of {one.summary()}" for one in plan.instances]

    async def execute(self, run: Run, plan: MultiAllocPlan) -> dict[str, Any]:
        """Submit them."""
        for line in plan.lines:
            run.log(line)
        async with run.step("submit jobs"):
            jobs = await run.submit([[one] for one in plan.instances])
        names = [one.instance_name for one in plan.instances]
        return {"jobs": jobs, "allocatable": names, "failed": list(plan.failed)}


def _creations(op: OpInstanceMultiAlloc) -> tuple[OpInstanceCreate, ...]:
    """The instances, as urgent as ``op`` where they say nothing else."""
    instances = [_creation(index, one) for index, one in enumerate(op.instances)]
    if not instances:
        raise OpPrereqError("no instances are given", ECode.INVAL)
    names = [one.instance_name for one in instances]
    twice = sorted(name for name in set(names) if names.count(name) > 1)
    if twice:
        text = f"instances are given twice: {', '.join(twice)}"
        raise OpPrereqError(text, ECode.INVAL)
    return tuple(
        msgspec.structs.replace(one, priority=one.priority or op.priority) for one in instances
    )


def _creation(index: int, data: object) -> OpInstanceCreate:
    op = decode({"OP_ID": OpInstanceCreate.op_id(), **data} if isinstance(data, Mapping) else data)
    if not isinstance(op, OpInstanceCreate):
        text = f"instance {index}: {op.op_id()}, expected {OpInstanceCreate.op_id()}"
        raise OpPrereqError(text, ECode.INVAL)
    return op


def _are_placed(instances: Sequence[OpInstanceCreate]) -> bool:
    """Whether the nodes are given, for all of them.

    Raises:
        OpPrereqError: they are for some only, or one has an allocator of its own.
    """
    for one in instances:
        if one.iallocator is not None:
            text = f"instance {one.instance_name}: an allocator is for all of them, not for one"
            raise OpPrereqError(text, ECode.INVAL)
    without = [one.instance_name for one in instances if one.pnode is None]
    if without and len(without) < len(instances):
        text = f"{', '.join(without)} without a pnode, though others have one: give all, or none"
        raise OpPrereqError(text, ECode.INVAL)
    return not without


def _check_nodes(op: OpInstanceCreate, view: ClusterView) -> None:
    for name in (op.pnode, op.snode):
        if name is not None:
            view.node(name)
    if op.snode is None and op.disk_template in INTERNALLY_MIRRORED:
        text = f"instance {op.instance_name} is mirrored and has no snode"
        raise OpPrereqError(text, ECode.INVAL)


async def _placed_together(
    op: OpInstanceMultiAlloc,
    instances: Sequence[OpInstanceCreate],
    view: ClusterView,
    nodes: NodeReader,
) -> MultiAllocPlan:
    asked = {one.instance_name: await _asked(one, view, nodes) for one in instances}
    request = MultiAllocate(tuple(asked.values()))
    what = f"nodes for {len(instances)} instances"
    advice = await ask_among(nodes, view, op.iallocator, request, what)
    found, failed = advice.found.placed, advice.found.failed
    chosen = (chosen_line(name, advice.allocator, found[name]) for name in found)
    nowhere = (f"Warning: no nodes for instance {name}: {why}" for name, why in failed.items())
    return MultiAllocPlan(
        tuple(
            placed(one, found[asked[one.instance_name].name])
            for one in instances
            if asked[one.instance_name].name in found
        ),
        tuple(name for name, request in asked.items() if request.name in failed),
        (*advice.warnings, *chosen, *nowhere),
    )


async def _asked(op: OpInstanceCreate, view: ClusterView, nodes: NodeReader) -> Allocate:
    try:
        if op.snode is not None:
            raise OpPrereqError("a secondary node was given without a primary one", ECode.INVAL)
        if op.mode is InstanceCreateMode.IMPORT:
            op, _source = await read_export(op, view, nodes)
        return await allocation(with_states(op, view), view, nodes, find_reserved(op, view))
    except OpPrereqError as err:
        raise OpPrereqError(f"instance {op.instance_name}: {err}", err.code) from err
