"""Find disks that are missing or not active: ``gnt-cluster verify-disks``.

One opcode submits the other, for each node group. Source: gnt-cluster(8) VERIFY-DISKS.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyganeti.master.disks.mirrors import are_split, split_text
from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterVerifyDisks
from pyganeti.opcodes.group import OpGroupVerifyDisks
from pyganeti.wire.noderpc.blockdev import BlockdevGetmirrorstatusCall, LvListCall
from pyganeti.wire.noderpc.disks import (
    LocalDisk,
    MirrorStatus,
)


@dataclass(frozen=True, slots=True)
class SubmitPlan:
    """The jobs to submit."""

    jobs: tuple[tuple[OpGroupVerifyDisks, ...], ...]


class LUClusterVerifyDisks(LogicalUnit[OpClusterVerifyDisks, SubmitPlan, dict[str, Any]]):
    """Submit a check for each group. Any: ``{"jobs": [[ok, id], ...]}``."""

    def declare_locks(self, op: OpClusterVerifyDisks, view: ClusterView) -> LockRequest:
        """Nothing: the jobs lock what they read."""
        return LockRequest()

    async def check_prereq(
        self, op: OpClusterVerifyDisks, view: ClusterView, nodes: NodeReader
    ) -> SubmitPlan:
        """Decide the jobs.

        Raises:
            OpPrereqError: there is no such group.
        """
        groups = [view.group(op.group_name)] if op.group_name else view.all_groups()
        return SubmitPlan(
            tuple(
                (
                    OpGroupVerifyDisks(
                        group_name=group.name, is_strict=op.is_strict, priority=op.priority
                    ),
                )
                for group in groups
            )
        )

    def outline(self, plan: SubmitPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"submit a job of {op.summary()}" for ops in plan.jobs for op in ops]

    async def execute(self, run: Run, plan: SubmitPlan) -> dict[str, Any]:
        """Submit them."""
        async with run.step("submit jobs"):
            return {"jobs": await run.submit(plan.jobs)}


@dataclass(frozen=True, slots=True)
class FoundPlan:
    """What was found, while reading.

    Attributes:
        errors: nodes that could not be asked, by UUID, with the reason; and primary nodes of
            mirrors that are split, which no activation mends.
        inactive: instances with disks that should be active and are not.
        missing: by instance, node UUID and ``group/volume`` of what is not there.
    """

    errors: dict[str, str]
    inactive: list[str]
    missing: dict[str, list[list[str]]]


Found = tuple[dict[str, str], list[str], dict[str, list[list[str]]]]


class LUGroupVerifyDisks(LogicalUnit[OpGroupVerifyDisks, FoundPlan, Found]):
    """Look at the disks of a group's instances that should be active."""

    def declare_locks(self, op: OpGroupVerifyDisks, view: ClusterView) -> LockRequest:
        """The group and all instances, shared: a job under way looks like a fault."""
        group = view.group(op.group_name)
        return LockRequest(shared_instances=frozenset({ALL}), shared_groups=frozenset({group.uuid}))

    async def check_prereq(
        self, op: OpGroupVerifyDisks, view: ClusterView, nodes: NodeReader
    ) -> FoundPlan:
        """Ask the nodes; reads only."""
        active = list(_active(view, view.group(op.group_name).uuid))
        plan = FoundPlan({}, [], {})
        inactive = await _check_volumes(plan, view, nodes, active)
        if op.is_strict:
            inactive |= await _check_mirrors(plan, view, nodes, active)
        plan.inactive.extend(i.name for i, _ in active if i.name in inactive)
        return plan

    async def execute(self, run: Run, plan: FoundPlan) -> Found:
        """Answer."""
        return plan.errors, plan.inactive, plan.missing


def _active(view: ClusterView, group: str) -> Iterator[tuple[Instance, list[Disk]]]:
    for node in view.nodes_of_group(group):
        for instance in view.primary_instances(node.uuid):
            if instance.disks_active:
                yield instance, view.disks_of(instance)


async def _check_volumes(
    plan: FoundPlan,
    view: ClusterView,
    nodes: NodeReader,
    active: list[tuple[Instance, list[Disk]]],
) -> set[str]:
    """Find missing volumes; the names of instances with some that are not active."""
    wanted: dict[str, dict[tuple[str, str], Instance]] = {}
    for instance, disks in active:
        for disk in disks:
            for volume in (disk, *disk.children):
                if volume.dev_type is DiskTemplate.PLAIN:
                    place = (str(volume.logical_id[0]), str(volume.logical_id[1]))
                    for node in disk.nodes:
                        wanted.setdefault(node, {})[place] = instance
    calls = {
        node: LvListCall(vg_names=tuple(sorted({group for group, _ in places})))
        for node, places in wanted.items()
        if not view.node(node).offline
    }
    inactive: set[str] = set()
    for node, answer in (await nodes.call_each(calls)).items():
        if isinstance(answer, GenericError):
            plan.errors[node] = str(answer)
            continue
        found = {(volume.group, volume.name): volume for volume in answer}
        for place, instance in wanted[node].items():
            if place not in found:
                gone = plan.missing.setdefault(instance.name, [])
                gone.append([node, "/".join(place)])
            elif not found[place].active:
                inactive.add(instance.name)
    return inactive


async def _check_mirrors(
    plan: FoundPlan,
    view: ClusterView,
    nodes: NodeReader,
    active: list[tuple[Instance, list[Disk]]],
) -> set[str]:
    """Names of instances with mirrors that activating could help."""
    asked: dict[str, list[tuple[Instance, Disk]]] = {}
    for instance, disks in active:
        for disk in disks:
            for node in disk.nodes if disk.dev_type in INTERNALLY_MIRRORED else ():
                if not view.node(node).offline:
                    asked.setdefault(node, []).append((instance, disk))
    calls = {
        node: BlockdevGetmirrorstatusCall(
            disks=tuple(disk_spec(disk, view, node) for _, disk in found)
        )
        for node, found in asked.items()
    }
    inactive: set[str] = set()
    seen: dict[str, list[MirrorStatus | None]] = {}
    split: set[str] = set()
    for node, answer in (await nodes.call_each(calls)).items():
        if isinstance(answer, GenericError):
            plan.errors[node] = str(answer)
            continue
        for (instance, disk), status in zip(asked[node], answer, strict=True):
            if _needs_activation(status):
                inactive.add(instance.name)
            sides = seen.setdefault(disk.uuid, [])
            sides.append(status)
            if len(sides) == 2 and are_split(*sides):
                # Activated, they would meet and part again.
                split.add(instance.name)
                text = f"instance {instance.name}: {split_text(disk, instance, view)}"
                known = plan.errors.get(instance.primary_node)
                plan.errors[instance.primary_node] = f"{known}; {text}" if known else text
    return inactive - split


def _needs_activation(status: MirrorStatus | None) -> bool:
    return status is None or status.standalone or status.local_disk is LocalDisk.FAULTY
