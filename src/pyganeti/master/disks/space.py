"""Whether new disks, or what is added to disks, will fit on a node."""

from collections.abc import Iterable, Mapping

from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.templates import LVM, STORAGE_TYPE
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.disks import StorageUnit
from pyganeti.wire.noderpc.node import NodeInfoCall, NodeVerifyCall

# MiB wanted of each unit.
Wanted = Mapping[StorageUnit, int]


def wanted_space(
    view: ClusterView, template: DiskTemplate, sizes: Iterable[tuple[str | None, int]]
) -> Wanted:
    """What disks take of the units of their template.

    Args:
        view: the cluster.
        template: of all of them; nothing is known of the units of shared and external storage.
        sizes: for each disk its volume group, where it has one, and its size in MiB.
    """
    directories = {
        DiskTemplate.FILE: view.cluster.file_storage_dir,
        DiskTemplate.SHAREDFILE: view.cluster.shared_file_storage_dir,
    }
    wanted: dict[StorageUnit, int] = {}
    for vg, size in sizes:
        name = vg if template in LVM else directories.get(template)
        if name:
            unit = StorageUnit(type=STORAGE_TYPE[template], name=name)
            wanted[unit] = wanted.get(unit, 0) + size
    return wanted


def volume_group(disk: Disk) -> str | None:
    """The volume group that ``disk``, or its data, lies in; for templates that have one."""
    data = disk.children[0] if disk.children else disk
    return str(data.logical_id[0]) if data.dev_type is DiskTemplate.PLAIN else None


async def check_space(
    nodes: NodeReader,
    node: Node,
    wanted: Wanted,
    cluster_name: str,
    reserved: Wanted | None = None,
) -> None:
    """Refuse what does not fit on ``node``.

    Args:
        nodes: calls.
        node: where.
        wanted: of each unit.
        cluster_name: for the node's checks.
        reserved: what of each unit is kept for others.

    Raises:
        OpPrereqError: ``ECode.NORES``, with what was wanted and what there was; ``ECode.ENVIRON``,
            a unit is not there or its directory is not allowed.
    """
    if not any(wanted.values()):
        return
    await _check_directories(nodes, node, wanted, cluster_name)
    info = await nodes.call(node.uuid, NodeInfoCall(storage_units=tuple(wanted)))
    for unit, found in zip(wanted, info.storage, strict=True):
        if found.storage_free is None:
            if unit.type == STORAGE_TYPE[DiskTemplate.PLAIN]:
                text = f"node {node.name} has no volume group {unit.name}"
                raise OpPrereqError(text, ECode.ENVIRON)
            continue
        kept = (reserved or {}).get(unit, 0)
        if wanted[unit] > found.storage_free - kept:
            raise OpPrereqError(
                f"not enough space on node {node.name} in {unit.type} {unit.name}:"
                f" wanted {wanted[unit]} MiB, free {found.storage_free} MiB{but_reserved(kept)}",
                ECode.NORES,
            )


def but_reserved(kept: int) -> str:
    """What to say of MiB that are free and yet not to be had."""
    return f", of which {kept} MiB are reserved for forthcoming instances" if kept else ""


async def _check_directories(
    nodes: NodeReader, node: Node, wanted: Wanted, cluster_name: str
) -> None:
    """Refuse when the node's administrator does not allow disks there, or it cannot be used."""
    types = (DiskTemplate.FILE, DiskTemplate.SHAREDFILE)
    directories = tuple(unit.name for unit in wanted if unit.type in types)
    if not directories:
        return
    call = NodeVerifyCall(cluster_name=cluster_name, storage_dirs=directories)
    found = await nodes.call(node.uuid, call)
    for text in found.unusable_storage_dirs.values():
        raise OpPrereqError(f"on node {node.name}: {text}", ECode.ENVIRON)
