"""Finding an instance again after a move that was interrupted: ``failover`` and ``migrate`` with
``--cleanup``.

    what each node's copy is -> the one that is the guest -> configuration, other copies, disks

Source: gnt-instance(8) FAILOVER, MIGRATE; design note 0009.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pyganeti.master.changes import instance_fields, move_instance
from pyganeti.master.disks.mirrors import warning
from pyganeti.master.instances.guests import assemble_disks
from pyganeti.master.instances.moving import Move, close_disks, move_hooks
from pyganeti.master.instances.settling import RUNS, Journey, settle
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.base import HookContext
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, GenericError, OpExecError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import EXTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.guests import GuestRole
from pyganeti.wire.noderpc.migration import MigrationRoleCall

_WAITED: Final = frozenset({GuestRole.INCOMING, GuestRole.LOST})


@dataclass(frozen=True, slots=True)
class CleanupPlan:
    """Where copies of an instance were found.

    Attributes:
        instance: as recorded.
        runs: the node whose copy is the guest, if there is one.
        journeys: migrations that did not end, to be settled.
        move: from the recorded node to ``runs``, where that is another and got there otherwise.
    """

    instance: Instance
    runs: Node | None
    journeys: tuple[Journey, ...]
    move: Move | None


async def plan_cleanup(nodes: NodeReader, view: ClusterView, instance: Instance) -> CleanupPlan:
    """Find where ``instance`` runs.

    Raises:
        OpPrereqError: nowhere, on several nodes, or a node that may run it does not say.
    """
    call = MigrationRoleCall(instance=instance_spec(view, instance))
    asked = [node for node in _candidates(view, instance) if not node.offline]
    answers = await nodes.call_all([node.uuid for node in asked], call)
    roles: dict[str, GuestRole] = {}
    silent: dict[str, str] = {}
    for node in asked:
        answer = answers[node.uuid]
        if isinstance(answer, GenericError):
            silent[node.uuid] = f"node {node.name} does not say what runs there: {answer}"
        elif answer is not GuestRole.ABSENT:
            roles[node.uuid] = answer
    runners = [node for node in asked if roles.get(node.uuid) in RUNS]
    _check(instance, runners, silent, nothing=not roles)
    runs = runners[0] if runners else None
    return CleanupPlan(
        instance,
        runs,
        tuple(_journeys(instance, runs, roles, asked)),
        _move(view, instance, runs, roles),
    )


def _candidates(view: ClusterView, instance: Instance) -> list[Node]:
    if view.disk_template(instance) in EXTERNALLY_MIRRORED:
        return view.all_nodes()
    return view.instance_nodes(instance)


def _check(
    instance: Instance, runners: list[Node], silent: Mapping[str, str], *, nothing: bool
) -> None:
    if len(runners) > 1:
        names = ", ".join(node.name for node in runners)
        raise OpPrereqError(
            f"instance {instance.name} runs on several nodes ({names}): which copy is the right one"
            " must be decided by hand, and the others ended there",
            ECode.STATE,
        )
    if instance.primary_node in silent:
        raise OpPrereqError(silent[instance.primary_node], ECode.ENVIRON)
    if silent and not runners:
        raise OpPrereqError("; ".join(silent.values()), ECode.ENVIRON)
    if nothing:
        raise OpPrereqError(
            f"instance {instance.name} does not run on any node;"
            " gnt-instance startup starts it on its primary node",
            ECode.STATE,
        )


def _journeys(
    instance: Instance, runs: Node | None, roles: Mapping[str, GuestRole], asked: list[Node]
) -> Iterator[Journey]:
    """Each copy that is not the guest, with the node from or to which it was on its way."""
    waiting = [node for node, role in roles.items() if role in _WAITED]
    others = [node.uuid for node in asked]
    for node, role in roles.items():
        if role is GuestRole.SENT:
            known = [*([runs.uuid] if runs else []), *waiting, *others]
            target = next((other for other in known if other != node), None)
            if target is not None:
                yield Journey(instance.uuid, node, target, resume=True)
    for node in waiting:
        source = runs.uuid if runs else instance.primary_node
        if source != node:
            yield Journey(instance.uuid, source, node, resume=True)


def _move(
    view: ClusterView, instance: Instance, runs: Node | None, roles: Mapping[str, GuestRole]
) -> Move | None:
    if runs is None or runs.uuid == instance.primary_node:
        return None
    if instance.primary_node in roles:
        return None  # a copy is there: it was a migration, which is settled
    return Move.of(view, instance, runs)


def cleanup_hooks(
    plan: CleanupPlan, view: ClusterView, own: Mapping[str, object], *, source: bool = False
) -> HookContext:
    """Hooks of the operation that cleans up: as of a move to where the instance runs."""
    node = plan.runs or view.node(plan.instance.primary_node)
    move = plan.move or Move.of(view, plan.instance, node)
    return move_hooks(move, view, own, source=source)


def outline_cleanup(plan: CleanupPlan) -> list[str]:
    """What :func:`clean_up` would do, a line each."""
    if plan.move is not None:
        return [f"record that {plan.instance.name} runs on {plan.move.target.name}"]
    if plan.journeys:
        return [f"settle the migration of {plan.instance.name} that did not end"]
    return []


async def clean_up(run: Run, plan: CleanupPlan) -> None:
    """Record where the instance runs, end what is left elsewhere, and give it its disks.

    No step has an undo: each only records or ends what is so.
    """
    if plan.move is not None:
        name = plan.move.target.name
        run.log(f"* instance running on secondary node ({name}), updating config")
        await _record(run, plan.move)
    for journey in plan.journeys:
        async with run.step("settle migration"):
            await settle(run, journey)
    view = run.config.view
    instance = view.instance(plan.instance.uuid)
    spec = instance_spec(view, instance)
    if await run.nodes.call(instance.primary_node, MigrationRoleCall(instance=spec)) not in RUNS:
        text = "what was left of it elsewhere was ended; gnt-instance startup starts it"
        raise OpExecError(f"instance {instance.name} does not run on any node: {text}")
    if plan.move is None:
        name = view.node(instance.primary_node).name
        run.log(f"* instance confirmed to be running on its primary node ({name})")
    async with run.step("activate disks"):
        await assemble_disks(run.nodes, view, spec, warn=warning(run))
        await run.config.commit(instance_fields(instance.uuid, disks_active=True))
    run.log("* done")


async def _record(run: Run, move: Move) -> None:
    source, target = move.source.uuid, move.target.uuid
    async with run.step("record primary node"):
        await run.config.commit(
            move_instance(move.instance.uuid, source, target, disks_active=True)
        )
    if not move.source.offline:
        async with run.step("close disks"):
            await close_disks(run.nodes, move, there=False)
