"""The part of an export that goes to another cluster.

Data flow: RemoteTarget -> one task for all disks -> guest started, key and snapshots away ->
instance removed, if wanted.
Source: docs/design/0022-between-clusters.md.
"""

from collections.abc import Sequence

from pyganeti.master.backup.remote import RemoteTarget
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.lu.backup.export_end import (
    ExportRest,
    put_away,
    remove_instance,
    start_late,
)
from pyganeti.wire.noderpc.remote import RemoteExportCall, X509RemoveCall
from pyganeti.wire.noderpc.specs import InstanceSpec


async def begin_remote(run: Run, node: str, target: RemoteTarget) -> None:
    """From now on the key goes whatever comes: who tries again prepares again."""
    async with run.step("use key", undo("backup.remove_key", node=node, key=target.key)):
        await run.begin()


async def send_disks(
    run: Run, rest: ExportRest, target: RemoteTarget, spec: InstanceSpec
) -> Sequence[int]:
    """Send all disks at once; bytes of each."""
    run.log(f"* sending {len(spec.disks)} disks of {spec.name} to the other cluster")
    call = RemoteExportCall(
        instance=spec,
        devices=rest.snapshots or spec.disks,
        targets=target.disks,
        key=target.key,
        ca=target.ca,
        compress=rest.compress,
    )
    node = spec.primary_node
    answers = await run.await_tasks("export disks", {node: call}, rest)
    return answers[node]


async def end_remote(run: Run, rest: ExportRest, target: RemoteTarget, spec: InstanceSpec) -> None:
    """The other cluster has the disks: put everything else back in its place."""
    await put_away(run, rest, spec)
    async with run.step("remove key"):
        await run.nodes.call(spec.primary_node, X509RemoveCall(name=target.key))
    if rest.start:
        await start_late(run, spec)
    else:
        await run.keep()
    if rest.removal is not None:
        await remove_instance(run, rest.removal, spec)
