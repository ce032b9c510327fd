"""The collector ``lv``: logical volumes and whose they are.

    lvs -> rows; what the cluster says of disks -> owners; both -> data

Source: lvs(8); ``tests/golden/mond``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyganeti.kit.process import Command

from .report import CollectorError, Data

_TIMEOUT_S: Final = 60.0
_SEPARATOR: Final = ";"
# Columns of lvs and what they are called in the report, where that is another name.
_TEXTS: Final = frozenset(
    {
        "lv_uuid", "lv_name", "lv_attr", "lv_tags", "modules", "vg_uuid", "vg_name", "segtype",
        "seg_tags", "seg_pe_ranges", "devices",
    }
)  # fmt: skip
_COLUMNS: Final = (
    "lv_uuid", "lv_name", "lv_attr", "lv_major", "lv_minor", "lv_kernel_major", "lv_kernel_minor",
    "lv_size", "seg_count", "lv_tags", "modules", "vg_uuid", "vg_name", "segtype", "seg_start",
    "seg_start_pe", "seg_size", "seg_tags", "seg_pe_ranges", "devices",
)  # fmt: skip
Owners = Mapping[tuple[str, str], str]
"""Instances by volume group and volume."""


def lvs_command() -> Command:
    """Ask for every segment of every volume, sizes in bytes."""
    return Command(
        ("lvs", "--noheadings", "--units", "B", "--separator", _SEPARATOR,
         "-o", ",".join(_COLUMNS)),
        timeout_s=_TIMEOUT_S,
    )  # fmt: skip


def parse_lvs(text: str, owners: Owners) -> list[dict[str, Data]]:
    """The collector's data, from the answer to :func:`lvs_command`.

    Raises:
        CollectorError: it is not what lvs prints.
    """
    return [_row(line.strip(), owners) for line in text.splitlines() if line.strip()]


def _row(line: str, owners: Owners) -> dict[str, Data]:
    words = line.split(_SEPARATOR)
    try:
        pairs = list(zip(_COLUMNS, words, strict=True))
        row = {_name(key): _value(key, word) for key, word in pairs}
    except ValueError as err:
        raise CollectorError(f"unexpected answer from lvs: {line[:200]!r}") from err
    return {**row, "instance": owners.get((row["vg_name"], row["name"]))}


def _name(column: str) -> str:
    """Of a volume's own columns without what they begin with."""
    return column.removeprefix("lv_")


def _value(column: str, word: str) -> Data:
    return word if column in _TEXTS else int(word.removesuffix("B"))


def volumes_of(disk: Any) -> Iterator[tuple[str, str]]:  # Any: a disk, as confd describes it
    """Volume group and name of the volumes that a disk consists of."""
    if not isinstance(disk, dict):
        return
    place = disk.get("logical_id")
    if disk.get("dev_type") == "plain" and isinstance(place, list) and len(place) == 2:
        yield str(place[0]), str(place[1])
    for child in disk.get("children") or ():
        yield from volumes_of(child)
