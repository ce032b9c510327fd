"""Undo actions of exports and imports. Idempotent; right after any part of the step they undo."""

from pyganeti.master.jobs.run import UndoContext
from pyganeti.wire.noderpc.backup import ExportAbandonCall
from pyganeti.wire.noderpc.transfer import TransferEndCall


async def abandon(context: UndoContext, *, node: str, export: str, transfer: str) -> None:
    """Remove what was made of an export; the older one of its name is back then."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, ExportAbandonCall(export=export, transfer=transfer))


async def end_transfer(context: UndoContext, *, node: str, transfer: str) -> None:
    """Let nobody read an export any more."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, TransferEndCall(transfer=transfer))
