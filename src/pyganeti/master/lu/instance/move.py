"""Copy an instance's disks to another node and run it there: ``gnt-instance move``.

    source: stop ── target: make disks ── copy ── configuration ── target: start ── source: remove

Source: gnt-instance(8) MOVE; hooks path ``instance-move``; design note 0009.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from pyganeti.master.backup.compression import check_compression
from pyganeti.master.changes import move_instance
from pyganeti.master.disks.copies import actual_sizes, as_large, copy_disk, is_zeroes
from pyganeti.master.disks.making import make_disks
from pyganeti.master.disks.new import directory_of
from pyganeti.master.instances.guests import (
    assemble_disks,
    check_memory,
    check_online,
    shut_down_disks,
    start_guest,
    stop_guest,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.moving import (
    Move,
    bare_specs,
    check_runs_not_there,
    check_target,
)
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance.move_checks import (
    check_copyable,
    check_room,
    move_target,
    runs_on_source,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import GenericError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceMove
from pyganeti.wire.noderpc.copying import BlockdevAcceptCall, BlockdevSendCall, TransferSyncCall
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.transfer import RemoteFile, TransferEndCall


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What will be done, decided while holding the locks.

    Attributes:
        move: from where to where.
        here, there: the instance on each of the two nodes, for the journal.
        directory: which its disks lie in on either node, if they are files.
        sizes: bytes to be copied of each disk.
        runs: a guest runs on the source, or may do so.
        starts: one is to run on the target.
        timeout_s: how long the guest may take to stop.
        ignore_consistency: go on if it cannot be stopped.
        compress: how the copies travel.
    """

    move: Move
    here: dict[str, object]
    there: dict[str, object]
    directory: str | None
    sizes: tuple[int, ...]
    runs: bool
    starts: bool
    timeout_s: int
    ignore_consistency: bool
    compress: str


class MoveRest(msgspec.Struct, frozen=True):
    """What is to be done once a disk is copied.

    Attributes:
        uuid: of the instance.
        source, target: UUIDs of nodes.
        transfer: under which the target is written to.
        compress: how the copies travel.
        here, there: the disks, as each node is told.
        directory: which they lie in on either node.
        starts: the guest runs on the target in the end.
        down: it is marked as down, because nobody knows whether it still runs on the source.
        copied: how many disks are copied.
    """

    uuid: str
    source: str
    target: str
    transfer: str
    compress: str
    here: tuple[DiskSpec, ...]
    there: tuple[DiskSpec, ...]
    directory: str | None
    starts: bool
    down: bool
    hooks: HookContext
    copied: int = 0


class LUInstanceMove(LogicalUnit[OpInstanceMove, MovePlan, None]):
    """Move an instance whose disks are on one node only. It stands still meanwhile.

    The change of the primary node is the point of no return: from there on the guest may write to
    the copies. Whatever is interrupted, one side stays: the one that is recorded.
    """

    hooks_path: ClassVar[str] = "instance-move"
    rest_type: ClassVar[type[msgspec.Struct]] = MoveRest

    def declare_locks(self, op: OpInstanceMove, view: ClusterView) -> LockRequest:
        """Lock the instance, and both nodes shared, since copies take long."""
        instance = view.instance(op.instance_name)
        both = frozenset({instance.primary_node, view.node(op.target_node).uuid})
        return LockRequest(
            instances=frozenset({instance.name}), shared_nodes=both, shared_node_res=both
        )

    async def check_prereq(
        self, op: OpInstanceMove, view: ClusterView, nodes: NodeReader
    ) -> MovePlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: the disks cannot be copied, or the target cannot have the instance.
        """
        instance = view.instance(op.instance_name)
        check_copyable(view, instance)
        target = move_target(view, instance, op.target_node)
        check_online(view, instance.primary_node)
        check_compression(op.compress, view)
        move = Move.of(view, instance, target)
        runs = await runs_on_source(nodes, view, move, ignore=op.ignore_consistency)
        starts = instance.admin_state is AdminState.UP
        await check_target(nodes, view, move, starts=starts, ignore_ipolicy=op.ignore_ipolicy)
        if starts:
            await check_memory(nodes, view, move.there)
        await check_runs_not_there(nodes, view, move)
        sizes = await actual_sizes(nodes, move.source, move.here.disks)
        await check_room(nodes, view, move, sizes)
        here, there = bare_specs(view, move)
        return MovePlan(
            move,
            here,
            there,
            directory_of(view.disks_of(instance)),
            sizes,
            runs,
            starts,
            op.shutdown_timeout,
            op.ignore_consistency,
            op.compress,
        )

    def hooks(self, plan: MovePlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and both nodes."""
        return _hooks(plan, view)

    def resumed_hooks(self, rest: MoveRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return rest.hooks

    def outline(self, plan: MovePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, source, target = plan.move.instance.name, plan.move.source, plan.move.target
        copies = [
            f"copy {disk.iv_name} ({disk.size} MiB) to {target.name}"
            for disk in plan.move.here.disks
        ]
        wanted = [
            *([f"stop {name} on {source.name}"] if plan.runs else []),
            *copies,
            f"make {target.name} the primary node of {name}",
            *([f"start {name} on {target.name}"] if plan.starts else []),
        ]
        return [*wanted, f"remove the disks of {name} on {source.name}"]

    async def execute(self, run: Run, plan: MovePlan) -> None:
        """Stop it here, make its disks there, copy them."""
        move = plan.move
        stopped = await _leave_source(run, plan)
        run.log(f"Creating the disks on target node {move.target.name}")
        there = as_large(move.there.disks, plan.sizes)
        await make_disks(
            run,
            there,
            move.target.uuid,
            directory=plan.directory,
            owner=move.instance.uuid,
            name=move.instance.name,
            action="disk.remove_copies",
        )
        transfer = run.ids.uuid()
        end = undo("backup.end_transfer", node=move.target.uuid, transfer=transfer)
        async with run.step("accept copies", end):
            call = BlockdevAcceptCall(
                transfer=transfer, source=move.source.uuid, disks=there, sizes=plan.sizes
            )
            await run.nodes.call(move.target.uuid, call)
        rest = MoveRest(
            move.instance.uuid,
            move.source.uuid,
            move.target.uuid,
            transfer,
            plan.compress,
            move.here.disks,
            there,
            plan.directory,
            starts=plan.starts and stopped,
            down=not stopped,
            hooks=_hooks(plan, run.config.view),
        )
        await _go_on(run, rest)

    async def resume(self, run: Run, rest: MoveRest, answers: Mapping[str, Any]) -> None:
        """Copy the other disks, and record where they are."""
        await _go_on(run, msgspec.structs.replace(rest, copied=rest.copied + 1))


async def _leave_source(run: Run, plan: MovePlan) -> bool:
    """Stop the guest; whether it is known to be down."""
    move, stopped = plan.move, True
    name = move.source.name
    run.log(f"Shutting down instance {move.instance.name} on source node {name}")
    back = undo("instance.start_again", spec=plan.here) if plan.runs else None
    async with run.step("stop guest", back):
        try:
            await stop_guest(run.nodes, move.here, plan.timeout_s)
        except GenericError as err:
            if not plan.ignore_consistency:
                raise
            stopped = False
            run.log(f"Warning: {err}; going on: please make sure that it does not run on {name}")
    active = undo("instance.activate_disks", spec=plan.here)
    if move.instance.disks_active and stopped:
        async with run.step("shut down disks", active):
            await shut_down_disks(run.nodes, move.here)
    return stopped


async def _go_on(run: Run, rest: MoveRest) -> None:
    """Copy what is not copied yet, go over to the copies, remove the originals."""
    if run.config.view.instance(rest.uuid).primary_node == rest.source:
        for index in range(rest.copied, len(rest.here)):
            rest = await _copy(run, rest, index)
        async with run.step("complete copies"):
            await run.nodes.call(rest.target, TransferSyncCall(transfer=rest.transfer))
            await run.nodes.call(rest.target, TransferEndCall(transfer=rest.transfer))
        await _record(run, rest)
        if rest.starts:
            await _start(run, rest)
    run.log("Removing the disks on the original node")
    left = undo("disk.remove_copies", **_left(rest))
    await run.finish("remove disks on the original node", left)


async def _copy(run: Run, rest: MoveRest, index: int) -> MoveRest:
    disk, new = rest.here[index], rest.there[index]
    run.log(f"Copying data for {disk.iv_name}")
    target = RemoteFile(
        node=run.nodes.address(rest.target),
        transfer=rest.transfer,
        name=new.uuid,
        compress=rest.compress,
    )
    call = BlockdevSendCall(disk=disk, target=target, compare=is_zeroes(new.dev_type))
    copied = await copy_disk(run, rest.source, call, rest)
    run.log(f"- {disk.iv_name}: {copied.written >> 20} of {copied.size >> 20} MiB were sent")
    return msgspec.structs.replace(rest, copied=index + 1)


async def _record(run: Run, rest: MoveRest) -> None:
    """Go over to the copies. From here on nothing goes back."""
    view = run.config.view
    move = Move.of(view, view.instance(rest.uuid), view.node(rest.target))
    _, there = bare_specs(view, move)
    complete = undo("instance.settle_move", spec=there, starts=rest.starts, **_left(rest))
    async with run.step("record primary node", complete):
        state = AdminState.DOWN if rest.down else None
        await run.config.commit(
            move_instance(
                rest.uuid,
                rest.source,
                rest.target,
                disks_active=rest.starts,
                admin_state=state,
            )
        )


async def _start(run: Run, rest: MoveRest) -> None:
    view = run.config.view
    instance = view.instance(rest.uuid)
    move = Move.of(view, instance, view.node(rest.target))
    run.log(f"Starting instance {instance.name} on node {move.target.name}")
    async with run.step("start guest"):
        await assemble_disks(run.nodes, view, move.there)
        await start_guest(run, move.there)


def _left(rest: MoveRest) -> dict[str, object]:
    """What is to be removed from the source."""
    return {
        "node": rest.source,
        "disks": msgspec.to_builtins(rest.here),
        "directory": rest.directory,
    }


def _hooks(plan: MovePlan, view: ClusterView) -> HookContext:
    move = plan.move
    found = instance_hooks(
        move.instance, view, TARGET_NODE=move.target.name, SHUTDOWN_TIMEOUT=plan.timeout_s
    )
    nodes = (view.cluster.master_node, move.source.uuid, move.target.uuid)
    return replace(found, pre=nodes, post=nodes)
