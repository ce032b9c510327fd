"""Record what Ganeti's htools answer on the bed.

    python -m tools.htools_bed.record [--clusters] --programs DIRECTORY [SET...]

DIRECTORY holds Ganeti's ``htools``, as in ``usr/lib/ganeti/3.0/usr/bin`` of Debian's package
``ganeti-htools-3.0``, which may be unpacked anywhere. ``--clusters`` makes the clusters anew first;
without it, what is kept stays. See ``tests/golden/htools/README.md``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case, make
from tools.htools_bed.profiles import all_clusters

LIMIT_S = 600


def prepare(case: Case, clusters: dict[str, str], where: Path) -> None:
    """Put the input files of ``case`` into ``where``."""
    if case.cluster:
        (where / "cluster.data").write_text(clusters[case.cluster], "utf-8")
    for name, text in case.files.items():
        (where / name).write_text(text, "utf-8")


def made_files(case: Case, where: Path) -> dict[str, str]:
    """The files in ``where`` that were not put there."""
    known = {"cluster.data", *case.files}
    found = sorted(path for path in where.iterdir() if path.name not in known)
    return {path.name: path.read_text("utf-8") for path in found}


def answer(case: Case, clusters: dict[str, str], programs: Path) -> Answer:
    """Run Ganeti's program."""
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        prepare(case, clusters, where)
        done = subprocess.run(
            [programs / "htools", *case.args],
            cwd=where,
            env={**os.environ, "HTOOLS": case.program, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr, made_files(case, where))


def main(argv: Iterable[str] | None = None) -> int:
    """Record what the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(prog="record", description="Record what htools answer.")
    parser.add_argument("--programs", type=Path, required=True, help="directory of htools")
    parser.add_argument("--clusters", action="store_true", help="make the clusters anew")
    parser.add_argument("sets", nargs="*", metavar="SET", help="sets of cases; default: all")
    options = parser.parse_args(None if argv is None else list(argv))
    if options.clusters:
        archive.write_clusters(all_clusters())
    clusters = archive.read_clusters()
    for name, cases in make(clusters).items():
        if options.sets and name not in options.sets:
            continue
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            answers = pool.map(lambda case: answer(case, clusters, options.programs), cases)
            archive.write_answers(name, zip(cases, answers, strict=True))
        print(f"{name}: {len(cases)} cases", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
