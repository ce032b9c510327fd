"""The undo action of migrations."""

from contextlib import suppress

from pyganeti.master.instances.settling import Journey, Outcome, settle
from pyganeti.master.jobs.run import UndoContext
from pyganeti.model.errors import NodeCallError, NodeUnreachable
from pyganeti.wire.noderpc.task import TasksEndCall


async def undo_migration(
    context: UndoContext, *, uuid: str, nodes: list[str], resume: bool
) -> None:
    """Let the guest be on one node: on the source, unless it runs on the target already.

    ``nodes`` are the two. A source that does not answer sends no task's work either: what its
    hypervisor does is settled once it is asked.
    """
    source, target = nodes
    if source in context.config.view.nodes:
        with suppress(NodeCallError):
            await context.nodes.call(source, TasksEndCall())
    outcome = await settle(context, Journey(uuid, source, target, resume))
    view = context.config.view
    instance = view.instances.get(uuid)
    if outcome is Outcome.WENT and instance is not None:
        name = view.node(instance.primary_node).name
        context.log(f"Instance {instance.name} runs on node {name}: its migration was completed")
    for node in nodes:
        known = view.nodes.get(node)
        if known is not None and known.offline:
            # Nothing of what may be left there was ended.
            raise NodeUnreachable(f"node {known.name} is marked offline")
