"""Undo actions of node operations."""

from typing import Any

import msgspec

from pyganeti.master.changes import assign_nodes, put_node, remove_node
from pyganeti.master.jobs.run import UndoContext
from pyganeti.master.ssh_logins import Logins
from pyganeti.model.node import Node
from pyganeti.wire.noderpc.node import EtcHostsModifyCall
from pyganeti.wire.noderpc.task import TasksEndCall


async def assign_back(context: UndoContext, *, groups: dict[str, str]) -> None:
    """Put nodes back into the node groups that they were in, both by UUID."""
    await context.config.commit(assign_nodes(groups))


async def end_tasks(context: UndoContext, *, nodes: list[str]) -> None:
    """End what the opcode still has running on ``nodes``: scripts, wipes, waits.

    Its undo comes before all older ones, so that nothing writes to what they remove.
    """
    for node in nodes:
        if node in context.config.view.nodes:
            await context.nodes.call(node, TasksEndCall())


async def restore(
    context: UndoContext,
    *,
    uuid: str,
    before: dict[str, Any] | None,  # Any: the record as JSON
    digest: str | None = None,
) -> None:
    """Put a node's record back as it was, its certificate's digest too, or take it out again."""
    if before is None:
        await context.config.commit(remove_node(uuid))
    else:
        await context.config.commit(put_node(msgspec.convert(before, Node), digest))


async def settle_logins(context: UndoContext) -> None:
    """Let logins over ssh follow the configuration, which is again what it was before."""
    view, logins = context.config.view, Logins(context.nodes)
    await logins.ask(view)
    await logins.allow(view)
    logins.tell(context.log, {node.name for node in view.nodes.values()})


async def restore_host(context: UndoContext, *, node: str, name: str, ip: str | None) -> None:
    """Give a name in a node's hosts file its address of before back, or take it out again."""
    if node not in context.config.view.nodes:
        return  # it was removed from the cluster: nothing there is ours to undo
    mode = "remove" if ip is None else "add"
    await context.nodes.call(node, EtcHostsModifyCall(mode=mode, name=name, ip=ip))
