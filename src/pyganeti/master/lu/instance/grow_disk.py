"""Enlarge a disk: ``gnt-instance grow-disk``.

Source: gnt-instance(8) GROW-DISK; hooks path ``disk-grow``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from pyganeti.master.changes import Maker
from pyganeti.master.disks.mirrors import nodes_of, wait_for_sync
from pyganeti.master.disks.space import check_space, volume_group, wanted_space
from pyganeti.master.instances.guests import check_online
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.hotplug import change_guest, untouched
from pyganeti.master.instances.ipolicy import InstanceShape, check_policy
from pyganeti.master.instances.specs import disk_spec, has_spindles, instance_spec, seen_from
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import Level, LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceGrowDisk
from pyganeti.wire.noderpc.blockdev import BlockdevGrowCall
from pyganeti.wire.noderpc.specs import DiskSpec


@dataclass(frozen=True, slots=True)
class GrowPlan:
    """Which disk, by how many MiB."""

    instance: Instance
    disk: Disk
    amount: int
    absolute: bool
    wait_for_sync: bool


class GrowRest(msgspec.Struct, frozen=True):
    """Nothing is to be done after the sync; what hooks are told, with the instance's UUID."""

    uuid: str
    disk: str
    amount: int
    absolute: bool


class LUInstanceGrowDisk(LogicalUnit[OpInstanceGrowDisk, GrowPlan, None]):
    """Make one disk larger. A disk cannot be made smaller, so there is no undo: the recorded size
    follows the real one.

    Of a mirrored disk the volumes grow first, on both nodes; its device follows the recorded size,
    since DRBD takes no disk that is recorded smaller than it was.
    """

    hooks_path: ClassVar[str] = "disk-grow"
    rest_type: ClassVar[type[msgspec.Struct]] = GrowRest

    def declare_locks(self, op: OpInstanceGrowDisk, view: ClusterView) -> LockRequest:
        """Lock the instance and the resources of its nodes."""
        instance = view.instance(op.instance_name)
        nodes = frozenset(node.uuid for node in view.instance_nodes(instance))
        return LockRequest(instances=frozenset({instance.name}), node_res=nodes)

    async def check_prereq(
        self, op: OpInstanceGrowDisk, view: ClusterView, nodes: NodeReader
    ) -> GrowPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: no such disk, smaller than it is, too large for policy or node.
        """
        instance = view.instance(op.instance_name)
        check_online(view, instance.primary_node)
        disks = view.disks_of(instance)
        if not 0 <= op.disk < len(disks):
            text = f"instance {instance.name} has no disk {op.disk}, it has {len(disks)}"
            raise OpPrereqError(text, ECode.INVAL)
        disk = disks[op.disk]
        if not op.absolute and not op.amount:
            text = f"disk/{op.disk} of {instance.name} cannot grow by nothing: give an amount"
            raise OpPrereqError(text, ECode.INVAL)
        amount = op.amount - disk.size if op.absolute else op.amount
        if amount < 0:
            text = f"disk/{op.disk} has {disk.size} MiB already, it cannot shrink to {op.amount}"
            raise OpPrereqError(text, ECode.STATE)
        node = view.node(instance.primary_node)
        if not op.ignore_ipolicy:
            grown = msgspec.structs.replace(disk, size=disk.size + amount)
            after = [grown if found is disk else found for found in disks]
            shape = InstanceShape.of(instance, view, after, disk.dev_type)
            check_policy(shape, view.ipolicy(view.group_of(node)), f"instance {instance.name}")
        # On spindles of its own it grows where it is, and only the node sees what is free there.
        group = None if has_spindles(disk.dev_type, node, view) else volume_group(disk)
        wanted = wanted_space(view, disk.dev_type, [(group, amount)])
        mirrors = disk.nodes if disk.dev_type in INTERNALLY_MIRRORED else ()
        for place in mirrors or (instance.primary_node,):
            check_online(view, place)
            await check_space(nodes, view.node(place), wanted, view.cluster.cluster_name)
        return GrowPlan(instance, disk, amount, op.absolute, op.wait_for_sync)

    def hooks(self, plan: GrowPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return self.resumed_hooks(_rest(plan), view)

    def resumed_hooks(self, rest: GrowRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return instance_hooks(
            view.instance(rest.uuid),
            view,
            DISK=rest.disk,
            AMOUNT=rest.amount,
            ABSOLUTE=rest.absolute,
        )

    def outline(self, plan: GrowPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if plan.amount == 0:
            return []
        disk, size = plan.disk.iv_name, plan.disk.size
        after = size + plan.amount
        return [f"grow {disk} of {plan.instance.name} from {size} to {after} MiB"]

    async def execute(self, run: Run, plan: GrowPlan) -> None:
        """Grow on the nodes, then record the new size, then let mirror and guest use it."""
        disk, view = plan.disk, run.config.view
        is_mirror = disk.dev_type in INTERNALLY_MIRRORED
        if plan.amount == 0 and not is_mirror:
            return
        spec = disk_spec(disk, view, plan.instance.primary_node)
        async with run.step("grow disk"):
            await self._grow(run, plan, spec)
        run.locks.release(Level.NODE_RES)
        async with run.step("record size"):
            await run.config.commit(_recorded(disk, disk.size + plan.amount))
        if plan.instance.disks_active:
            await self._use(run, plan)

    async def resume(self, run: Run, rest: GrowRest, answers: Mapping[str, Any]) -> None:
        """The sync was the last."""

    @staticmethod
    async def _grow(run: Run, plan: GrowPlan, spec: DiskSpec) -> None:
        """What is below, on all nodes; first tried on all."""
        places = nodes_of(spec, plan.instance.primary_node)
        for dryrun in (True, False) if len(places) > 1 else (False,):
            for node in places:
                call = BlockdevGrowCall(
                    disk=seen_from(spec, node), amount=plan.amount, dryrun=dryrun
                )
                await run.nodes.call(node, call)

    @staticmethod
    async def _use(run: Run, plan: GrowPlan) -> None:
        """The device of a mirror, which then syncs what is new; and the guest that runs on it."""
        view, node = run.config.view, plan.instance.primary_node
        disk = view.disk(plan.disk.uuid)
        is_mirror = disk.dev_type in INTERNALLY_MIRRORED
        if is_mirror:
            async with run.step("grow device"):
                spec = disk_spec(disk, view, node)
                call = BlockdevGrowCall(disk=spec, amount=0, backingstore=False)
                await run.nodes.call(node, call)
        async with run.step("tell the guest"):
            await change_guest(run, plan.instance.uuid, untouched(plan.instance, {disk.uuid}))
        if is_mirror and plan.wait_for_sync:
            grown = instance_spec(view, plan.instance, disks=(disk,))
            await wait_for_sync(run, grown, _rest(plan))


def _rest(plan: GrowPlan) -> GrowRest:
    disk = plan.disk.iv_name.rpartition("/")[2]
    return GrowRest(plan.instance.uuid, disk, plan.amount, plan.absolute)


def _recorded(disk: Disk, size: int) -> Maker:
    """``disk`` with another size, and with it the volume that has its data."""

    def record(view: ClusterView) -> Change:
        found = view.disk(disk.uuid)
        children = found.children
        if children:
            children = (msgspec.structs.replace(children[0], size=size), *children[1:])
        grown = msgspec.structs.replace(found, size=size, children=children)
        return Change() if grown == found else Change(puts=(grown,))

    return record
