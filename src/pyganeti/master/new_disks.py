"""Disks as an opcode asks for them, and as they come to stand in the configuration.

Asked for: a mapping with ``size`` (MiB) and optionally ``mode``, ``name``, ``spindles``. Source:
gnt-instance(8) ADD (``--disk``); disk parameter facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyganeti.kit.ids import Ids
from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskMode, DiskTemplate, FileDriver
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.units import parse_unit
from pyganeti.model.view import ClusterView

BUILT: Final = frozenset({DiskTemplate.DISKLESS, DiskTemplate.FILE, DiskTemplate.SHAREDFILE})
_KEYS: Final = frozenset({"size", "mode", "name", "spindles"})
_MAX_DISKS: Final = 16


@dataclass(frozen=True, slots=True)
class DiskRequest:
    """One disk asked for; ``size`` in MiB."""

    size: int
    mode: DiskMode
    name: str | None
    spindles: int | None


def requested_disks(
    requests: Sequence[Mapping[str, object]], template: DiskTemplate
) -> tuple[DiskRequest, ...]:
    """Check what is asked for.

    Raises:
        OpPrereqError: a key, a size or a mode is not acceptable, or there are too many or too few.
    """
    if template is DiskTemplate.DISKLESS:
        if requests:
            raise OpPrereqError("a diskless instance has no disks, but disks were given")
        return ()
    if not requests:
        raise OpPrereqError(f"no disks given for disk template {template}")
    if len(requests) > _MAX_DISKS:
        raise OpPrereqError(f"{len(requests)} disks given, an instance has at most {_MAX_DISKS}")
    return tuple(_requested(index, request) for index, request in enumerate(requests))


def _requested(index: int, request: Mapping[str, object]) -> DiskRequest:
    unknown = sorted(request.keys() - _KEYS)
    if unknown:
        expected = ", ".join(sorted(_KEYS))
        raise OpPrereqError(f"disk/{index}: unknown parameter {unknown[0]!r}, expected {expected}")
    name, mode = request.get("name"), request.get("mode") or DiskMode.RW
    if mode not in tuple(DiskMode):
        raise OpPrereqError(f"disk/{index}: mode {mode!r} is neither 'ro' nor 'rw'")
    spindles = request.get("spindles")
    if spindles is not None:
        raise OpPrereqError(f"disk/{index}: spindles need exclusive storage", ECode.INVAL)
    return DiskRequest(
        _size(index, request.get("size")),
        DiskMode(str(mode)),
        None if name in (None, "none") else str(name),
        None,
    )


def _size(index: int, value: object) -> int:
    if value is None:
        raise OpPrereqError(f"disk/{index}: no size given")
    size = value if isinstance(value, int) else parse_unit(str(value))
    if isinstance(value, bool) or size <= 0:
        raise OpPrereqError(f"disk/{index}: size {value!r} is not positive")
    return size


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


def made_disks(
    requests: Sequence[DiskRequest],
    template: DiskTemplate,
    node: str,
    ids: Ids,
    *,
    directory: str | None = None,
    driver: FileDriver | None = None,
) -> tuple[Disk, ...]:
    """Config objects for ``requests`` on the node with UUID ``node``."""
    disks = []
    for index, request in enumerate(requests):
        path = f"{directory}/{ids.uuid()}.{template}.disk{index}"
        disks.append(
            Disk(
                uuid=ids.uuid(),
                dev_type=template,
                logical_id=(driver or FileDriver.LOOP, path),
                size=request.size,
                nodes=(node,),
                iv_name=f"disk/{index}",
                mode=request.mode,
                name=request.name,
            )
        )
    return tuple(disks)


def directory_of(disks: Sequence[Disk]) -> str | None:
    """The directory made for an instance's file disks, to be removed with them; or ``None``."""
    for disk in disks:
        if disk.dev_type in (DiskTemplate.FILE, DiskTemplate.SHAREDFILE):
            return str(disk.logical_id[1]).rpartition("/")[0]
    return None
