"""Undo actions of exports and imports. Idempotent; right after any part of the step they undo."""

from pyganeti.master.jobs.run import UndoContext
from pyganeti.wire.noderpc.backup import ExportAbandonCall
from pyganeti.wire.noderpc.remote import RemoteEndCall, X509RemoveCall
from pyganeti.wire.noderpc.transfer import TransferEndCall


async def abandon(context: UndoContext, *, node: str, export: str, transfer: str) -> None:
    """Remove what was made of an export; the older one of its name is back then."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, ExportAbandonCall(export=export, transfer=transfer))


async def end_transfer(context: UndoContext, *, node: str, transfer: str) -> None:
    """Let nobody read an export any more."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, TransferEndCall(transfer=transfer))


async def remove_key(context: UndoContext, *, node: str, key: str) -> None:
    """Remove the key of a transfer to another cluster."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, X509RemoveCall(name=key))


async def confirm_remote(context: UndoContext, *, node: str, transfer: str) -> None:
    """Tell the other cluster that its disks are kept here; the end of an import, and no undo."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, RemoteEndCall(transfer=transfer, kept=True))


async def end_remote(context: UndoContext, *, node: str, transfer: str, key: str) -> None:
    """Let no other cluster send disks any more; it learns that they are not kept."""
    if node in context.config.view.nodes:
        await context.nodes.call(node, RemoteEndCall(transfer=transfer, kept=False))
        await context.nodes.call(node, X509RemoveCall(name=key))
