"""Disks of a stopped instance become disks of another template: ``gnt-instance modify -t``.

    new disks ── copied ── mirrors around them ── recorded ── sync ── no return: old disks go
     └ in place: the volumes that are there

Until the old disks go everything is undone, since no guest writes meanwhile.
Source: gnt-instance(8) MODIFY; docs/design/0008-storage.md, "Conversions".
"""

from collections.abc import Callable, Sequence

import msgspec

from pyganeti.master.disks.converting import Conversion, mirrors_of, volumes_of
from pyganeti.master.disks.copies import copy_disk, is_zeroes
from pyganeti.master.disks.making import make_disks
from pyganeti.master.disks.mirrors import mirrored, wait_for_sync, warning
from pyganeti.master.disks.new import directory_of
from pyganeti.master.instances.device_records import DiskRecords, OldDisks, modify_instance
from pyganeti.master.instances.guests import assemble_disks, bare_spec, shut_down_disks
from pyganeti.master.instances.specs import disk_spec, instance_spec, seen_from, without_secret
from pyganeti.master.jobs.run import Run, undo
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import OpExecError
from pyganeti.model.instance import Instance
from pyganeti.wire.noderpc.blockdev import (
    BlockdevCreateCall,
    BlockdevGetmirrorstatusCall,
    BlockdevShutdownCall,
)
from pyganeti.wire.noderpc.copying import BlockdevConvertCall
from pyganeti.wire.noderpc.disks import LocalDisk
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec


class ConvertRest(msgspec.Struct, frozen=True):
    """What is to be done once a disk is copied, or the new ones are in sync.

    Attributes:
        volumes: what the contents are copied to, or in place what has them; without secrets.
        template: of the new disks.
        secondary: UUID of the node that mirrors them.
        groups: volume groups of their metadata.
        before: UUIDs of the old disks.
        left: the old disks, as the primary node is told, to be removed.
        directory: which they lie in, if they are files.
        opened: they were made usable, or were so before.
        active: they were so before, and the new ones are in the end.
        sync: wait until new mirrors are in sync, and not only until they sync.
        copied: how many disks are copied.
    """

    volumes: tuple[Disk, ...]
    template: DiskTemplate
    secondary: str | None
    groups: tuple[str, ...]
    before: tuple[str, ...]
    left: tuple[DiskSpec, ...]
    directory: str | None
    opened: bool
    active: bool
    sync: bool
    copied: int


# Makes what the operation goes on with of what the conversion does.
Wrap = Callable[[ConvertRest], msgspec.Struct]


async def begin_conversion(
    run: Run, instance: Instance, conversion: Conversion, *, sync: bool
) -> ConvertRest:
    """Make what the contents are to be copied to; what is to be done then.

    Raises:
        GenericError: something cannot be made, or what would stay is not whole.
    """
    view, where = run.config.view, conversion.where
    spec = instance_spec(view, instance)
    for line in conversion.notes:
        run.log(line)
    run.log(f"Converting disks of {instance.name} from {conversion.source} to {where.template}")
    from_mirror = conversion.source is DiskTemplate.DRBD
    reads = from_mirror or not conversion.in_place
    if reads and not instance.disks_active:
        await _activate(run, instance)
    volumes = volumes_of(conversion, run.ids, run.minor)
    if not conversion.in_place:
        await _make(run, instance, volumes, conversion)
    elif from_mirror:
        await _check_whole(run, spec)
    return ConvertRest(
        volumes,
        where.template,
        where.secondary,
        tuple(request.metavg or "" for request in conversion.requests),
        instance.disks,
        tuple(without_secret(disk) for disk in spec.disks),
        directory_of(conversion.old),
        opened=reads or instance.disks_active,
        active=instance.disks_active,
        sync=sync,
        copied=len(volumes) if conversion.in_place else 0,
    )


async def go_on_converting(run: Run, uuid: str, rest: ConvertRest, wrap: Wrap) -> None:
    """Copy what is not copied yet, record the new disks, remove the old ones.

    Raises:
        GenericError: a disk cannot be copied, made or recorded.
    """
    if run.config.view.instance(uuid).disks == rest.before:
        await _take_over(run, uuid, rest, wrap)
    view = run.config.view
    instance = view.instance(uuid)
    if rest.template is DiskTemplate.DRBD and not rest.active:
        async with run.step("shut down disks"):
            await shut_down_disks(run.nodes, instance_spec(view, instance))
    gone = undo(
        "disk.remove_parts",
        node=instance.primary_node,
        disks=msgspec.to_builtins(rest.left),
        directory=rest.directory,
        forget=list(rest.before),
    )
    await run.finish("remove old disks", gone)


async def _take_over(run: Run, uuid: str, rest: ConvertRest, wrap: Wrap) -> None:
    """Everything until the new disks are recorded and of use."""
    instance = run.config.view.instance(uuid)
    for index in range(rest.copied, len(rest.volumes)):
        await _copy(run, instance, rest, index, wrap)
        rest = msgspec.structs.replace(rest, copied=index + 1)
    if rest.opened:
        await _shut_down(run, instance, rest)
    disks = rest.volumes
    if rest.secondary is not None:
        disks = await _mirror(run, instance, rest)
    await _record(run, instance, disks)
    if rest.active or rest.secondary is not None:
        await _activate(run, run.config.view.instance(uuid))
    view = run.config.view
    spec = instance_spec(view, view.instance(uuid))
    await wait_for_sync(run, spec, wrap(rest), complete=rest.sync)


async def _activate(run: Run, instance: Instance) -> None:
    view = run.config.view
    bare = msgspec.to_builtins(bare_spec(view, instance))
    async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
        spec = instance_spec(view, instance)
        await assemble_disks(run.nodes, view, spec, warn=warning(run))


async def _check_whole(run: Run, spec: InstanceSpec) -> None:
    """Refuse to let go of a mirror whose primary side has not all that was written.

    Raises:
        OpExecError: names the disk.
    """
    disks = mirrored(spec.disks)
    call = BlockdevGetmirrorstatusCall(disks=disks)
    found = await run.nodes.call(spec.primary_node, call)
    for disk, status in zip(disks, found, strict=True):
        if status is None or status.local_disk is not LocalDisk.OKAY:
            name = run.nodes.name(spec.primary_node)
            raise OpExecError(f"{disk.iv_name} is not whole on node {name}, so it stays mirrored")


async def _make(
    run: Run, instance: Instance, volumes: Sequence[Disk], conversion: Conversion
) -> None:
    view, where = run.config.view, conversion.where
    run.log("* creating disks...")
    await make_disks(
        run,
        tuple(disk_spec(disk, view, where.node) for disk in volumes),
        where.node,
        directory=where.directory,
        owner=instance.uuid,
        name=instance.name,
    )


async def _copy(run: Run, instance: Instance, rest: ConvertRest, index: int, wrap: Wrap) -> None:
    view, node = run.config.view, instance.primary_node
    disk = disk_spec(view.disk(rest.before[index]), view, node)
    new = disk_spec(rest.volumes[index], view, node)
    run.log(f"* copying data of {disk.iv_name}...")
    call = BlockdevConvertCall(disk=disk, new=new, compare=is_zeroes(new.dev_type))
    await copy_disk(run, node, call, wrap(msgspec.structs.replace(rest, copied=index)))


async def _shut_down(run: Run, instance: Instance, rest: ConvertRest) -> None:
    """Shut down the old disks, and new ones that were written to."""
    view, node = run.config.view, instance.primary_node
    bare = msgspec.to_builtins(bare_spec(view, instance))
    back = undo("instance.activate_disks", spec=bare) if rest.active else None
    async with run.step("shut down disks", back):
        await shut_down_disks(run.nodes, instance_spec(view, instance), warn=warning(run))
        for disk in rest.volumes:
            if disk.uuid not in rest.before:
                call = BlockdevShutdownCall(disk=disk_spec(disk, view, node))
                await run.nodes.call(node, call)


async def _mirror(run: Run, instance: Instance, rest: ConvertRest) -> tuple[Disk, ...]:
    """Mirrors around the volumes, on both nodes."""
    view, primary = run.config.view, instance.primary_node
    pair = (primary, rest.secondary or "")
    disks = mirrors_of(rest.volumes, rest.groups, pair, run.ids, run.minor)
    # Nobody connects yet, so the secrets stay here.
    bare = [without_secret(disk_spec(disk, view, primary)) for disk in disks]
    back = undo(
        "disk.remove_parts",
        node=primary,
        disks=msgspec.to_builtins(bare),
        directory=None,
        forget=[],
    )
    run.log(f"* creating mirrors on {run.nodes.name(pair[1])}...")
    async with run.step("create mirrors", back):
        for spec in bare:
            for node in pair:
                first = node == primary
                call = BlockdevCreateCall(
                    disk=seen_from(spec, node),
                    owner=instance.uuid,
                    info=instance.name,
                    on_primary=first,
                    on_data=first,
                )
                await run.nodes.call(node, call)
    return disks


async def _record(run: Run, instance: Instance, disks: Sequence[Disk]) -> None:
    """Let the instance have the new disks; the old ones stay known until they are gone."""
    order = tuple(disk.uuid for disk in disks)
    old = OldDisks(instance.disks, order, {})
    back = undo(
        "instance.restore",
        uuid=instance.uuid,
        fields={},
        guest=False,
        disks=msgspec.to_builtins(old),
    )
    records = DiskRecords(order, tuple(disks), instance.disks, {})
    async with run.step("record new disks", back):
        await run.config.commit(modify_instance(instance.uuid, {}, run.ids, disks=records))
