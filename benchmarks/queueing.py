"""A queue of ten thousand jobs, and an archive of a hundred thousand: what they cost the others."""

import statistics
import time
from typing import Final

from benchmarks.bed import Bed, BedError, cpu_of, pss_mb
from benchmarks.figure import REPEATS, Figure
from benchmarks.jobs import NOOP, has_all_changes, run_each
from pyganeti.master.queue.job import Job, QueuedOp
from pyganeti.model.enums import JobStatus
from pyganeti.opcodes.codec import decode, encode
from pyganeti.store.interface import SEQ, Put, Table, Transaction
from pyganeti.store.sqlite import SqliteBackend
from pyganeti.wire.luxi.client import OpDict

QUEUED: Final = 10_000
ARCHIVED: Final = 100_000
# First of the jobs written into the archive; far above those that the cluster has made.
_FIRST: Final = 1_000_000
_BATCH: Final = 500
_JOBS: Final = 200
# An odd number.
_PAIRS: Final = 15
# How long candidates may take, and between two questions of a client meanwhile.
_CATCH_UP_S: Final = 120.0
_BETWEEN_S: Final = 0.01
_MASTERD: Final = "ganeti-masterd"
_PAUSED: Final[OpDict] = {**NOOP, "comment": "paused"}
# One of them runs for a day, the others wait for it.
_LIMITED: Final[OpDict] = {
    **NOOP, "duration": 86400, "reason": [["gnt:user", "rate-limit:1:bench", 1]],
}  # fmt: skip


def fill(bed: Bed) -> None:
    """Queue jobs of which half are paused, and half wait for a rate limit."""
    with bed.client() as client:
        for op in (_PAUSED, _LIMITED):
            for _ in range(QUEUED // 2 // _BATCH):
                client.submit_many_jobs([[op]] * _BATCH)


def noop_ratio(empty: Bed, full: Bed, among: str) -> Figure:
    """What a no-op job costs the master of ``full``, against that of ``empty``, in turns."""
    return _ratio(f"no-op job, {among}", NOOP, empty, full, wait=True)


def submit_ratio(empty: Bed, full: Bed, among: str) -> Figure:
    """What a submission costs; the job stays paused."""
    return _ratio(f"submit a job, {among}", _PAUSED, empty, full, wait=False)


def _ratio(name: str, op: OpDict, empty: Bed, full: Bed, *, wait: bool) -> Figure:
    _job_cpu(empty, op, wait=wait), _job_cpu(full, op, wait=wait)
    pairs = [(_job_cpu(empty, op, wait=wait), _job_cpu(full, op, wait=wait)) for _ in range(_PAIRS)]
    few, many = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    note = f"{many:.2f} ms, with an empty queue {few:.2f} ms"
    return Figure(name, "x", 1.25, [full / empty for empty, full in pairs], note=note)


def _job_cpu(bed: Bed, op: OpDict, *, wait: bool) -> float:
    """CPU of the master for one job, in ms."""
    pid = bed.pid(_MASTERD)
    with bed.client() as client:
        before = cpu_of(pid)
        if wait:
            run_each(client, [op] * _JOBS)
        else:
            for _ in range(_JOBS):
                client.submit_job([op])
        return (cpu_of(pid) - before) / _JOBS * 1e3


def pause(bed: Bed) -> None:
    """Let jobs of :func:`submit_ratio` stay queued."""
    with bed.client() as client:
        predicate = [["opcode", ["=", "comment", "paused"]]]
        client.replace_filter(None, 0, predicate, "PAUSE", [])


def filter_change(bed: Bed) -> Figure:
    """CPU of the master for a change of the filters, which are then tried on all jobs."""
    pid, samples = bed.pid(_MASTERD), []
    with bed.client() as client:
        for _ in range(REPEATS):
            before = cpu_of(pid)
            rule = client.replace_filter(None, 9, [["reason", ["=", "reason", "x"]]], "PAUSE", [])
            # Done when a job has passed.
            run_each(client, [NOOP])
            samples.append(cpu_of(pid) - before)
            client.delete_filter(rule)
            run_each(client, [NOOP])
    return Figure(f"change a job filter, master CPU, {QUEUED} queued", "s", 0.2, samples)


def list_one(bed: Bed) -> Figure:
    """CPU of client and master for a list of one job."""
    pid, samples = bed.pid(_MASTERD), []
    with bed.client() as client:
        job = str(client.submit_job([_PAUSED]))
    bed.must("gnt-job", "list", job)
    for _ in range(REPEATS * 3):
        before = cpu_of(pid)
        client_cpu = bed.command_cpu("gnt-job", "list", job)
        samples.append((client_cpu + cpu_of(pid) - before) * 1e3)
    name = f"gnt-job list of one, client + master CPU, {QUEUED} queued"
    return Figure(name, "ms", 50.0, samples)


def list_all(bed: Bed) -> Figure:
    """CPU of client and master for a list of all jobs."""
    samples = _list_cpu(bed)
    return Figure(f"gnt-job list of {QUEUED}, client + master CPU", "s", 0.8, samples)


def list_archived(bed: Bed) -> Figure:
    """The same with all archived jobs."""
    samples = _list_cpu(bed, "--archived")
    name = f"gnt-job list --archived of {ARCHIVED}, client + master CPU"
    return Figure(name, "s", 8.0, samples)


def _list_cpu(bed: Bed, *options: str) -> list[float]:
    pid, samples = bed.pid(_MASTERD), []
    for _ in range(REPEATS):
        before = cpu_of(pid)
        client_cpu = bed.command_cpu("gnt-job", "list", *options)
        samples.append(client_cpu + cpu_of(pid) - before)
    return samples


def fill_archive(bed: Bed) -> None:
    """Write archived jobs straight to the database; the master daemon must be down."""
    data = _ended_job()
    backend = SqliteBackend(bed.paths().database)
    try:
        seq = int(backend.load()[Table.META][SEQ])
        for begin in range(_FIRST, _FIRST + ARCHIVED, _BATCH):
            seq += 1
            puts = tuple(
                Put(Table.ARCHIVE, str(number), data.replace(b'"id":1', b'"id":%d' % number, 1))
                for number in range(begin, begin + _BATCH)
            )
            backend.apply(Transaction(seq, puts))
    finally:
        backend.close()


def _ended_job() -> bytes:
    stamp = (1_700_000_000, 0)
    op = QueuedOp(
        input=encode(decode({**NOOP, "reason": [["gnt:client:gnt-debug", "delay", 1]]})),
        status=JobStatus.SUCCESS,
        start_timestamp=stamp,
        exec_timestamp=stamp,
        end_timestamp=stamp,
    )
    job = Job(1, [op], stamp)
    job.start_timestamp = job.end_timestamp = stamp
    return job.to_json()


def start(bed: Bed) -> list[Figure]:
    """CPU of the master daemon until it is ready, and its memory then."""
    cpu, memory = [], []
    for _ in range(REPEATS):
        bed.stop_daemons()
        bed.start_daemons()
        with bed.client() as client:
            client.query_cluster_info()
        pid = bed.pid(_MASTERD)
        cpu.append(cpu_of(pid))
        memory.append(pss_mb(pid))
    what = f"{ARCHIVED} archived jobs"
    return [
        Figure(f"start masterd with {what}, CPU", "s", 1.5, cpu, note="checksums included"),
        Figure(f"masterd idle, {what}", "MB", 100.0, memory, note="PSS"),
    ]


def catch_up(bed: Bed) -> list[Figure]:
    """What it takes the master to bring candidates an archive, and how long clients wait then."""
    pid, begin = bed.pid(_MASTERD), time.monotonic()
    before, longest = cpu_of(pid), 0.0
    with bed.client() as client:
        while not has_all_changes(bed):
            asked = time.monotonic()
            client.query_config_values(["cluster_name"])
            longest = max(longest, time.monotonic() - asked)
            time.sleep(_BETWEEN_S)
            if asked > begin + _CATCH_UP_S:
                raise BedError("the candidates do not catch up with the master")
    took = time.monotonic() - begin
    what = f"two candidates get {ARCHIVED} archived jobs"
    return [
        Figure(f"{what}, master CPU", "s", 3.0, [cpu_of(pid) - before], note=f"{took:.1f} s"),
        Figure(f"{what}, longest answer", "ms", 100.0, [longest * 1e3]),
    ]
