"""Jobs: what a no-op and a tag change cost the master, and how many it does in a second."""

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from benchmarks.bed import Bed, BedError, cpu_of, helper
from benchmarks.figure import REPEATS, Figure
from pyganeti.wire.luxi.client import LuxiClient, OpDict

NOOP: Final[OpDict] = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": True, "on_nodes": []}
CLIENTS: Final = 50
_JOBS: Final = 200
# A serial number above that of any log entry: entries are not waited for.
_NO_LOG: Final = 1 << 40
_CHANGES: Final = 80
_MASTERD: Final = "ganeti-masterd"
# The exporter's longest delay and the time it takes.
_EXPORT_TIMEOUT_S: Final = 60.0


def noop_cpu(bed: Bed, instances: int) -> Figure:
    """CPU of the master for a job that does nothing, submitted alone and waited for."""
    pid, samples = bed.pid(_MASTERD), []
    with bed.client() as client:
        run_each(client, [NOOP] * _JOBS)
        for _ in range(REPEATS):
            before = cpu_of(pid)
            run_each(client, [NOOP] * _JOBS)
            samples.append((cpu_of(pid) - before) / _JOBS * 1e3)
    name = f"no-op job, master CPU, {instances} instances"
    return Figure(name, "ms", 1.0, samples, note="one client, one job after another")


def run_each(client: LuxiClient, ops: Sequence[OpDict]) -> None:
    """Submit a job of each opcode and wait for its end before the next; all must succeed."""
    jobs = []
    for op in ops:
        jobs.append(client.submit_job([op]))
        while client.wait_for_job_change(jobs[-1], ["end_ts"], [None], _NO_LOG, 60) is None:
            pass
    if client.query_jobs(jobs, ["status"]) != [["success"]] * len(jobs):
        raise BedError(f"jobs of {ops[0]['OP_ID']} failed")


def jobs_a_second(bed: Bed, *, seconds: float, replicated: bool) -> Figure:
    """Jobs that many clients get done."""
    pid, samples, cpu = bed.pid(_MASTERD), [], 0.0
    jobs = 0
    for _ in range(REPEATS):
        before = cpu_of(pid)
        with helper("load", bed.paths().master_socket, str(CLIENTS), str(seconds)) as load:
            count, took = load.communicate()[0].split()
        samples.append(int(count) / float(took))
        cpu += cpu_of(pid) - before
        jobs += int(count)
    note = f"master CPU {cpu / jobs * 1e3:.2f} ms a job"
    if replicated:
        name, target = "no-op jobs a second, two candidates replicated", 300.0
    else:
        name, target = f"no-op jobs a second, durable, {CLIENTS} clients", 700.0
    return Figure(name, "1/s", target, samples, at_least=True, note=note)


def tag_change(bed: Bed, instance: str) -> Figure:
    """CPU of the master for a tag change, with its part of one export of everything."""
    pid, samples = bed.pid(_MASTERD), []
    _wait_for_export(bed, 0.0)
    began = time.time()
    with bed.client() as client:
        for repeat in range(REPEATS):
            changes = [_tagging(instance, repeat, number) for number in range(_CHANGES)]
            before = cpu_of(pid)
            run_each(client, changes)
            samples.append(cpu_of(pid) - before)
    before = cpu_of(pid)
    _wait_for_export(bed, began)
    export = cpu_of(pid) - before
    share = export / (REPEATS * _CHANGES)
    figures = [(spent / _CHANGES + share) * 1e3 for spent in samples]
    note = f"{REPEATS * _CHANGES} changes, then one export of {export * 1e3:.0f} ms"
    return Figure("tag change at 10000 instances, master CPU", "ms", 3.0, figures, note=note)


def _tagging(instance: str, repeat: int, number: int) -> OpDict:
    """Add a tag, or remove the one added before."""
    return {
        "OP_ID": "OP_TAGS_DEL" if number % 2 else "OP_TAGS_SET",
        "kind": "instance",
        "name": instance,
        "tags": [f"t{repeat}x{number // 2}"],
    }


def _wait_for_export(bed: Bed, after: float) -> None:
    """Wait until ``config.data`` was written later than ``after`` and stays as it is."""
    path, end = bed.paths().config_file, time.monotonic() + _EXPORT_TIMEOUT_S
    while os.stat(path).st_mtime <= after and time.monotonic() < end:
        time.sleep(0.1)


def wait_for_candidates(bed: Bed) -> None:
    """Wait until every candidate has caught up with the master.

    Raises:
        BedError: one has not.
    """
    end = time.monotonic() + _EXPORT_TIMEOUT_S
    while not has_all_changes(bed):
        if time.monotonic() > end:
            raise BedError("the candidates do not catch up with the master")
        time.sleep(0.2)


def has_all_changes(bed: Bed) -> bool:
    """Whether the master's record of lost candidates is empty, and so is none's copy missing."""
    states = []
    for node in bed.nodes:
        with closing(sqlite3.connect(f"file:{bed.paths(node).database}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT value FROM records WHERE tbl = 'meta' AND key IN (?, ?)",
                              ("lost", "seq")).fetchall()  # fmt: skip
            states.append(sorted(rows))
    return len(states[0]) == 2 and (b"[]",) in states[0] and all(s == states[0] for s in states)
