"""Move a running instance to another node: ``gnt-instance migrate``, ``.../migrate`` of the REST
interface.

    disks open on both ── target waits ── source sends (a task) ── settle: one copy is the guest

Source: gnt-instance(8) MIGRATE; hooks path ``instance-migrate``; design note 0009.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.master.iallocator.choosing import begin_chosen
from pyganeti.master.instances.ballooning import Ballooning, find_room, make_fit
from pyganeti.master.instances.cleanup import (
    CleanupPlan,
    clean_up,
    cleanup_hooks,
    outline_cleanup,
    plan_cleanup,
)
from pyganeti.master.instances.guests import guest_info, refused_by
from pyganeti.master.instances.moving import (
    Move,
    check_runs_not_there,
    check_target,
    choose_target,
    find_bad_mirrors,
    move_hooks,
    move_locks,
    open_disks,
)
from pyganeti.master.instances.preflight import differences
from pyganeti.master.instances.settling import Journey, Outcome, settle
from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance.failover import (
    FailoverPlan,
    fail_over,
    outline_failover,
    plan_failover,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, MigrationMode
from pyganeti.model.errors import ECode, GenericError, NodeCallError, OpExecError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceMigrate
from pyganeti.wire.noderpc.blockdev import BlockdevAssembleCall
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    MigrationInfo,
)
from pyganeti.wire.noderpc.migration import (
    AcceptInstanceCall,
    InstanceMigrateCall,
    MigrationInfoCall,
    MigrationRoleCall,
    MigrationTraitsCall,
)

_WHAT: Final = "migrations"
# How long a node daemon may take to be started again, and the pause between two questions.
_RESTART_S: Final = 60.0
_ASK_AGAIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class MigratePlan:
    """What will be done, decided while holding the locks.

    Attributes:
        move: from where to where.
        info: what the guest is, as its node says.
        live: it runs while it is sent.
        memory: what it gives up before, to fit on the target.
        warnings: how the nodes differ without harm, or with harm that was asked to be ignored.
        allow_runtime_changes: passed to hooks.
        chosen: how the target was, if by an allocator, for the job's log.
    """

    move: Move
    info: MigrationInfo
    live: bool
    memory: Ballooning | None
    warnings: tuple[str, ...]
    allow_runtime_changes: bool
    chosen: tuple[str, ...]


class MigrateRest(msgspec.Struct, frozen=True):
    """What is left to be done once the guest was sent: as ``MigratePlan``."""

    journey: Journey
    live: bool
    allow_runtime_changes: bool


@dataclass(frozen=True, slots=True)
class FallbackPlan:
    """It is stopped and started instead, and why."""

    failover: FailoverPlan
    why: str


Plan = MigratePlan | FallbackPlan | CleanupPlan


class LUInstanceMigrate(LogicalUnit[OpInstanceMigrate, Plan, None]):
    """Move a guest without stopping it. At each moment one copy of it, and only one, may run."""

    hooks_path: ClassVar[str] = "instance-migrate"
    rest_type: ClassVar[type[msgspec.Struct]] = MigrateRest

    def declare_locks(self, op: OpInstanceMigrate, view: ClusterView) -> LockRequest:
        """Lock the instance and both nodes, with their resources."""
        return move_locks(view, op, _WHAT)

    async def check_prereq(
        self, op: OpInstanceMigrate, view: ClusterView, nodes: NodeReader
    ) -> Plan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: it does not run, a copy runs on the target, or the target cannot have it.
        """
        instance = view.instance(op.instance_name)
        if op.cleanup:
            return await plan_cleanup(nodes, view, instance)
        live = _is_live(op, view, instance)
        target, chosen = await choose_target(nodes, view, instance, op, _WHAT)
        move = Move.of(view, instance, target)
        guest = await guest_info(nodes, view, instance)
        why = _why_fail_over(op, view, instance, runs=guest is not None)
        if guest is None or why:
            failover = await plan_failover(nodes, view, move, ignore_ipolicy=op.ignore_ipolicy)
            return FallbackPlan(replace(failover, chosen=chosen), why)
        await check_target(nodes, view, move, starts=True, ignore_ipolicy=op.ignore_ipolicy)
        await check_runs_not_there(nodes, view, move)
        memory = await find_room(nodes, view, move, guest, may_change=op.allow_runtime_changes)
        bad = await find_bad_mirrors(nodes, move, synced=True)
        if bad:
            text = f"instance {instance.name} cannot be migrated: {'; '.join(bad)}"
            raise OpPrereqError(text, ECode.STATE)
        info, warnings = await _compare(nodes, move, ignore_versions=op.ignore_hvversions)
        return MigratePlan(move, info, live, memory, warnings, op.allow_runtime_changes, chosen)

    def hooks(self, plan: Plan, view: ClusterView) -> HookContext:
        """Instance environment, on the master, both nodes and other secondaries."""
        if isinstance(plan, CleanupPlan):
            return cleanup_hooks(plan, view, _env(cleanup=True), source=True)
        if isinstance(plan, FallbackPlan):
            return move_hooks(plan.failover.move, view, _env(), source=True)
        env = _env(live=plan.live, changes=plan.allow_runtime_changes)
        return move_hooks(plan.move, view, env, source=True)

    def resumed_hooks(self, rest: MigrateRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        move = _move(view, rest.journey)
        env = _env(live=rest.live, changes=rest.allow_runtime_changes)
        return move_hooks(move, view, env, source=True)

    def outline(self, plan: Plan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        if isinstance(plan, CleanupPlan):
            return outline_cleanup(plan)
        if isinstance(plan, FallbackPlan):
            return outline_failover(plan.failover)
        how = "while it runs" if plan.live else "while it stands still"
        names = f"{plan.move.source.name} to {plan.move.target.name}"
        lines = [] if plan.memory is None else [plan.memory.outline]
        return [*lines, f"migrate {plan.move.instance.name} from {names} {how}"]

    async def execute(self, run: Run, plan: Plan) -> None:
        """Prepare both nodes, send, and let one copy be the guest.

        All of it has one undo, which asks both nodes which copy that is: it is as right before the
        guest was sent as after. Memory that it gave up comes back if it stays.
        """
        if isinstance(plan, CleanupPlan):
            await clean_up(run, plan)
            return
        if isinstance(plan, FallbackPlan):
            _begin(run, plan.failover.move, plan.failover.chosen)
            run.log(plan.why)
            await fail_over(run, plan.failover)
            return
        _begin(run, plan.move, plan.chosen)
        move, target, info = plan.move, plan.move.target.name, plan.info
        run.log(f"Migrating instance {move.instance.name}")
        run.log("* checking disk consistency between source and target")
        for text in plan.warnings:
            run.log(f"Warning: node {target}: {text}")
        if plan.memory is not None:
            await make_fit(run, move.instance, plan.memory)
            info = await run.nodes.call(move.source.uuid, MigrationInfoCall(instance=move.here))
        journey = Journey(
            move.instance.uuid, move.source.uuid, move.target.uuid, resume=info.running
        )
        async with run.step("prepare both nodes", _undo(journey)):
            await _prepare(run, move, info)
        run.log(f"* migrating instance to {target}")
        run.log("* starting memory transfer")
        rest = MigrateRest(journey, plan.live, plan.allow_runtime_changes)
        await _send(run, move, rest)
        await self._finish(run, rest)

    async def resume(
        self,
        run: Run,
        rest: MigrateRest,
        answers: Mapping[str, Any],
    ) -> None:
        """Let one copy be the guest."""
        await self._finish(run, rest)

    async def _finish(self, run: Run, rest: MigrateRest) -> None:
        run.log("* memory transfer complete")
        journey = rest.journey
        async with run.step("hand over"):
            outcome = await settle(run, journey)
        if outcome is not Outcome.WENT:
            names = (
                f"{run.nodes.name(journey.target)}; it goes on on {run.nodes.name(journey.source)}"
            )
            raise OpExecError(f"the guest did not arrive on node {names}")
        run.log("* done")


def _env(*, live: bool = False, changes: bool = False, cleanup: bool = False) -> dict[str, object]:
    """The operation's own variables for hooks."""
    return {
        "MIGRATE_LIVE": live,
        "MIGRATE_CLEANUP": cleanup,
        "ALLOW_RUNTIME_CHANGES": changes,
    }


def _begin(run: Run, move: Move, chosen: tuple[str, ...]) -> None:
    begin_chosen(run, chosen, {move.source.uuid, move.target.uuid})


def _undo(journey: Journey) -> Undo:
    return undo(
        "instance.settle_migration",
        uuid=journey.uuid,
        nodes=[journey.source, journey.target],
        resume=journey.resume,
    )


def _move(view: ClusterView, journey: Journey) -> Move:
    instance = view.instance(journey.uuid)
    return Move.between(view, instance, view.node(journey.source), view.node(journey.target))


def _is_live(op: OpInstanceMigrate, view: ClusterView, instance: Instance) -> bool:
    if op.live is not None and op.mode is not None:
        raise OpPrereqError("only one of live and mode can be given")
    if op.live is not None:
        return op.live
    default = view.filled_hvparams(instance).get("migration_mode", MigrationMode.LIVE)
    return (op.mode or default) == MigrationMode.LIVE


def _why_fail_over(
    op: OpInstanceMigrate, view: ClusterView, instance: Instance, *, runs: bool
) -> str:
    """Why it is to be stopped and started instead; empty: it is not.

    Raises:
        OpPrereqError: it does not run, and that was not allowed.
    """
    if runs and instance.admin_state is AdminState.UP:
        always = view.filled_beparams(instance).always_failover
        return "Instance configured to always failover; fallback to failover" if always else ""
    if not op.allow_failover:
        raise OpPrereqError(
            f"instance {instance.name} {'should not run' if runs else 'does not run'}, so it cannot"
            " be migrated; gnt-instance failover moves it, or --allow-failover",
            ECode.STATE,
        )
    return "Instance is marked down or offline, fallback allowed, switching to failover"


async def _compare(
    nodes: NodeReader, move: Move, *, ignore_versions: bool
) -> tuple[MigrationInfo, tuple[str, ...]]:
    """What the guest is, and how the nodes differ.

    Raises:
        OpPrereqError: ``ECode.ENVIRON``, the target lacks what the guest needs; names all of it.
    """
    spec = move.here
    try:
        info = await nodes.call(move.source.uuid, MigrationInfoCall(instance=spec))
        traits = MigrationTraitsCall(hypervisor=spec.hypervisor, hvparams=spec.hvparams)
        source = await nodes.call(move.source.uuid, traits)
    except GenericError as err:
        raise refused_by(move.source, err, ECode.ENVIRON) from err
    try:
        target = await nodes.call(move.target.uuid, traits)
    except GenericError as err:
        raise refused_by(move.target, err, ECode.ENVIRON) from err
    found = differences(info, source, target)
    fatal = [one.text for one in found if one.fatal and not (one.version and ignore_versions)]
    if fatal:
        text = f"instance {spec.name} cannot run on node {move.target.name}: {'; '.join(fatal)}"
        raise OpPrereqError(text, ECode.ENVIRON)
    return info, tuple(one.text for one in found)


async def _prepare(run: Run, move: Move, info: MigrationInfo) -> None:
    """Both nodes may write to the disks, and the target waits for the guest."""
    run.log("* opening the instance's disks on both nodes")
    await open_disks(run.nodes, move, there=False, exclusive=False)
    for index, disk in enumerate(move.there.disks):
        call = BlockdevAssembleCall(disk=disk, instance=move.there, on_primary=False, index=index)
        await run.nodes.call(move.target.uuid, call)
    await open_disks(run.nodes, move, there=True, exclusive=False)
    run.log(f"* preparing {move.target.name} to accept the instance")
    accept = AcceptInstanceCall(instance=move.there, info=info, address=move.target.secondary_ip)
    await run.nodes.call(move.target.uuid, accept)


async def _send(run: Run, move: Move, rest: MigrateRest) -> None:
    """Send the guest and wait for it; a node daemon that is started again meanwhile is no harm."""
    source = move.source
    call = InstanceMigrateCall(instance=move.here, address=move.target.secondary_ip, live=rest.live)
    while True:
        try:
            await run.await_tasks("send guest", {source.uuid: call}, rest, _undo(rest.journey))
        except NodeCallError as err:
            if not await _is_being_sent(run, move):
                raise
            run.log(f"the node daemon on {source.name} was restarted ({err}); still waiting")
        else:
            return


async def _is_being_sent(run: Run, move: Move) -> bool:
    """Whether the source, once it answers again, says that the guest is on its way."""
    deadline = run.clock.monotonic() + _RESTART_S
    while True:
        try:
            role = await run.nodes.call(move.source.uuid, MigrationRoleCall(instance=move.here))
        except NodeCallError:
            if run.clock.monotonic() >= deadline:
                return False
        except GenericError:
            return False
        else:
            return role in (GuestRole.OUTGOING, GuestRole.SENT)
        await run.clock.sleep(_ASK_AGAIN_S)
