"""Show what an allocator is told, or what it says: ``gnt-debug iallocator``.

Source: gnt-debug(8) IALLOCATOR.
"""

from dataclasses import replace
from typing import Any

from pyganeti.master.iallocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    MultiAllocate,
    NodeEvacuate,
    Relocate,
    Request,
)
from pyganeti.master.iallocator.running import chosen_allocator, run_allocator, tell
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nics.new import requested_nics
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AllocatorDirection, AllocatorMode, EvacMode
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import parse_disk
from pyganeti.opcodes.test import OpTestAllocator

_NEW = frozenset({AllocatorMode.ALLOCATE, AllocatorMode.MULTI_ALLOCATE})


class LUTestAllocator(LogicalUnit[OpTestAllocator, str, str]):
    """Ask an allocator, or only show the question; nothing becomes of the answer."""

    def declare_locks(self, op: OpTestAllocator, view: ClusterView) -> LockRequest:
        """None: nothing is decided."""
        return LockRequest()

    async def check_prereq(self, op: OpTestAllocator, view: ClusterView, nodes: NodeReader) -> str:
        """The question, or the answer.

        Raises:
            OpPrereqError: the request is not complete.
            OpExecError: the allocator does not work.
        """
        told, _silent = await tell(nodes, view, _request(op, view))
        if op.direction is AllocatorDirection.IN:
            return told
        return await run_allocator(nodes, view, chosen_allocator(op.iallocator, view), told)

    async def execute(self, run: Run, plan: str) -> str:
        """Tell it."""
        return plan


def _request(op: OpTestAllocator, view: ClusterView) -> Request[Any]:  # Any: answers differ
    if op.mode in _NEW:
        return _new(op, view)
    if op.mode is AllocatorMode.RELOCATE:
        return Relocate(view.instance(op.name))
    if op.mode is AllocatorMode.ALLOCATE_SECONDARY:
        return AllocateSecondary(view.instance(op.name))
    instances = tuple(view.instance(name) for name in op.instances or (op.name,))
    if op.mode is AllocatorMode.NODE_EVACUATE:
        return NodeEvacuate(instances, op.evac_mode or EvacMode.ALL)
    return ChangeGroup(instances, tuple(view.group(name) for name in op.target_groups or ()))


def _new(op: OpTestAllocator, view: ClusterView) -> Allocate | MultiAllocate:
    known = view.find_instance(op.name)
    if known is not None and known.name == op.name:
        raise OpPrereqError(f"instance {op.name} is already in the cluster", ECode.EXISTS)
    for name in ("memory", "vcpus", "disks", "disk_template", "os", "nics"):
        if getattr(op, name) is None:
            raise OpPrereqError(f"{op.mode} needs {name}", ECode.INVAL)
    asked = [parse_disk(disk, f"disk/{number}") for number, disk in enumerate(op.disks or ())]
    group = view.group_of(view.master_node)
    one = Allocate(
        op.name,
        op.disk_template or view.cluster.enabled_disk_templates[0],
        tuple({"size": disk.size or 0, "mode": str(disk.mode or "rw")} for disk in asked),
        requested_nics(op.nics or (), view, group),
        memory=op.memory or 0,
        vcpus=op.vcpus or 0,
        spindle_use=op.spindle_use,
        os=op.os or "",
        hypervisor=op.hypervisor or view.cluster.enabled_hypervisors[0],
        tags=op.tags,
        group=op.group_name,
    )
    if op.mode is AllocatorMode.ALLOCATE:
        return one
    several = (replace(one, name=f"{op.name}{number}") for number in range(op.count))
    return MultiAllocate(tuple(several))
