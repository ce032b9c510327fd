"""Inputs that are kept: a corpus to start from, and findings that must not come back.

corpus/<target>.jsonl          one input a line, as a JSON text of its bytes (Latin-1)
findings/<target>/<name>       one input a file, as it is
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .engine import Finding

HERE: Final = Path(__file__).parent
FINDINGS: Final = HERE / "findings"
# Longer ones are made anew in each run.
_LONGEST: Final = 1000
MOST: Final = 150


def corpus(target: str) -> list[bytes]:
    """Kept inputs of a target."""
    path = HERE / "corpus" / f"{target}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line).encode("latin-1") for line in path.read_text("ascii").splitlines()]


def keep(target: str, inputs: Iterable[bytes]) -> int:
    """Fill the corpus up with inputs of all lengths; how many there are."""
    kept = dict.fromkeys(corpus(target))
    new = sorted({data for data in inputs if len(data) <= _LONGEST} - kept.keys(), key=_by_length)
    room = MOST - len(kept)
    step = max(1, len(new) / room) if room > 0 else len(new) + 1
    kept.update(dict.fromkeys(new[int(place * step)] for place in range(int(len(new) / step))))
    lines = [json.dumps(data.decode("latin-1")) + "\n" for data in kept]
    (HERE / "corpus" / f"{target}.jsonl").write_text("".join(lines), "ascii")
    return len(kept)


def _by_length(data: bytes) -> tuple[int, bytes]:
    return len(data), data


def findings(target: str) -> list[Path]:
    """Files of findings."""
    place = FINDINGS / target
    return sorted(place.iterdir()) if place.exists() else []


def save(target: str, finding: Finding) -> Path:
    """Write a finding where the tests look for it."""
    path = FINDINGS / target / finding.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(finding.data)
    return path
