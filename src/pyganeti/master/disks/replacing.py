"""New volumes for mirrored disks, on one of their nodes or on a new secondary node.

    new storage ── changed mirror ── sync ── no return: old storage goes
                                └ early release: no return, old storage goes ── sync

Until the old storage goes everything is undone: the mirror as it was still has all but what was
written since, which it gets from the other node. Source: gnt-instance(8) REPLACE-DISKS.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pyganeti.master.changes import Maker
from pyganeti.master.instances.specs import disk_spec, instance_spec, seen_from, without_secret
from pyganeti.master.jobs.run import Run, undo
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import (
    BlockdevAddchildrenCall,
    BlockdevAssembleCall,
    BlockdevCreateCall,
    BlockdevRemovechildrenCall,
    BlockdevRenameCall,
    BlockdevShutdownCall,
)
from pyganeti.wire.noderpc.specs import DiskSpec

_STEPS = 6


class Old(msgspec.Struct, frozen=True):
    """Storage that is not needed any more.

    Attributes:
        action: name of the undo action that removes it.
        node: where it is.
        arguments: of the action.
    """

    action: str
    node: str
    arguments: dict[str, Any]  # Any: JSON values


def tell(run: Run, number: int, text: str) -> None:
    """Begin one of the six parts of the work."""
    run.log(f"STEP {number}/{_STEPS} {text}")


async def replace_volumes(run: Run, instance: Instance, disks: Sequence[Disk], node: str) -> Old:
    """Give ``disks`` new volumes on ``node``, one of their two; what was there before.

    The new ones get the names of the old ones, since both nodes have the same.
    """
    view = run.config.view
    specs = [disk_spec(disk, view, node) for disk in disks]
    now = [child for spec in specs for child in spec.children]
    new = [_elsewhere(child, run.ids.uuid(), f"{run.ids.uuid()}.{_suffix(child)}") for child in now]
    old = [_elsewhere(child, run.ids.uuid(), f"{_name(child)}_replaced-{run.job}") for child in now]
    tell(run, 3, "Allocate new storage")
    back = undo("disk.remove", node=node, disks=msgspec.to_builtins(new), directory=None)
    async with run.step("allocate new storage", back):
        for child in new:
            call = BlockdevCreateCall(disk=child, owner=instance.uuid, info=instance.name)
            await run.nodes.call(node, call)
    tell(run, 4, "Changing drbd configuration")
    volumes = msgspec.to_builtins([list(three) for three in zip(now, new, old, strict=True)])
    uuids = [disk.uuid for disk in disks]
    back = undo("mirror.put_back", node=node, disks=uuids, volumes=volumes)
    async with run.step("change mirrors", back):
        for spec in specs:
            await run.nodes.call(node, BlockdevRemovechildrenCall(disk=spec))
        away, there = zip(now, old, strict=True), zip(new, now, strict=True)
        await run.nodes.call(node, BlockdevRenameCall(disks=(*away, *there)))
        for spec in specs:
            await run.nodes.call(node, BlockdevAddchildrenCall(disk=spec))
    gone = {"node": node, "disks": msgspec.to_builtins(old), "directory": None}
    return Old("disk.remove", node, gone)


def _elsewhere(volume: DiskSpec, uuid: str, name: str) -> DiskSpec:
    """``volume`` as another one, of the same size in the same group."""
    place = (volume.logical_id[0], name)
    return msgspec.structs.replace(volume, uuid=uuid, logical_id=place)


def _name(volume: DiskSpec) -> str:
    return str(volume.logical_id[1])


def _suffix(volume: DiskSpec) -> str:
    """``disk0_data`` of ``UUID.disk0_data``."""
    return _name(volume).rpartition(".")[2]


async def replace_secondary(run: Run, instance: Instance, disks: Sequence[Disk], new: str) -> Old:
    """Mirror ``disks``, which are all it has, on the node ``new``; what is left on the other one.

    The disks are active.
    """
    view, primary = run.config.view, instance.primary_node
    (former,) = view.secondary_node_uuids(instance)
    moved = [mirrored_on(disk, primary, new, run.minor(new)) for disk in disks]
    await _allocate(run, instance, moved, new)
    tell(run, 4, "Changing drbd configuration")
    specs = [disk_spec(disk, view, former) for disk in disks]
    back = undo("mirror.reconnect", instance=instance.uuid)
    async with run.step("leave old secondary", back):
        await _leave(run, former, specs)
    minors = {disk.uuid: _minor(disk, former) for disk in disks}
    there = {disk.uuid: _minor(disk, new) for disk in moved}
    back = undo("mirror.set_secondary", primary=primary, node=former, minors=minors)
    async with run.step("record new secondary", back):
        await run.config.commit(set_secondary(primary, new, there))
    await _connect(run, instance)
    bare = [without_secret(spec) for spec in specs]
    gone = {"node": former, "disks": msgspec.to_builtins(bare)}
    return Old("mirror.remove_part", former, gone)


async def _allocate(run: Run, instance: Instance, moved: Sequence[Disk], new: str) -> None:
    tell(run, 3, "Allocate new storage")
    view = run.config.view
    specs = [without_secret(disk_spec(disk, view, new)) for disk in moved]
    back = undo("mirror.remove_part", node=new, disks=msgspec.to_builtins(specs))
    async with run.step("allocate new storage", back):
        for spec in specs:
            call = BlockdevCreateCall(
                disk=spec, owner=instance.uuid, info=instance.name, on_primary=False
            )
            await run.nodes.call(new, call)


async def _leave(run: Run, node: str, specs: Sequence[DiskSpec]) -> None:
    """Shut down the old secondary's part, if it can be: it may be why there is a new one."""
    if run.nodes.is_offline(node):
        return
    for spec in specs:
        try:
            await run.nodes.call(node, BlockdevShutdownCall(disk=spec))
        except GenericError as err:
            run.log(f"Warning: {spec.iv_name} on old secondary {run.nodes.name(node)}: {err}")


async def _connect(run: Run, instance: Instance) -> None:
    """Let the primary node and the new secondary meet; undone with the step before."""
    view = run.config.view
    spec = instance_spec(view, view.instances[instance.uuid])
    async with run.step("connect new secondary"):
        for index, disk in enumerate(spec.disks):
            if disk.drbd is None:
                continue
            for node in (disk.drbd.remote.node, disk.drbd.local.node):
                told = seen_from(disk, node)
                call = BlockdevAssembleCall(disk=told, instance=spec, on_primary=False, index=index)
                await run.nodes.call(node, call)


def _minor(disk: Disk, node: str) -> int | None:
    found = drbd_id(disk)
    return None if found is None else found.minor_on(node)


def mirrored_on(disk: Disk, primary: str, new: str, minor: int | None) -> Disk:
    """``disk`` with its mirror on the node ``new``; the primary node comes first."""
    found = drbd_id(disk)
    own = None if found is None else found.minor_on(primary)
    if found is None or own is None or minor is None:
        return disk
    identity = found._replace(node_a=primary, node_b=new, minor_a=own, minor_b=minor)
    nodes = (primary, new)
    children = tuple(msgspec.structs.replace(child, nodes=nodes) for child in disk.children)
    return msgspec.structs.replace(disk, logical_id=identity, nodes=nodes, children=children)


def set_secondary(primary: str, node: str, minors: Mapping[str, int | None]) -> Maker:
    """Record ``node`` as the secondary of disks, by UUID with their minors there."""

    def make(view: ClusterView) -> Change:
        disks = [view.disks[uuid] for uuid in minors if uuid in view.disks]
        moved = [mirrored_on(disk, primary, node, minors[disk.uuid]) for disk in disks]
        return Change(puts=tuple(new for old, new in zip(disks, moved, strict=True) if old != new))

    return make
