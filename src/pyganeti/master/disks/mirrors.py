"""Mirrored disks: their other node, and their syncs."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from pyganeti.master.instances.specs import disk_spec, seen_from
from pyganeti.master.jobs.run import Run
from pyganeti.master.nodes import NodeReader, NodeWriter
from pyganeti.model.disk import Disk
from pyganeti.model.errors import CallTimeout, ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.units import format_duration
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import BlockdevGetmirrorstatusCall, DrbdWaitSyncCall
from pyganeti.wire.noderpc.call import NodeCall
from pyganeti.wire.noderpc.disks import MirrorStatus
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)

# Told of a secondary node that failed where that is no error.
Warn = Callable[[str], None]
# Makes a call for the disk as the node sees it. Any: nobody looks at the answer.
MakeCall = Callable[[DiskSpec], NodeCall[Any]]

_FIRST_REPORT_S: Final = 1.0
_LONGEST_REPORT_S: Final = 60.0


def warning(run: Run) -> Warn:
    """Writes warnings into the job's log."""
    return lambda text: run.log(f"Warning: {text}")


def nodes_of(disk: DiskSpec, node: str) -> tuple[str, ...]:
    """The nodes that ``disk``, told to ``node``, lies on; ``node`` comes first."""
    return (node,) if disk.drbd is None else (disk.drbd.local.node, disk.drbd.remote.node)


async def on_secondary(
    nodes: NodeWriter, disk: DiskSpec, make: MakeCall, warn: Warn | None = None
) -> None:
    """Make a call to the secondary node of ``disk``, which is told as to its primary.

    Nothing for disks without one, and for a node that is marked offline.

    Args:
        nodes: calls.
        disk: as it is told to the primary.
        make: the call for a disk.
        warn: told what failed; without it that is an error.

    Raises:
        GenericError: it failed.
    """
    if disk.drbd is None or nodes.is_offline(disk.drbd.remote.node):
        return
    node = disk.drbd.remote.node
    try:
        await nodes.call(node, make(seen_from(disk, node)))
    except GenericError as err:
        if warn is None:
            raise
        warn(f"{disk.iv_name} on secondary node {nodes.name(node)}: {err}")


def are_split(one: MirrorStatus | None, other: MirrorStatus | None) -> bool:
    """Whether each side of a mirror has data that the other lacks: no sync can mend that."""
    if one is None or other is None or not (one.generations and other.generations):
        return False
    mine, theirs = one.generations, other.generations
    return mine[0] not in theirs and theirs[0] not in mine


def split_text(disk: Disk, instance: Instance, view: ClusterView) -> str:
    """What is to be said of such a mirror, and done about it."""
    names = " and ".join(sorted(view.node(uuid).name for uuid in disk.nodes))
    return (
        f"{disk.iv_name} is split: {names} were both written to without each other;"
        f" 'gnt-instance replace-disks -n NODE {instance.name}', with a third node, keeps what is"
        f" on the primary node ({view.node(instance.primary_node).name}) and loses the other"
    )


def mirrored(disks: Sequence[DiskSpec]) -> tuple[DiskSpec, ...]:
    """Those of ``disks`` that are mirrored."""
    return tuple(disk for disk in disks if disk.drbd is not None)


async def mirror_statuses(
    view: ClusterView, nodes: NodeReader, disks: Sequence[Disk], node: Node
) -> Sequence[MirrorStatus | None]:
    """How a node sees mirrored disks; ``None`` for one that is not assembled there.

    Raises:
        OpPrereqError: it cannot be asked.
    """
    told = tuple(disk_spec(disk, view, node.uuid) for disk in disks)
    try:
        return await nodes.call(node.uuid, BlockdevGetmirrorstatusCall(disks=told))
    except GenericError as err:
        text = f"node {node.name} cannot be asked about its disks: {err}"
        raise OpPrereqError(text, ECode.ENVIRON) from err


async def wait_for_sync(
    run: Run, spec: InstanceSpec, rest: msgspec.Struct, *, complete: bool = True
) -> None:
    """Wait until the mirrors of an instance are in sync, and tell how far they are.

    A node whose daemon was restarted meanwhile is asked again.

    Args:
        run: the opcode, which has a ``rest_type``.
        spec: the instance, its disks active.
        rest: what is to be done then.
        complete: false only waits until the two nodes have met.

    Raises:
        GenericError: a disk is degraded and does not sync.
    """
    disks = mirrored(spec.disks)
    if not disks:
        return
    call = DrbdWaitSyncCall(disks=disks, complete=complete)
    if complete:
        run.log(f"Waiting for instance {spec.name} to sync disks")
    failed: GenericError | None = None
    async with asyncio.TaskGroup() as group:
        reports = group.create_task(_report(run, spec.primary_node, disks))
        try:
            while not await _waited(run, spec.primary_node, call, rest):
                run.log(f"node {run.nodes.name(spec.primary_node)} lost count, asking it again")
        except GenericError as err:
            failed = err
        finally:
            reports.cancel()
    if failed is not None:
        raise failed
    if complete:
        run.log(f"Instance {spec.name}'s disks are in sync")


async def _waited(run: Run, node: str, call: DrbdWaitSyncCall, rest: msgspec.Struct) -> bool:
    """Whether the wait came to its end; its node forgets it when its daemon is restarted."""
    try:
        await run.await_tasks("sync disks", {node: call}, rest)
    except CallTimeout:
        return False
    return True


async def _report(run: Run, node: str, disks: tuple[DiskSpec, ...]) -> None:
    """Log how far the syncs are, now and then, until cancelled."""
    pause_s = _FIRST_REPORT_S
    while True:
        await run.clock.sleep(pause_s)
        try:
            found = await run.nodes.call(node, BlockdevGetmirrorstatusCall(disks=disks))
        except GenericError:
            continue  # the wait itself will tell
        for disk, status in zip(disks, found, strict=True):
            if status is not None and status.sync_percent is not None:
                run.log(_progress(disk, status))
        pause_s = min(_LONGEST_REPORT_S, 2 * pause_s)


def _progress(disk: DiskSpec, status: MirrorStatus) -> str:
    left = "no time estimate"
    if status.estimated_s is not None:
        left = f"{format_duration(status.estimated_s)} remaining (estimated)"
    return f"- device {disk.iv_name}: {status.sync_percent:5.2f}% done, {left}"
