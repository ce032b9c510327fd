"""One target in a process of its own, started by ``make fuzz``.

    python -m tests.fuzz.worker TARGET DIRECTORY SECONDS SEED [--keep]

What is being tried stands in the directory, since the process may not survive it.
"""

import logging
import os
import resource
import sys
from pathlib import Path
from typing import Final

from . import kept
from .engine import MEMORY, fuzz, limit_memory
from .targets import TARGETS

# A process that does not even see its own CPU limit, in C code for example, ends here.
_LOST_S: Final = 60


def trying(place: Path, name: str) -> Path:
    """The file with what a target tries at the moment: its length in 8 bytes, and itself."""
    return place / name


def main(name: str, place: str, seconds: str, seed: str, *more: str) -> int:
    """Feed the target; 1 when something was found."""
    limit = int(float(seconds)) + _LOST_S
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    target = TARGETS[name]()
    limit_memory()
    inputs = list(dict.fromkeys([*target.seeds(), *kept.corpus(name)]))
    path = trying(Path(place), name)
    with path.open("wb", buffering=0) as handle:

        def note(data: bytes) -> None:
            # What is longer than this need not be cut: its length stands in front.
            os.pwrite(handle.fileno(), len(data).to_bytes(8) + data, 0)

        result = fuzz(target, inputs, seed=int(seed), cpu_s=float(seconds), trying=note)
    target.close()
    path.unlink()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"fuzz: {name}: seed {seed}, {result.count} inputs, {len(result.novel)} kinds of"
        f" answer, {peak} of {MEMORY >> 20} MiB, {len(result.findings)} findings",
        flush=True,
    )
    if "--keep" in more:
        known = set(inputs)
        kept.keep(name, [data for data in result.novel.values() if data not in known])
    for finding in result.findings:
        print(f"fuzz: {name}: {kept.save(name, finding)}\n{finding.trace}", flush=True)
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
