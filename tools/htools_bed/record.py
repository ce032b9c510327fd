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
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tools.htools_bed import archive, running
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
        return replace(_run(case, where, programs), files=made_files(case, where))


def _run(case: Case, where: Path, programs: Path) -> Answer:
    """Run Ganeti's program in ``where``; files are left to the caller."""
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
    return Answer(done.returncode, done.stdout, done.stderr)


def running_answers(programs: Path) -> Iterator[tuple[Case, Answer]]:
    """What ``hscan`` reads of clusters that run, from a master daemon and from a REST daemon."""
    for name, data in running.CLUSTERS.items():
        with tempfile.TemporaryDirectory() as place:
            where = Path(place)
            case = Case(f"luxi {name}", "hscan", ("-Lmaster",))
            with running.master(data, where / "master"):
                yield case, _scanned(case, where, programs, {"master"})
        with tempfile.TemporaryDirectory() as place:
            where = Path(place)
            certificate = running.certificate(where)
            with running.rest(running.as_rest(data), certificate) as (address, _):
                case = Case(f"rest {name}", "hscan", (f"https://{address}",))
                found = _scanned(case, where, programs, {certificate.name})
            yield replace(case, args=("https://HOST",)), _hostless(found, address)


def _scanned(case: Case, where: Path, programs: Path, known: set[str]) -> Answer:
    done = _run(case, where, programs)
    texts = {path.name: path.read_text("utf-8") for path in where.glob("*.data")}
    assert {path.name for path in where.iterdir()} <= {*texts, *known}
    return replace(done, files=texts)


def _hostless(answer: Answer, address: str) -> Answer:
    """``answer`` without the port, which is another each time."""
    files = {name.replace(address, "HOST"): text for name, text in answer.files.items()}
    return replace(answer, out=answer.out.replace(address, "HOST"), files=files)


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
    if not options.sets or running.NAME in options.sets:
        archive.write_answers(running.NAME, running_answers(options.programs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
