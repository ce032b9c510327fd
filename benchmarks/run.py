"""``make bench``: measure, print each figure beside its target, write ``benchmarks/results.json``.

    python -m benchmarks.run [--full] [GROUP ...]

Exits with 1 when a target is missed. Groups: parts, small, replicated, large, wide,
queue, guests.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks import daemons, instances, jobs, large, loading, parts, queueing
from benchmarks.bed import MASTER, bed, helper
from benchmarks.figure import Figure, line
from benchmarks.recording import machine, record
from pyganeti.testing.definitions import os_definitions

RESULTS: Final = Path(__file__).with_name("results.json")
_BOOT: Final = Path(__file__).parent.parent / ".cache/e2e/boot"
_NETWORK: Final = "127.78"
_SHORT_S: Final = 4.0
_FULL_S: Final = 60.0


def single_parts(options: argparse.Namespace) -> Iterator[Figure]:
    """Functions that everything waits for."""
    yield parts.decode_opcode()
    yield parts.change_view()
    yield parts.query_instances()


def small(options: argparse.Namespace) -> Iterator[Figure]:
    """One node, nothing on it."""
    with bed() as made:
        yield from daemons.memory(made)
        yield daemons.trivial_command(made)
        yield daemons.node_call(made)
        yield jobs.noop_cpu(made, 0)
        yield instances.add_diskless(made)
        yield jobs.jobs_a_second(made, seconds=_seconds(options), replicated=False)


def replicated(options: argparse.Namespace) -> Iterator[Figure]:
    """Three nodes, all of them candidates."""
    with bed(size=3) as made:
        jobs.wait_for_candidates(made)
        yield jobs.jobs_a_second(made, seconds=_seconds(options), replicated=True)


def big(options: argparse.Namespace) -> Iterator[Figure]:
    """Ten thousand instances on a hundred simulated nodes."""
    with bed() as made, tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as directory:
        made.stop_daemons()
        large.fill(made, _NETWORK)
        yield from loading.load_config(made)
        with helper("simnodes", str(made.root(MASTER)), directory) as nodes:
            if nodes.stdout is None or nodes.stdout.readline() != "ready\n":
                raise SystemExit("the simulated nodes did not start")
            made.start_daemons()
            yield daemons.list_instances(made)
            yield jobs.noop_cpu(made, large.INSTANCES)
            yield jobs.tag_change(made, large.instance_name(0))


def wide(options: argparse.Namespace) -> Iterator[Figure]:
    """Ten thousand instances on a thousand simulated nodes."""
    with bed() as made, tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as directory:
        made.stop_daemons()
        large.fill(made, _NETWORK, large.MANY_NODES)
        # What all simulated nodes have.
        (made.root(MASTER) / "srv/ganeti").mkdir(parents=True, exist_ok=True)
        (made.root(MASTER) / "srv/ganeti/os").symlink_to(os_definitions())
        with helper("simnodes", str(made.root(MASTER)), directory) as nodes:
            if nodes.stdout is None or nodes.stdout.readline() != "ready\n":
                raise SystemExit("the simulated nodes did not start")
            made.start_daemons()
            yield daemons.list_nodes(made)
            yield daemons.verify(made)


def queue(options: argparse.Namespace) -> Iterator[Figure]:
    """Many jobs that wait, and many in the archive, beside a queue with none."""
    with bed() as empty:
        queueing.pause(empty)
        with bed() as full:
            queueing.pause(full)
            queueing.fill(full)
            among = f"{queueing.QUEUED} queued"
            yield queueing.noop_ratio(empty, full, among)
            yield queueing.submit_ratio(empty, full, among)
            yield queueing.filter_change(full)
            yield queueing.list_one(full)
            yield queueing.list_all(full)
    with bed() as empty, bed() as full:
        full.stop_daemons()
        queueing.fill_archive(full)
        full.start_daemons()
        yield from queueing.start(full)
        yield queueing.noop_ratio(empty, full, f"{queueing.ARCHIVED} archived")
        yield queueing.list_archived(full)
    with bed(size=3) as candidates:
        jobs.wait_for_candidates(candidates)
        candidates.stop_daemons()
        queueing.fill_archive(candidates)
        candidates.start_daemons()
        yield from queueing.catch_up(candidates)


def guests(options: argparse.Namespace) -> Iterator[Figure]:
    """A guest under QEMU."""
    parameters = "kvm:kvm_path=/usr/bin/qemu-system-x86_64"
    if (_BOOT / "vmlinuz").exists():
        parameters += f",kernel_path={_BOOT / 'vmlinuz'},initrd_path={_BOOT / 'initrd'}"
    else:
        parameters += ",kernel_path="
    with bed(hypervisor="kvm", extra=("-H", parameters)) as made:
        instances.add_guest(made)
        yield instances.startup_overhead(made)


GROUPS: Final[dict[str, Callable[[argparse.Namespace], Iterator[Figure]]]] = {
    "parts": single_parts,
    "small": small,
    "replicated": replicated,
    "large": big,
    "wide": wide,
    "queue": queue,
    "guests": guests,
}


def _seconds(options: argparse.Namespace) -> float:
    return _FULL_S if options.full else _SHORT_S


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="load runs of 60 s")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    options = parser.parse_args()
    unknown = [name for name in options.groups if name not in GROUPS]
    if unknown:
        parser.error(f"there is no group {unknown[0]!r}, expected one of {', '.join(GROUPS)}")
    return options


def main() -> int:
    """Entry point."""
    options, figures = _arguments(), list[Figure]()
    header = machine()
    for name, value in header.items():
        print(f"{name + ':':<9}{value}")
    print(f"\n{'median of the samples':<52} {'measured':>8}    {'target':<12} range")
    for group in options.groups or GROUPS:
        for figure in GROUPS[group](options):
            figures.append(figure)
            print(line(figure), flush=True)
    record(RESULTS, header, figures)
    missed = [figure.name for figure in figures if not figure.is_held]
    print(f"\n{len(figures) - len(missed)} of {len(figures)} held; {RESULTS}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
