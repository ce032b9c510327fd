"""Create many instances at once: ``gnt-instance batch-create``, ``POST /2/instances-multi-alloc``.

Submits a job for each. Source: gnt-instance(8) BATCH-CREATE.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.codec import decode
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceMultiAlloc


@dataclass(frozen=True, slots=True)
class MultiAllocPlan:
    """What is to be created, in order."""

    instances: tuple[OpInstanceCreate, ...]


class LUInstanceMultiAlloc(LogicalUnit[OpInstanceMultiAlloc, MultiAllocPlan, dict[str, Any]]):
    """Submit the creation of each instance on the nodes given.

    The result names the jobs, and as an allocator's would the instances that have a place. Any:
    ``{"jobs": [[ok, id], ...], "allocatable": [name, ...], "failed": []}``.
    """

    def declare_locks(self, op: OpInstanceMultiAlloc, view: ClusterView) -> LockRequest:
        """Nothing: the jobs lock what they need."""
        return LockRequest()

    async def check_prereq(
        self, op: OpInstanceMultiAlloc, view: ClusterView, nodes: NodeReader
    ) -> MultiAllocPlan:
        """Refuse what is no creation, or leaves the choice of a node to an allocator.

        Raises:
            OpPrereqError: says which of the instances, and what is wrong with it.
        """
        if op.iallocator is not None:
            text = f"iallocator={op.iallocator} is not built yet, give each instance its pnode"
            raise OpPrereqError(text, ECode.STATE)
        instances = tuple(_creation(index, one) for index, one in enumerate(op.instances))
        if not instances:
            raise OpPrereqError("no instances are given", ECode.INVAL)
        names = [one.instance_name for one in instances]
        twice = sorted(name for name in set(names) if names.count(name) > 1)
        if twice:
            text = f"instances are given twice: {', '.join(twice)}"
            raise OpPrereqError(text, ECode.INVAL)
        for one in instances:
            _check_nodes(one, view)
        # What they are submitted with counts for all of them that say nothing else.
        return MultiAllocPlan(
            tuple(
                msgspec.structs.replace(one, priority=one.priority or op.priority)
                for one in instances
            )
        )

    def outline(self, plan: MultiAllocPlan, view: ClusterView) -> Sequence[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"submit a job of {one.summary()}" for one in plan.instances]

    async def execute(self, run: Run, plan: MultiAllocPlan) -> dict[str, Any]:
        """Submit them."""
        async with run.step("submit jobs"):
            jobs = await run.submit([[one] for one in plan.instances])
        names = [one.instance_name for one in plan.instances]
        return {"jobs": jobs, "allocatable": names, "failed": []}


def _creation(index: int, data: object) -> OpInstanceCreate:
    op = decode({"OP_ID": OpInstanceCreate.op_id(), **data} if isinstance(data, Mapping) else data)
    if not isinstance(op, OpInstanceCreate):
        text = f"instance {index}: {op.op_id()}, expected {OpInstanceCreate.op_id()}"
        raise OpPrereqError(text, ECode.INVAL)
    return op


def _check_nodes(op: OpInstanceCreate, view: ClusterView) -> None:
    name = op.instance_name
    if op.iallocator is not None:
        text = f"instance {name}: an allocator is for all of them, not for one"
        raise OpPrereqError(text, ECode.INVAL)
    if op.pnode is None:
        text = f"instance {name} has no pnode, and there is no allocator yet that would choose one"
        raise OpPrereqError(text, ECode.INVAL)
    view.node(op.pnode)
    if op.snode is None and op.disk_template in INTERNALLY_MIRRORED:
        raise OpPrereqError(f"instance {name} is mirrored and has no snode", ECode.INVAL)
