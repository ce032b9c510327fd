"""Disks as an opcode asks for them, and as they come to stand in the configuration.

Asked for: a mapping with ``size`` (MiB) or ``adopt``, and optionally ``mode``, ``name`` and, by
template, ``vg``. Source: gnt-instance(8) ADD (``--disk``); disk parameter facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.disks.drbd import ChooseMinor, new_drbd_id, new_volumes
from pyganeti.master.disks.ext import Wanted, disk_params
from pyganeti.master.instances.device_names import check_device_names
from pyganeti.model.disk import Disk, LogicalId
from pyganeti.model.enums import DiskMode, DiskTemplate, FileDriver
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.params.disk import fill_diskparams_of
from pyganeti.model.templates import (
    DRBD_META_MIB,
    FILE_BASED,
    HAVE_ACCESS,
    LVM,
    MAX_DISKS,
    MAY_ADOPT,
    MUST_ADOPT,
)
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.devices import IDiskParams, parse_disk
from pyganeti.wire.noderpc.blockdev import FileStorageDirRemoveCall

_T = DiskTemplate
BUILT: Final = frozenset(
    {_T.DISKLESS, _T.FILE, _T.SHAREDFILE, _T.PLAIN, _T.DRBD, _T.BLOCKDEV, _T.EXT}
)
# As the name of a disk: it has none.
NO_NAME: Final = (None, "", "none")
# What may be given with which templates; size, mode, name and adopt are for all.
_ONLY_WITH: Final = {
    "access": HAVE_ACCESS,
    "metavg": frozenset({_T.DRBD}),
    "provider": frozenset({_T.EXT}),
    "vg": LVM,
}


@dataclass(frozen=True, slots=True)
class DiskRequest:
    """One disk asked for.

    Attributes:
        size: MiB; 0 for one that is adopted, until its node told it.
        vg: its volume group, for templates that lie in one.
        metavg: that of the metadata of a DRBD disk.
        adopt: the volume in ``vg``, or the path of the device, that becomes this disk.
        provider: of external storage.
        params: for the provider, and how the guest reaches the disk where that is its own.
        spindles: how many physical volumes it takes for itself, with exclusive storage.
    """

    size: int
    mode: DiskMode
    name: str | None
    vg: str | None = None
    adopt: str | None = None
    metavg: str | None = None
    provider: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    spindles: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where new disks will lie.

    Attributes:
        node: UUID of their node.
        secondary: that of the other one, for templates that are mirrored.
        directory: of files, on the node; ``None`` for other templates.
        driver: of files.
    """

    template: DiskTemplate
    node: str
    directory: str | None = None
    driver: FileDriver | None = None
    secondary: str | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes, the primary first."""
        return (self.node,) if self.secondary is None else (self.node, self.secondary)


def requested_disks(
    requests: Sequence[Mapping[str, object]], template: DiskTemplate, view: ClusterView
) -> tuple[DiskRequest, ...]:
    """Check what is asked for.

    Raises:
        OpPrereqError: a key, a size or a mode is not acceptable, there are too many or too few,
            a name is taken or a number, or only some are adopted.
    """
    if template is DiskTemplate.DISKLESS:
        if requests:
            raise OpPrereqError("a diskless instance has no disks, but disks were given")
        return ()
    if not requests:
        raise OpPrereqError(f"no disks given for disk template {template}")
    if len(requests) > MAX_DISKS:
        raise OpPrereqError(f"{len(requests)} disks given, an instance has at most {MAX_DISKS}")
    asked = [parse_disk(request, f"disk/{index}") for index, request in enumerate(requests)]
    disks = tuple(
        requested_disk(f"disk/{index}", one, template, view) for index, one in enumerate(asked)
    )
    check_device_names("disks", disks)
    _check_adoption(disks, template)
    return disks


def requested_disk(
    what: str, asked: IDiskParams, template: DiskTemplate, view: ClusterView
) -> DiskRequest:
    """One new disk of a template; ``what`` names it in messages. As :func:`requested_disks`."""
    params = disk_params(what, asked, template)
    for key, templates in _ONLY_WITH.items():
        if getattr(asked, key) is not None and template not in templates:
            text = f"{what}: {key!r} is not for disk template {template}"
            raise OpPrereqError(text, ECode.INVAL)
    if asked.adopt is None and not asked.size:
        raise OpPrereqError(f"{what}: no size given", ECode.INVAL)
    vg, adopt = asked.vg, asked.adopt
    if template in LVM:
        vg = vg or view.cluster.volume_group_name
        if adopt is not None and "/" in adopt:
            vg, _, adopt = adopt.partition("/")
        if not vg:
            text = f"{what}: the cluster has no volume group, name one with vg=NAME"
            raise OpPrereqError(text, ECode.INVAL)
    return DiskRequest(
        asked.size or 0,
        asked.mode or DiskMode.RW,
        None if asked.name in NO_NAME else asked.name,
        vg,
        adopt,
        asked.metavg,
        asked.provider,
        params,
        asked.spindles,
    )


def metadata_group(view: ClusterView, node_uuid: str) -> str:
    """Where the metadata of DRBD disks on a node goes unless a disk says otherwise."""
    group = view.group_of(view.node(node_uuid))
    cluster = view.cluster.diskparams
    return str(fill_diskparams_of(DiskTemplate.DRBD, cluster, group.diskparams)["metavg"])


def with_metadata_groups(disks: Sequence[DiskRequest], default: str) -> tuple[DiskRequest, ...]:
    """``disks`` of DRBD, each with the volume group of its metadata."""
    return tuple(replace(disk, metavg=disk.metavg or default) for disk in disks)


def _check_adoption(disks: Sequence[DiskRequest], template: DiskTemplate) -> None:
    adopted = [disk for disk in disks if disk.adopt is not None]
    if not adopted and template in MUST_ADOPT:
        text = f"disk template {template} has existing devices: name them with adopt=PATH"
        raise OpPrereqError(text, ECode.INVAL)
    if not adopted:
        return
    if template not in MAY_ADOPT:
        raise OpPrereqError(f"disk template {template} cannot adopt disks", ECode.INVAL)
    if len(adopted) != len(disks):
        text = "either all disks of an instance are adopted or none is"
        raise OpPrereqError(text, ECode.INVAL)
    if len({(disk.vg, disk.adopt) for disk in adopted}) != len(adopted):
        raise OpPrereqError("a volume is to be adopted twice", ECode.INVAL)


def volume_sizes(disks: Sequence[DiskRequest]) -> list[tuple[str | None, int]]:
    """Volume group, where there is one, and MiB of what each disk will take of each node."""
    data = [(disk.vg, disk.size) for disk in disks]
    return [*data, *((disk.metavg, DRBD_META_MIB) for disk in disks if disk.metavg)]


def wanted_of_providers(disks: Sequence[DiskRequest]) -> list[Wanted]:
    """What these disks want of storage providers."""
    return [(disk.provider, disk.params) for disk in disks if disk.provider is not None]


def are_adopted(disks: Sequence[DiskRequest]) -> bool:
    """Whether these disks exist already and become the instance's."""
    return any(disk.adopt is not None for disk in disks)


def sized(disks: Sequence[DiskRequest], sizes: Sequence[int]) -> tuple[DiskRequest, ...]:
    """``disks`` with the sizes in MiB that were found."""
    return tuple(replace(disk, size=size) for disk, size in zip(disks, sizes, strict=True))


def chosen_template(wanted: DiskTemplate | None, view: ClusterView) -> DiskTemplate:
    """The template to use.

    Raises:
        OpPrereqError: it is not enabled on the cluster, or not built yet.
    """
    enabled = view.cluster.enabled_disk_templates
    template = wanted or enabled[0]
    if template not in enabled:
        names = ", ".join(enabled)
        raise OpPrereqError(
            f"disk template {template} is not enabled on this cluster, enabled are: {names}",
            ECode.STATE,
        )
    if template not in BUILT:
        raise OpPrereqError(f"disk template {template} is not built yet", ECode.STATE)
    return template


def file_directory(
    view: ClusterView, template: DiskTemplate, instance_name: str, sub_directory: str | None
) -> str | None:
    """The directory in which an instance's files will lie, or ``None`` for other templates.

    Raises:
        OpPrereqError: the cluster has no directory for it, or ``sub_directory`` leaves it.
    """
    bases = {
        DiskTemplate.FILE: view.cluster.file_storage_dir,
        DiskTemplate.SHAREDFILE: view.cluster.shared_file_storage_dir,
    }
    if template not in bases:
        return None
    base = bases[template]
    if not base:
        raise OpPrereqError(f"the cluster has no directory for {template} disks", ECode.STATE)
    parts = [part for part in (sub_directory or "").split("/") if part not in ("", ".")]
    if ".." in parts or (sub_directory or "").startswith("/"):
        raise OpPrereqError(f"file storage directory {sub_directory!r} is not a relative path")
    return "/".join((base.rstrip("/"), *parts, instance_name))


def directory_removal(directory: str, view: ClusterView) -> FileStorageDirRemoveCall:
    """The call that removes what :func:`file_directory` named, with its empty sub-directories."""
    bases = (view.cluster.file_storage_dir, view.cluster.shared_file_storage_dir)
    own = (base.rstrip("/") for base in bases if base)
    below = next((base for base in own if directory.startswith(f"{base}/")), None)
    return FileStorageDirRemoveCall(file_storage_dir=directory, below=below)


def made_disks(
    requests: Sequence[DiskRequest], where: Placement, ids: Ids, minor: ChooseMinor
) -> tuple[Disk, ...]:
    """Config objects for ``requests``; those of DRBD get a port when they are recorded."""
    return tuple(
        made_disk(index, request, where, ids, minor) for index, request in enumerate(requests)
    )


def made_disk(
    index: int, request: DiskRequest, where: Placement, ids: Ids, minor: ChooseMinor
) -> Disk:
    """The config object for one of them. As :func:`made_disks`."""
    disk = Disk(
        uuid=ids.uuid(),
        dev_type=where.template,
        logical_id=(),
        size=request.size,
        nodes=where.nodes,
        iv_name=f"disk/{index}",
        mode=request.mode,
        name=request.name,
        params=request.params or None,
        spindles=request.spindles,
    )
    if where.template is DiskTemplate.DRBD:
        groups = (request.vg or "", request.metavg or "")
        name = f"{ids.uuid()}.disk{index}"
        return msgspec.structs.replace(
            disk,
            logical_id=new_drbd_id((where.node, where.secondary or ""), ids, minor),
            children=new_volumes(name, request.size, groups, where.nodes, ids),
        )
    return msgspec.structs.replace(disk, logical_id=_logical_id(index, request, where, ids))


def _logical_id(index: int, request: DiskRequest, where: Placement, ids: Ids) -> LogicalId:
    if where.template in FILE_BASED:
        path = f"{where.directory}/{ids.uuid()}.{where.template}.disk{index}"
        return (where.driver or FileDriver.LOOP, path)
    if where.template is DiskTemplate.BLOCKDEV:
        return ("manual", request.adopt or "")
    if where.template is DiskTemplate.EXT:
        return (request.provider or "", f"{ids.uuid()}.ext.disk{index}")
    return (request.vg or "", f"{ids.uuid()}.disk{index}")


def adopted_sources(disks: Sequence[Disk], requests: Sequence[DiskRequest]) -> tuple[Disk, ...]:
    """The volumes that become ``disks``, as disks in their old places."""
    return tuple(
        Disk(
            uuid="",
            dev_type=disk.dev_type,
            logical_id=(disk.logical_id[0], request.adopt or ""),
            size=disk.size,
            nodes=disk.nodes,
            iv_name=disk.iv_name,
        )
        for disk, request in zip(disks, requests, strict=True)
    )


def directory_of(disks: Sequence[Disk]) -> str | None:
    """The directory made for an instance's file disks, to be removed with them; or ``None``."""
    for disk in disks:
        if disk.dev_type in (DiskTemplate.FILE, DiskTemplate.SHAREDFILE):
            return str(disk.logical_id[1]).rpartition("/")[0]
    return None
