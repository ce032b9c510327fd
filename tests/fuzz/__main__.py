"""``make fuzz``: every target for a while, each in a process, as many at once as there are CPUs.

    python -m tests.fuzz [--seconds 60] [--seed N] [--keep] [target ...]

Exit code 1 when something was found; the input is then in ``findings/``, where the ordinary tests
try it again until it is answered. Without ``--seed`` each day has its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tools.interrupt import interrupt_when_told_to_end

from . import kept
from .engine import Finding
from .targets import TARGETS
from .worker import trying

_DAY_S: Final = 86400

Running = dict["subprocess.Popen[bytes]", str]


def main() -> int:
    """Run what is asked for."""
    interrupt_when_told_to_end()
    options = _options()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        failed = _run_all(options, Path(place))
    if failed:
        print(f"fuzz: FAILED: {' '.join(failed)}; the inputs are in {kept.FINDINGS}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60, help="CPU for each target")
    parser.add_argument("--seed", type=int, default=int(time.time() // _DAY_S))
    parser.add_argument("--keep", action="store_true", help="add new kinds of input to the corpus")
    options = parser.parse_args()
    unknown = set(options.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return options


def _run_all(options: argparse.Namespace, place: Path) -> list[str]:
    """Names of targets with findings."""
    waiting, failed = list(options.targets or sorted(TARGETS)), []
    running: Running = {}
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                name = waiting.pop(0)
                running[_start(name, options, place)] = name
            for process in [process for process in running if process.poll() is not None]:
                name = running.pop(process)
                if process.returncode:
                    failed.append(name)
                    _rescue(name, place, process.returncode)
            time.sleep(0.1)
    finally:
        for process in running:
            process.kill()
            process.wait()
    return failed


def _start(name: str, options: argparse.Namespace, place: Path) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "tests.fuzz.worker", name, str(place)]
    words += [str(options.seconds), str(options.seed)]
    # What a target writes meanwhile ends with the rest, even when its process was killed.
    environ = {**os.environ, "TMPDIR": str(place)}
    return subprocess.Popen(words + (["--keep"] if options.keep else []), env=environ)


def _rescue(name: str, place: Path, code: int) -> None:
    """Save the input that a process did not survive."""
    path = trying(place, name)
    if path.exists():
        data = path.read_bytes()
        size = int.from_bytes(data[:8])
        lost = Finding(f"process ended with {code}", data[8 : 8 + size], "")
        print(f"fuzz: {name}: {lost.place}: {kept.save(name, lost)}")


if __name__ == "__main__":
    sys.exit(main())
