"""What it costs to load a configuration: run in a process of its own.

python -m benchmarks.loading DATABASE -> "CPU seconds, peak MB"
"""

import resource
import sys
import time

from benchmarks.bed import Bed, helper
from benchmarks.figure import REPEATS, Figure
from pyganeti.master.config import load_view
from pyganeti.store.sqlite import SqliteBackend


def load(path: str) -> None:
    """Load once, and print what it took; the programs' own import is not counted as CPU."""
    before = time.process_time()
    backend = SqliteBackend(path)
    view = load_view(backend.load())
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    if not view.instances:
        raise SystemExit("there are no instances to load")
    print(spent, peak)


def load_config(bed: Bed) -> list[Figure]:
    """CPU and peak memory of loading the configuration of ``bed``."""
    cpu, memory = [], []
    for _ in range(REPEATS):
        with helper("loading", bed.paths().database) as process:
            spent, peak = process.communicate()[0].split()
        cpu.append(float(spent))
        memory.append(float(peak))
    return [
        Figure("load a config of 10000 instances", "s", 0.4, cpu, note="checksums included"),
        Figure("the same, peak memory of the whole process", "MB", 150.0, memory),
    ]


if __name__ == "__main__":
    load(sys.argv[1])
