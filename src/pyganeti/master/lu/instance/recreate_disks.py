"""Make lost disks of an instance anew: ``gnt-instance recreate-disks``.

Data flow: opcode -> RecreatePlan (reads only) -> new disks -> configuration -> wipe.
Source: gnt-instance(8) RECREATE-DISKS; hooks path ``instance-recreate-disks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.master.disks.ext import check_providers, wanted_of
from pyganeti.master.disks.lost import check_lost
from pyganeti.master.disks.making import make_disks
from pyganeti.master.disks.new import (
    Placement,
    directory_of,
    made_disk,
)
from pyganeti.master.disks.places import DiskPlace, place_disks
from pyganeti.master.disks.spindles import check_new_disks, request_of
from pyganeti.master.disks.states import overwritten
from pyganeti.master.iallocator.choosing import begin_chosen
from pyganeti.master.iallocator.requests import Allocate
from pyganeti.master.iallocator.running import ask
from pyganeti.master.instances.guests import (
    assemble_disks,
    bare_spec,
    check_online,
    guest_info,
    shut_down_disks,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import disk_spec, instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance.create_checks import check_role
from pyganeti.master.lu.instance.placing import chosen_line
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.enums import AdminState, DiskMode, DiskTemplate, FileDriver
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.templates import FILE_BASED, INTERNALLY_MIRRORED, MUST_ADOPT
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import parse_disk
from pyganeti.opcodes.instance import OpInstanceRecreateDisks
from pyganeti.wire.noderpc.blockdev import BlockdevWipeCall

# What may be another of a disk that is made anew.
_CHANGEABLE: Final = frozenset({"size", "mode", "spindles"})


@dataclass(frozen=True, slots=True)
class RecreatePlan:
    """What will be made.

    Attributes:
        instance: as it is recorded.
        nodes: UUIDs of the nodes that the disks will lie on, the primary first.
        disks: the lost ones by position, with the size and mode they will have.
        fill: indices of those that are to be overwritten.
        chosen: how the nodes were, if by an allocator, for the job's log.
    """

    instance: Instance
    nodes: tuple[str, ...]
    disks: Mapping[int, Disk]
    fill: tuple[int, ...]
    chosen: tuple[str, ...]


class LUInstanceRecreateDisks(LogicalUnit[OpInstanceRecreateDisks, RecreatePlan, None]):
    """Make all or some disks again, empty, in new places; what was there before is not touched."""

    hooks_path: ClassVar[str] = "instance-recreate-disks"

    def declare_locks(self, op: OpInstanceRecreateDisks, view: ClusterView) -> LockRequest:
        """Lock the instance, and the nodes on which it will have disks."""
        instance = view.instance(op.instance_name)
        if op.iallocator is not None:
            group = view.node(instance.primary_node).group
            nodes = frozenset(node.uuid for node in view.nodes_of_group(group))
        else:
            nodes = frozenset(
                {view.node(name).uuid for name in op.nodes}
                or {node.uuid for node in view.instance_nodes(instance)}
            )
        return LockRequest(
            instances=frozenset({instance.name}), shared_nodes=nodes, shared_node_res=nodes
        )

    async def check_prereq(
        self, op: OpInstanceRecreateDisks, view: ClusterView, nodes: NodeReader
    ) -> RecreatePlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: it runs, a disk is there, or the nodes do not fit.
        """
        instance = view.instance(op.instance_name)
        disks = view.disks_of(instance)
        if not disks or any(disk.dev_type in MUST_ADOPT for disk in disks):
            text = f"instance {instance.name} has no disks that could be made anew"
            raise OpPrereqError(text, ECode.INVAL)
        wanted = _wanted(op, instance, disks)
        await _check_down(instance, view, nodes)
        places, chosen = await _places(op, instance, wanted, view, nodes)
        for uuid in places:
            check_online(view, uuid)
            if op.nodes or chosen:
                check_role(view, view.node(uuid))
        for uuid in places:
            await check_providers(nodes, view.node(uuid), wanted_of(wanted.values()))
            await check_lost(list(wanted.values()), view.node(uuid), view, nodes)
            requests = [request_of(disk) for disk in wanted.values()]
            await check_new_disks(nodes, view.node(uuid), requests, disks[0].dev_type, view)
        indices = tuple(wanted)
        fill = tuple(indices[number] for number in overwritten(wanted.values(), view))
        return RecreatePlan(instance, places, wanted, fill, chosen)

    def hooks(self, plan: RecreatePlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return instance_hooks(view.instance(plan.instance.uuid), view)

    def outline(self, plan: RecreatePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        names = " and ".join(view.node(uuid).name for uuid in plan.nodes)
        made = [
            f"create disk/{index} ({disk.dev_type}, {disk.size} MiB) on {names}"
            for index, disk in plan.disks.items()
        ]
        return [*made, *(f"overwrite disk/{index}" for index in plan.fill)]

    async def execute(self, run: Run, plan: RecreatePlan) -> None:
        """Make the disks, record where they are, overwrite them."""
        begin_chosen(run, plan.chosen, plan.nodes)
        view, instance = run.config.view, plan.instance
        if instance.disks_active and not view.node(instance.primary_node).offline:
            spec = instance_spec(view, instance)
            async with run.step("shut down disks"):  # those that are lost are of no use
                await shut_down_disks(run.nodes, spec, warn=run.log)
        made = {index: _made(run, plan, index, disk) for index, disk in plan.disks.items()}
        specs = tuple(disk_spec(disk, view, plan.nodes[0]) for disk in made.values())
        await make_disks(
            run,
            specs,
            plan.nodes[0],
            directory=directory_of(list(made.values())),
            owner=instance.uuid,
            name=instance.name,
        )
        old = {disk.uuid: DiskPlace.of(view.disks[disk.uuid]) for disk in made.values()}
        back = undo(
            "instance.place_disks",
            uuid=instance.uuid,
            primary_node=instance.primary_node,
            places=msgspec.to_builtins(old),
        )
        new = {disk.uuid: DiskPlace.of(disk) for disk in made.values()}
        async with run.step("record disks", back):
            await run.config.commit(place_disks(instance.uuid, plan.nodes[0], new))
        if plan.fill or instance.disks_active:
            await _activate_and_fill(run, plan)


def _wanted(
    op: OpInstanceRecreateDisks, instance: Instance, disks: Sequence[Disk]
) -> dict[int, Disk]:
    """The disks to be made by position, with what is to be another; all unless some are named."""
    asked: dict[int, Mapping[str, Any]] = {}  # Any: as given
    for one in op.disks or range(len(disks)):
        index, params = (one, {}) if isinstance(one, int) else one
        if index in asked or not 0 <= index < len(disks):
            why = "is given twice" if index in asked else f"is none of {len(disks)}"
            raise OpPrereqError(f"disk/{index} of {instance.name} {why}", ECode.INVAL)
        asked[index] = params
    return {index: _changed(index, disks[index], params) for index, params in asked.items()}


def _changed(index: int, disk: Disk, params: Mapping[str, object]) -> Disk:
    for key in params:
        if key not in _CHANGEABLE:
            known = ", ".join(sorted(_CHANGEABLE))
            text = f"disk/{index}: {key!r} cannot be another, only {known}"
            raise OpPrereqError(text, ECode.INVAL)
    asked = parse_disk(params, f"disk/{index}")
    return msgspec.structs.replace(
        disk,
        size=asked.size or disk.size,
        mode=DiskMode(asked.mode or disk.mode),
        spindles=disk.spindles if asked.spindles is None else asked.spindles,
    )


async def _places(
    op: OpInstanceRecreateDisks,
    instance: Instance,
    wanted: Mapping[int, Disk],
    view: ClusterView,
    nodes: NodeReader,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """UUIDs of the nodes that the disks will lie on, and how an allocator chose them."""
    if not op.nodes and op.iallocator is None:
        return (instance.primary_node, *view.secondary_node_uuids(instance)), ()
    if op.nodes and op.iallocator is not None:
        text = "either nodes (-n) or an allocator (-I) can be given, but not both"
        raise OpPrereqError(text, ECode.INVAL)
    if len(wanted) != len(instance.disks):
        raise OpPrereqError("other nodes are for all disks of an instance together", ECode.INVAL)
    if op.iallocator is None:
        return _given(op, instance, view), ()
    disks = [(disk.size, disk.mode) for disk in wanted.values()]
    template = DiskTemplate(view.disk_template(instance))
    group = view.group_of(view.node(instance.primary_node)).name
    request = Allocate.of(instance, template, disks, view, group=group)
    what = f"nodes for instance {instance.name}"
    advice = await ask(nodes, view, op.iallocator, request, what)
    line = chosen_line(instance.name, advice.allocator, advice.found)
    return tuple(node.uuid for node in advice.found), (*advice.warnings, line)


def _given(op: OpInstanceRecreateDisks, instance: Instance, view: ClusterView) -> tuple[str, ...]:
    nodes = tuple(view.node(name).uuid for name in op.nodes)
    needed = 2 if view.disk_template(instance) in INTERNALLY_MIRRORED else 1
    if len(set(nodes)) != needed or len(nodes) != needed:
        text = f"the disks of {instance.name} need {needed} different nodes, {len(nodes)} are given"
        raise OpPrereqError(text, ECode.INVAL)
    return nodes


async def _check_down(instance: Instance, view: ClusterView, nodes: NodeReader) -> None:
    if instance.admin_state is AdminState.UP:
        text = f"instance {instance.name} is marked to be up, shut it down"
        raise OpPrereqError(text, ECode.STATE)
    if view.node(instance.primary_node).offline:
        return
    if await guest_info(nodes, view, instance) is not None:
        raise OpPrereqError(f"instance {instance.name} is running, shut it down", ECode.STATE)


def _made(run: Run, plan: RecreatePlan, index: int, disk: Disk) -> Disk:
    """``disk`` in a place that nothing ever was in; minors change with the nodes only."""
    directory = directory_of([disk])
    driver = FileDriver(str(disk.logical_id[0])) if disk.dev_type in FILE_BASED else None
    secondary = plan.nodes[1] if len(plan.nodes) > 1 else None
    where = Placement(disk.dev_type, plan.nodes[0], directory, driver, secondary)
    made = made_disk(index, request_of(disk), where, run.ids, run.minor)
    old, new = drbd_id(disk), drbd_id(made)
    place = made.logical_id
    if old is not None and new is not None:
        moved = new._replace(port=old.port, secret=old.secret)
        place = old if {old.node_a, old.node_b} == set(plan.nodes) else moved
    return msgspec.structs.replace(disk, logical_id=place, nodes=made.nodes, children=made.children)


async def _activate_and_fill(run: Run, plan: RecreatePlan) -> None:
    view = run.config.view
    instance = view.instances[plan.instance.uuid]
    spec = instance_spec(view, instance)
    bare = msgspec.to_builtins(bare_spec(view, instance))
    async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
        await assemble_disks(run.nodes, view, spec)
    if plan.fill:
        node = instance.primary_node
        async with run.step("wipe disks", undo("node.end_tasks", nodes=[node])):
            for index in plan.fill:
                disk = spec.disks[index]
                run.log(f"* wiping {disk.iv_name}...")
                await run.nodes.call(node, BlockdevWipeCall(disk=disk, size=disk.size))
    if not instance.disks_active:
        async with run.step("shut down disks"):
            await shut_down_disks(run.nodes, spec)
