"""The collector ``diskstats``: what ``/proc/diskstats`` says of every block device. Pure.

Source: the kernel's ``iostats`` documentation; ganeti-mond(8).
"""

from typing import Final

from .report import CollectorError, Data

PATH: Final = "/proc/diskstats"
# In the order of the file, after the name. Newer kernels append more, which is left out.
_FIELDS: Final = (
    "readsNum", "mergedReads", "secRead", "timeRead", "writes", "mergedWrites", "secWritten",
    "timeWrite", "ios", "timeIO", "wIOmillis",
)  # fmt: skip


def parse_diskstats(text: str) -> list[dict[str, Data]]:
    """A row for each device; sectors have 512 bytes, times are milliseconds.

    Raises:
        CollectorError: it is not what the kernel writes.
    """
    return [_row(line) for line in text.splitlines() if line.strip()]


def _row(line: str) -> dict[str, Data]:
    words = line.split()
    try:
        major, minor, name = int(words[0]), int(words[1]), words[2]
        numbers = [int(word) for word in words[3 : 3 + len(_FIELDS)]]
        figures = dict(zip(_FIELDS, numbers, strict=True))
    except (ValueError, IndexError) as err:
        raise CollectorError(f"{PATH}: unexpected line {line[:200]!r}") from err
    return {"major": major, "minor": minor, "name": name, **figures}
