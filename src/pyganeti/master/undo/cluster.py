"""Undo actions of operations that change the cluster's settings."""

from typing import Any

import msgspec

from pyganeti.master.changes import cluster_fields
from pyganeti.master.jobs.run import UndoContext
from pyganeti.master.master_ip import activate_call
from pyganeti.wire.noderpc.node import NodeDeactivateMasterIpCall


async def activate_address(context: UndoContext) -> None:
    """Bring the address up as the settings have it."""
    cluster = context.config.view.cluster
    await context.nodes.call(cluster.master_node, activate_call(cluster))


async def deactivate_address(context: UndoContext, *, call: dict[str, Any]) -> None:
    """Take an address down; ``call`` as JSON."""
    master = context.config.view.cluster.master_node
    await context.nodes.call(master, msgspec.convert(call, NodeDeactivateMasterIpCall))


async def set_fields(context: UndoContext, *, fields: dict[str, Any]) -> None:
    """Give settings back their values of before, which are numbers, texts and flags."""
    await context.config.commit(cluster_fields(**fields))
