"""The end of an export: all disks are copied, and what was copied becomes an export.

Data flow: ExportRest with all dumps -> export complete -> snapshots away -> guest started -> older
exports and, if wanted, the instance removed.
Source: gnt-backup(8) EXPORT; docs/design/0010-backup.md.
"""

import msgspec

from pyganeti.master.backup.exporting import dump_name, exported_instance
from pyganeti.master.backup.exports import find_export
from pyganeti.master.backup.remote import RemoteTarget
from pyganeti.master.disks.new import directory_of
from pyganeti.master.instances.guests import bare_spec, check_memory, shut_down_disks
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.lu.base import HookContext
from pyganeti.master.lu.instance.remove import LUInstanceRemove, RemovePlan
from pyganeti.model.errors import ECode, GenericError, OpExecError, OpPrereqError
from pyganeti.model.exported import render
from pyganeti.model.state_disks import is_state
from pyganeti.wire.noderpc.backup import (
    Dump,
    ExportPublishCall,
    ExportRemoveCall,
    ExportSettleCall,
    FinalizeExportCall,
)
from pyganeti.wire.noderpc.blockdev import BlockdevRemoveCall
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec


class Removal(msgspec.Struct, frozen=True):
    """How the instance is removed in the end."""

    timeout_s: float
    ignore_failures: bool


class ExportRest(msgspec.Struct, frozen=True):
    """What is to be done while the disks are copied, and then.

    Attributes:
        uuid: of the instance.
        target: UUID of the node that gets the export; empty for one to another cluster.
        transfer: under which it does.
        snapshots: what is read instead of each disk, or nothing.
        dumps: what was copied so far.
        start: the guest, when all is copied.
        shut_down: the disks.
        remote: where it goes, if to another cluster.
    """

    uuid: str
    target: str
    transfer: str
    compress: str
    snapshots: tuple[DiskSpec, ...]
    start: bool
    shut_down: bool
    removal: Removal | None
    hooks: HookContext
    dumps: tuple[Dump, ...] = ()
    remote: RemoteTarget | None = None


async def end_export(run: Run, rest: ExportRest, spec: InstanceSpec) -> None:
    """Make an export of what was copied, and put everything else back in its place.

    Raises:
        OpExecError: nothing was written; there is no export.
    """
    pairs = zip(spec.disks, rest.dumps, strict=True)
    written = [dump.size for disk, dump in pairs if not is_state(disk.name)]
    if written and not any(written):
        text = f"the export script of {spec.os} wrote nothing: that would be no backup"
        raise OpExecError(text)
    await _complete(run, rest)
    await put_away(run, rest, spec)
    if rest.start:
        await start_late(run, spec)
    else:
        await run.keep()
    await _remove_older(run, rest, spec.name)
    if rest.removal is not None:
        await remove_instance(run, rest.removal, spec)


async def start_late(run: Run, spec: InstanceSpec) -> None:
    """Start the guest when the export is whole, which stays whether it runs again or not."""
    view = run.config.view
    bare = msgspec.to_builtins(bare_spec(view, view.instance(spec.uuid)))
    run.log(f"* starting instance {spec.name}")
    async with run.turns[spec.primary_node]:
        try:
            await check_memory(run.nodes, view, spec)
        except OpPrereqError as err:
            if err.code is ECode.NORES:
                run.log(f"Warning: instance {spec.name} does not run: {err}")
                await run.keep()
                return
            # Its node does not answer: it is started there once that does.
        await run.finish("start guest", undo("instance.start_again", spec=bare))


async def _complete(run: Run, rest: ExportRest) -> None:
    """What was copied becomes an export."""
    view = run.config.view
    instance = view.instance(rest.uuid)
    names = [dump_name(disk) for disk in view.disks_of(instance)]
    call = FinalizeExportCall(
        export=instance.name,
        transfer=rest.transfer,
        config=render(exported_instance(view, instance, run.clock.now())),
        dumps=dict(zip(names, rest.dumps, strict=True)),
    )
    async with run.step("complete export"):
        await run.nodes.call(rest.target, call)
    async with run.step("publish export"):
        await run.nodes.call(rest.target, ExportPublishCall(export=instance.name))


async def put_away(run: Run, rest: ExportRest, spec: InstanceSpec) -> None:
    """Remove snapshots and shut disks down, while it still is undone if it fails."""
    if rest.snapshots:
        async with run.step("remove snapshots"):
            for disk in rest.snapshots:
                await run.nodes.call(spec.primary_node, BlockdevRemoveCall(disk=disk))
    if rest.shut_down:
        async with run.step("shut down disks"):
            await shut_down_disks(run.nodes, spec)


async def _remove_older(run: Run, rest: ExportRest, name: str) -> None:
    """Remove the exports that were there before, on all nodes."""
    found = await find_export(name, run.config.view, run.nodes)
    calls = {node: ExportRemoveCall(export=name) for node in found.nodes if node != rest.target}
    for node, why in found.silent.items():
        run.log(f"Warning: an older export may be on {run.nodes.name(node)}: {why}")
    async with run.step("remove older exports"):
        for node, call in {**calls, rest.target: ExportSettleCall(export=name)}.items():
            try:
                await run.nodes.call(node, call)
            except GenericError as err:
                run.log(f"Warning: an older export stays on {run.nodes.name(node)}: {err}")


async def remove_instance(run: Run, removal: Removal, spec: InstanceSpec) -> None:
    """Remove the instance that was exported."""
    view = run.config.view
    instance = view.instance(spec.uuid)
    plan = RemovePlan(
        instance,
        spec,
        directory_of(view.disks_of(instance)),
        removal.timeout_s,
        removal.ignore_failures,
        instance_hooks(instance, view),
    )
    await LUInstanceRemove().execute(run, plan)
