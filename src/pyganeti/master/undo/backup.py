"""Undo actions of exports and imports. Idempotent; right after any part of the step they undo."""

from typing import Any

import msgspec

from pyganeti.master.jobs.run import UndoContext
from pyganeti.wire.noderpc.backup import ExportAbandonCall
from pyganeti.wire.noderpc.instance import InstanceShutdownCall
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.task import TasksEndCall
from pyganeti.wire.noderpc.transfer import TransferEndCall


async def abandon(context: UndoContext, *, node: str, export: str, transfer: str) -> None:
    """Remove what was made of an export; the older one of its name is back then."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, ExportAbandonCall(export=export, transfer=transfer))


async def end_transfer(context: UndoContext, *, node: str, transfer: str) -> None:
    """Let nobody read an export any more."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, TransferEndCall(transfer=transfer))


async def end_zeroing(context: UndoContext, *, node: str, spec: dict[str, Any]) -> None:
    """End the guest that zeroes an instance's disks, whoever waits for it."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, TasksEndCall())
        instance = msgspec.convert(spec, InstanceSpec)
        await context.nodes.call(node, InstanceShutdownCall(instance=instance, timeout=0.0))
