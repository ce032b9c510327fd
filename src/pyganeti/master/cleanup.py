"""Finding an instance again after a move that was interrupted: ``failover`` and ``migrate`` with
``--cleanup``.

    nodes that may have it -> those that run it -> configuration, disks

Source: gnt-instance(8) FAILOVER, MIGRATE; design note 0009.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyganeti.master.changes import instance_fields, move_instance
from pyganeti.master.guests import assemble_disks, shut_down_disks
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext
from pyganeti.master.moving import Move, move_hooks
from pyganeti.master.nodes import NodeReader
from pyganeti.master.run import Run
from pyganeti.master.specs import instance_spec
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import EXTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.instance import InstanceInfoCall


@dataclass(frozen=True, slots=True)
class CleanupPlan:
    """Where an instance was found.

    Attributes:
        instance: as recorded.
        node: that runs it.
        move: from the recorded node to ``node``, where that is another.
    """

    instance: Instance
    node: Node
    move: Move | None


def cleanup_locks(view: ClusterView, instance: Instance) -> LockRequest:
    """The instance, and all nodes that may run it."""
    nodes = frozenset(node.uuid for node in view.instance_nodes(instance))
    if view.disk_template(instance) in EXTERNALLY_MIRRORED:
        nodes = frozenset({ALL})
    return LockRequest(instances=frozenset({instance.name}), shared_nodes=nodes)


async def plan_cleanup(nodes: NodeReader, view: ClusterView, instance: Instance) -> CleanupPlan:
    """Find where ``instance`` runs.

    Raises:
        OpPrereqError: nowhere, on several nodes, or its primary node does not say.
    """
    hvparams = dict(view.cluster.hvparams.get(instance.hypervisor, {}))
    call = InstanceInfoCall(name=instance.name, hypervisor=instance.hypervisor, hvparams=hvparams)
    asked = [node for node in _candidates(view, instance) if not node.offline]
    answers = await nodes.call_all([node.uuid for node in asked], call)
    silent = answers.get(instance.primary_node)
    if isinstance(silent, GenericError):
        name = view.node(instance.primary_node).name
        raise OpPrereqError(f"node {name} does not say what runs there: {silent}", ECode.ENVIRON)
    found = [
        node
        for node in asked
        if not isinstance(answers[node.uuid], GenericError) and answers[node.uuid] is not None
    ]
    return _plan(view, instance, found)


def _candidates(view: ClusterView, instance: Instance) -> list[Node]:
    if view.disk_template(instance) in EXTERNALLY_MIRRORED:
        return view.all_nodes()
    return view.instance_nodes(instance)


def _plan(view: ClusterView, instance: Instance, found: list[Node]) -> CleanupPlan:
    if not found:
        raise OpPrereqError(
            f"instance {instance.name} does not run on any node that answers;"
            " gnt-instance startup starts it on its primary node",
            ECode.STATE,
        )
    if len(found) > 1:
        names = ", ".join(node.name for node in found)
        raise OpPrereqError(
            f"instance {instance.name} runs on several nodes ({names}): which copy is the right one"
            " must be decided by hand, and the others ended there",
            ECode.STATE,
        )
    (node,) = found
    move = None if node.uuid == instance.primary_node else Move.of(view, instance, node)
    return CleanupPlan(instance, node, move)


def cleanup_hooks(plan: CleanupPlan, view: ClusterView, own: Mapping[str, object]) -> HookContext:
    """Hooks of the operation that cleans up: as of a move to where the instance runs."""
    move = plan.move or Move.of(view, plan.instance, plan.node)
    return move_hooks(move, view, own)


def outline_cleanup(plan: CleanupPlan) -> list[str]:
    """What :func:`clean_up` would do, a line each."""
    if plan.move is None:
        return []
    return [f"record that {plan.instance.name} runs on {plan.node.name}"]


async def clean_up(run: Run, plan: CleanupPlan) -> None:
    """Record where the instance runs, and take its disks from where it does not."""
    name, move = plan.node.name, plan.move
    if move is None:
        run.log(f"* instance confirmed to be running on its primary node ({name})")
    else:
        run.log(f"* instance running on secondary node ({name}), updating config")
        await _record(run, move)
        if not move.source.offline:
            async with run.step("shut down disks"):
                await shut_down_disks(run.nodes, move.here)
    spec = instance_spec(run.config.view, run.config.view.instance(plan.instance.uuid))
    async with run.step("activate disks"):
        await assemble_disks(run.nodes, run.config.view, spec)
        await run.config.commit(instance_fields(plan.instance.uuid, disks_active=True))
    run.log("* done")


async def _record(run: Run, move: Move) -> None:
    """No undo: it says what is so."""
    source, target = move.source.uuid, move.target.uuid
    async with run.step("record primary node"):
        await run.config.commit(
            move_instance(move.instance.uuid, source, target, disks_active=True)
        )
