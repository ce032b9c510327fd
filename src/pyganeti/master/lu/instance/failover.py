"""Stop an instance and start it on another node that has its disks: ``gnt-instance failover``.

    source: stop, shut down disks -> configuration -> target: activate disks, start

Source: gnt-instance(8) FAILOVER; hooks path ``instance-failover``; design note 0009.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from pyganeti.master.changes import move_instance
from pyganeti.master.disks.mirrors import warning
from pyganeti.master.iallocator.choosing import begin_chosen
from pyganeti.master.instances.cleanup import (
    CleanupPlan,
    clean_up,
    cleanup_hooks,
    outline_cleanup,
    plan_cleanup,
)
from pyganeti.master.instances.guests import (
    assemble_disks,
    check_memory,
    guest_info,
    shut_down_disks,
    start_guest,
    stop_guest,
)
from pyganeti.master.instances.moving import (
    Move,
    bare_specs,
    check_runs_not_there,
    check_target,
    choose_target,
    close_disks,
    find_bad_mirrors,
    move_hooks,
    move_locks,
)
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceFailover

_WHAT: Final = "failovers"
SHUTDOWN_TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class FailoverPlan:
    """What will be done, decided while holding the locks.

    Attributes:
        move: from where to where.
        here, there: the instance on each of the two nodes, for the journal.
        source_answers: false for a source that is marked offline, or does not answer and need not:
            nothing is done there.
        runs: a guest runs on the source.
        starts: one is to run on the target.
        timeout_s: how long the guest may take to stop.
        ignore_consistency: what was lost is accepted; passed to hooks.
        notes: what was found out before, for the job's log.
        chosen: how the target was, if by an allocator.
    """

    move: Move
    here: dict[str, object]
    there: dict[str, object]
    source_answers: bool
    runs: bool
    starts: bool
    timeout_s: int
    ignore_consistency: bool
    notes: tuple[str, ...]
    chosen: tuple[str, ...] = ()


class LUInstanceFailover(LogicalUnit[OpInstanceFailover, FailoverPlan | CleanupPlan, None]):
    """Move an instance without its memory. Either it is on the target afterwards or as before."""

    hooks_path: ClassVar[str] = "instance-failover"

    def declare_locks(self, op: OpInstanceFailover, view: ClusterView) -> LockRequest:
        """Lock the instance and both nodes, with their resources."""
        return move_locks(view, op, _WHAT)

    async def check_prereq(
        self, op: OpInstanceFailover, view: ClusterView, nodes: NodeReader
    ) -> FailoverPlan | CleanupPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: the source does not answer and is not marked offline, unless
                ``ignore_consistency``; a guest runs on the target already, or the target cannot
                have the instance.
        """
        instance = view.instance(op.instance_name)
        if op.cleanup:
            return await plan_cleanup(nodes, view, instance)
        target, chosen = await choose_target(nodes, view, instance, op, _WHAT)
        plan = await plan_failover(
            nodes,
            view,
            Move.of(view, instance, target),
            ignore_ipolicy=op.ignore_ipolicy,
            timeout_s=op.shutdown_timeout,
            ignore_consistency=op.ignore_consistency,
        )
        return replace(plan, chosen=chosen)

    def hooks(self, plan: FailoverPlan | CleanupPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master, the target and, afterwards, the old primary."""
        own: dict[str, object] = {"IGNORE_CONSISTENCY": False, "SHUTDOWN_TIMEOUT": 0}
        if isinstance(plan, CleanupPlan):
            return cleanup_hooks(plan, view, {**own, "FAILOVER_CLEANUP": True})
        own = {
            "IGNORE_CONSISTENCY": plan.ignore_consistency,
            "SHUTDOWN_TIMEOUT": plan.timeout_s,
            "FAILOVER_CLEANUP": False,
        }
        return move_hooks(plan.move, view, own)

    def outline(self, plan: FailoverPlan | CleanupPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if isinstance(plan, CleanupPlan):
            return outline_cleanup(plan)
        return outline_failover(plan)

    async def execute(self, run: Run, plan: FailoverPlan | CleanupPlan) -> None:
        """Stop it here, record where it is, start it there."""
        if isinstance(plan, CleanupPlan):
            await clean_up(run, plan)
        else:
            begin_chosen(run, plan.chosen, {plan.move.source.uuid, plan.move.target.uuid})
            await fail_over(run, plan)


async def plan_failover(
    nodes: NodeReader,
    view: ClusterView,
    move: Move,
    *,
    ignore_ipolicy: bool,
    timeout_s: int = SHUTDOWN_TIMEOUT_S,
    ignore_consistency: bool = False,
) -> FailoverPlan:
    """What will be done; reads only.

    Raises:
        OpPrereqError: as :meth:`LUInstanceFailover.check_prereq`.
    """
    answers, runs = not move.source.offline, False
    if answers:
        try:
            runs = await _runs_on_source(nodes, view, move)
        except OpPrereqError:
            if not ignore_consistency:
                raise
            answers = False
    starts = move.instance.admin_state is AdminState.UP
    await check_target(nodes, view, move, starts=starts, ignore_ipolicy=ignore_ipolicy)
    if starts:
        await check_memory(nodes, view, move.there)
    await check_runs_not_there(nodes, view, move)
    notes = await _check_mirrors(nodes, move, answers=answers, ignore=ignore_consistency)
    here, there = bare_specs(view, move)
    return FailoverPlan(
        move,
        here,
        there,
        source_answers=answers,
        runs=runs,
        starts=starts,
        timeout_s=timeout_s,
        ignore_consistency=ignore_consistency,
        notes=notes,
    )


async def _check_mirrors(
    nodes: NodeReader, move: Move, *, answers: bool, ignore: bool
) -> tuple[str, ...]:
    """What the job's log says of the disks on the target.

    Raises:
        OpPrereqError: ``ECode.STATE``, data would be lost, and that was not asked for.
    """
    if not move.instance.disks_active:
        return ("* not checking disk consistency as instance is not running",)
    # A source that answers may have written alone. Of one that is gone the target has what it has.
    bad = await find_bad_mirrors(nodes, move, synced=False, connected=answers)
    if bad and not (ignore or move.source.offline):
        text = f"{'; '.join(bad)}: failing over would lose what was written last"
        raise OpPrereqError(f"{text} (--ignore-consistency accepts that)", ECode.STATE)
    checked = "* checking disk consistency between source and target"
    return (checked, *(f"Warning: {text}" for text in bad))


def outline_failover(plan: FailoverPlan) -> list[str]:
    """What :func:`fail_over` would do, a line each."""
    name, source, target = plan.move.instance.name, plan.move.source, plan.move.target
    wanted = [
        (plan.runs, f"stop {name} on {source.name}"),
        (True, f"make {target.name} the primary node of {name}"),
        (plan.starts, f"start {name} on {target.name}"),
    ]
    return [line for asked, line in wanted if asked]


async def fail_over(run: Run, plan: FailoverPlan) -> None:
    """Stop it here, record where it is, start it there.

    Each step is undone, newest first: a guest that was stopped here starts here again only after
    the one there is known to be gone and the configuration says "here" again.
    """
    run.log(f"Failover instance {plan.move.instance.name}")
    for text in plan.notes:
        run.log(text)
    if plan.source_answers:
        await _leave_source(run, plan)
    else:
        source = plan.move.source
        why = "is marked offline" if source.offline else "does not answer"
        run.log(
            f"Node {source.name} {why}: nothing is stopped there; please make sure that it is down"
        )
    await _record(run, plan)
    if plan.starts:
        await _start(run, plan)


async def _leave_source(run: Run, plan: FailoverPlan) -> None:
    move = plan.move
    run.log("* shutting down instance on source node")
    run.log(f"Shutting down instance {move.instance.name} on node {move.source.name}")
    back = undo("instance.start_again", spec=plan.here) if plan.runs else None
    async with run.step("stop guest", back):
        await stop_guest(run.nodes, move.here, plan.timeout_s)
    run.log("* deactivating the instance's disks on source node")
    active = undo("instance.activate_disks", spec=plan.here)
    async with run.step("take away disks", active if move.instance.disks_active else None):
        if plan.starts and move.here.disk_template in INTERNALLY_MIRRORED:
            # The pair is needed again at once: it stays together.
            await close_disks(run.nodes, move, there=False)
        else:
            await shut_down_disks(run.nodes, move.here)


async def _record(run: Run, plan: FailoverPlan) -> None:
    move, uuid = plan.move, plan.move.instance.uuid
    source, target = move.source.uuid, move.target.uuid
    active = move.instance.disks_active
    back = undo("instance.move_back", uuid=uuid, source=source, target=target, disks_active=active)
    async with run.step("record primary node", back):
        await run.config.commit(move_instance(uuid, source, target, disks_active=plan.starts))


async def _start(run: Run, plan: FailoverPlan) -> None:
    name, node = plan.move.instance.name, plan.move.target.name
    run.log(f"* activating the instance's disks on target node {node}")
    run.log(f"Starting instance {name} on node {node}")
    async with run.step("activate disks", undo("instance.deactivate_disks", spec=plan.there)):
        # The instance is to run again, whether its old node can mirror it or not.
        await assemble_disks(run.nodes, run.config.view, plan.move.there, warn=warning(run))
    run.log(f"* starting the instance on the target node {node}")
    async with run.step("start guest", undo("instance.stop", spec=plan.there)):
        await start_guest(run, plan.move.there)


async def _runs_on_source(nodes: NodeReader, view: ClusterView, move: Move) -> bool:
    """Whether the guest runs on its primary node, which must answer.

    Raises:
        OpPrereqError: it does not. A node that is silent may still run the guest.
    """
    try:
        return await guest_info(nodes, view, move.instance) is not None
    except OpPrereqError as err:
        text = (
            f"{err}; if node {move.source.name} is down, mark it offline first, or fail over with"
            " --ignore-consistency"
        )
        raise OpPrereqError(text, ECode.ENVIRON) from err
