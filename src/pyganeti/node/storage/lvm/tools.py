"""LVM's programs: what there is, as values.

They are left to end by themselves when noded dies: one that is killed may leave a device suspended,
and whoever comes next waits for the group's lock anyway. Sizes are bytes.

Source: lvm(8), lvs(8), pvs(8), vgs(8), lvmreport(7).
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import StorageError

# Commands wait for the group's lock, and for all that others do under it.
_TIMEOUT_S: Final = 600.0
_NAME: Final = re.compile(r"[a-zA-Z0-9+_.][a-zA-Z0-9+_.-]*")
_REPORT: Final = ("--reportformat", "json", "--units", "b", "--nosuffix")
_LV_FIELDS: Final = "vg_name,lv_name,lv_size,lv_attr,lv_tags"
_VG_FIELDS: Final = "vg_name,vg_size,vg_free,vg_extent_size,vg_attr"
_PV_FIELDS: Final = "pv_name,pv_size,pv_free,pv_attr"
_PIECE_FIELDS: Final = "vg_name,lv_name,lv_size,devices"
# In a list of devices: where on it the volume begins.
_EXTENT: Final = re.compile(r"\(\d+\)")
_SEGMENT_FIELDS: Final = "pv_name,lv_name"
# Positions in lv_attr, vg_attr and pv_attr.
_LV_TYPE, _LV_STATE, _LV_OPEN, _LV_HEALTH = 0, 4, 5, 8
_VG_PARTIAL, _PV_ALLOCATABLE = 3, 0

# Any: the values of a report's row are strings.
Row = dict[str, Any]


def volume_path(group: str, name: str) -> str:
    """Where a volume's device is while it is active."""
    return f"/dev/{group}/{name}"


@dataclass(frozen=True, slots=True)
class VolumeGroup:
    """A volume group.

    Attributes:
        extent: everything is a multiple of this.
        partial: a physical volume is missing.
    """

    name: str
    size: int
    free: int
    extent: int
    partial: bool

    def rounded(self, size: int, stripes: int = 1) -> int:
        """What a volume of ``size`` takes: each of its stripes has as many extents."""
        piece = self.extent * stripes
        return -(-size // piece) * piece


@dataclass(frozen=True, slots=True)
class PhysicalVolume:
    """A physical volume of a group."""

    name: str
    size: int
    free: int
    allocatable: bool


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """A logical volume, as its node works with it; what the master is told of it is ``Volume``.

    Attributes:
        size: in bytes.
        active: its device is there.
        in_use: somebody has the device open.
        faulty: virtual, or with a physical volume missing.
    """

    group: str
    name: str
    size: int
    active: bool
    in_use: bool
    faulty: bool
    tags: tuple[str, ...]

    @property
    def place(self) -> str:
        """As LVM's programs want it."""
        return f"{self.group}/{self.name}"

    @property
    def path(self) -> str:
        """Its device while it is active."""
        return volume_path(self.group, self.name)

    def tagged(self, prefix: str) -> tuple[str, ...]:
        """Its tags that begin with ``prefix``."""
        return tuple(tag for tag in self.tags if tag.startswith(prefix))


@dataclass(frozen=True, slots=True)
class VolumePart:
    """What a physical volume has of a logical one; size of the whole, in bytes."""

    group: str
    name: str
    size: int
    device: str


class Lvm:
    """Runs LVM's programs. All methods raise ``StorageError`` in LVM's words.

    Args:
        run: runs them.
    """

    def __init__(self, run: Runner) -> None:
        self._run = run

    async def groups(self) -> list[VolumeGroup]:
        """All volume groups."""
        return [_group(row) for row in await self._report("vgs", "vg", "-o", _VG_FIELDS)]

    async def group(self, name: str) -> VolumeGroup:
        """One of them; it is an error when it does not exist."""
        rows = await self._report("vgs", "vg", "-o", _VG_FIELDS, checked(name))
        return _group(rows[0])

    async def physical_volumes(self, group: str) -> list[PhysicalVolume]:
        """Those of ``group``, the emptiest first."""
        rows = await self._report(
            "pvs", "pv", "-o", _PV_FIELDS, "-S", f'vg_name="{checked(group)}"'
        )
        found = [_physical_volume(row) for row in rows]
        return sorted(found, key=lambda volume: (-volume.free, volume.name))

    async def all_physical_volumes(self) -> list[PhysicalVolume]:
        """Those of all groups, and those of none, by name; a missing one has no name."""
        rows = await self._report("pvs", "pv", "-o", _PV_FIELDS)
        found = [_physical_volume(row) for row in rows if row["pv_name"].startswith("/")]
        return sorted(found, key=lambda volume: volume.name)

    async def pieces(self) -> list[VolumePart]:
        """All logical volumes of all groups, once for each physical volume they lie on.

        None on a node without LVM's programs.
        """
        try:
            rows = await self._report("lvs", "seg", "--segments", "-o", _PIECE_FIELDS)
        except StorageError as err:
            if _is_missing(err.__cause__):
                return []
            raise
        found: dict[VolumePart, None] = {}
        for row in rows:
            # Of a mirror the devices are the volumes below it, which stand for themselves.
            devices = _EXTENT.sub("", row["devices"]).split(",")
            for device in devices:
                if device.startswith("/"):
                    name, size = row["lv_name"], int(row["lv_size"])
                    found[VolumePart(row["vg_name"], name, size, device)] = None
        return list(found)

    async def users(self, group: str) -> dict[str, list[str]]:
        """Names of the volumes that lie on each physical volume of ``group``."""
        wanted = ("--segments", "-o", _SEGMENT_FIELDS, "-S", f'vg_name="{checked(group)}"')
        found: dict[str, list[str]] = {}
        for row in await self._report("pvs", "pvseg", *wanted):
            names = found.setdefault(row["pv_name"], [])
            # What LVM keeps for itself stands in brackets, what is free has no name.
            name = row["lv_name"].strip("[]")
            if name and name not in names:
                names.append(name)
        return found

    async def volumes(self, group: str) -> list[LogicalVolume]:
        """All logical volumes of ``group``."""
        rows = await self._report("lvs", "lv", "-o", _LV_FIELDS, checked(group))
        return [_volume(row) for row in rows]

    async def find(self, group: str, *names: str) -> dict[str, LogicalVolume]:
        """Those of them that are there, by name; it is an error when the group is not."""
        wanted = "||".join(f'lv_name="{checked(name)}"' for name in names)
        rows = await self._report("lvs", "lv", "-o", _LV_FIELDS, "-S", wanted, checked(group))
        return {row["lv_name"]: _volume(row) for row in rows}

    async def change(self, *argv: str) -> None:
        """Run one of the programs that change something."""
        await self._output(argv)

    async def _output(self, argv: tuple[str, ...]) -> str:
        try:
            return (await self._run(Command(argv, timeout_s=_TIMEOUT_S))).stdout
        except ProcessError as err:
            raise StorageError(_said(err)) from err

    async def _report(self, program: str, what: str, *words: str) -> list[Row]:
        text = await self._output((program, *_REPORT, *words))
        try:
            (report,) = json.loads(text)["report"]
            rows: list[Row] = report[what]
        except (ValueError, KeyError, TypeError) as err:
            raise StorageError(f"{program}: unexpected answer {text[:200]!r}") from err
        return rows


def checked(name: str) -> str:
    """``name``, if LVM can have a group or volume of that name.

    Raises:
        StorageError: it cannot.
    """
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise StorageError(f"{name!r} is no name of a volume or volume group")
    return name


def _said(error: ProcessError) -> str:
    """What LVM says of an error, on one line and without its indentation."""
    if error.finished is None or not error.finished.stderr.strip():
        return str(error)
    lines = (line.strip() for line in error.finished.stderr.splitlines())
    return "; ".join(line for line in lines if line and not line.startswith("WARNING"))


def _is_missing(error: BaseException | None) -> bool:
    """Whether a program could not be run since there is none."""
    return error is not None and isinstance(error.__cause__, FileNotFoundError)


def _group(row: Row) -> VolumeGroup:
    return VolumeGroup(
        name=row["vg_name"],
        size=int(row["vg_size"]),
        free=int(row["vg_free"]),
        extent=int(row["vg_extent_size"]),
        partial=row["vg_attr"][_VG_PARTIAL] == "p",
    )


def _physical_volume(row: Row) -> PhysicalVolume:
    return PhysicalVolume(
        name=row["pv_name"],
        size=int(row["pv_size"]),
        free=int(row["pv_free"]),
        allocatable=row["pv_attr"][_PV_ALLOCATABLE] == "a",
    )


def _volume(row: Row) -> LogicalVolume:
    attr = row["lv_attr"]
    return LogicalVolume(
        group=row["vg_name"],
        name=row["lv_name"],
        size=int(row["lv_size"]),
        active=attr[_LV_STATE] in "aswm",
        in_use=attr[_LV_OPEN] == "o",
        faulty=attr[_LV_TYPE] == "v" or attr[_LV_HEALTH] == "p",
        tags=tuple(tag for tag in row["lv_tags"].split(",") if tag),
    )
