"""The files that keep the bed: JSON, packed, in ``tests/golden/htools``."""

import json
import lzma
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tools.htools_bed.cases import Answer, Case

BED: Final = Path(__file__).parents[2] / "tests" / "golden" / "htools"
_CLUSTERS: Final = "clusters"


def _write(bed: Path, name: str, value: object) -> None:
    """Pack ``value``."""
    text = json.dumps(value, indent=0, sort_keys=True)
    path = bed / f"{name}.json.xz"
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def _read(bed: Path, name: str) -> Any:  # what JSON holds
    """What :func:`_write` packed."""
    return json.loads(lzma.decompress((bed / f"{name}.json.xz").read_bytes()))


def write_clusters(clusters: dict[str, str], bed: Path = BED) -> None:
    """Keep the texts of the clusters."""
    _write(bed, _CLUSTERS, clusters)


def read_clusters(bed: Path = BED) -> dict[str, str]:
    """The texts of the clusters, by name."""
    clusters: dict[str, str] = _read(bed, _CLUSTERS)
    return clusters


def write_answers(name: str, answers: Iterable[tuple[Case, Answer]], bed: Path = BED) -> None:
    """Keep a set of cases and what came of them."""
    _write(bed, name, [[asdict(case), asdict(answer)] for case, answer in answers])


def read_answers(name: str, bed: Path = BED) -> list[tuple[Case, Answer]]:
    """A set of cases and what came of them."""
    return [
        (Case(**{**case, "args": tuple(case["args"])}), Answer(**answer))
        for case, answer in _read(bed, name)
    ]
