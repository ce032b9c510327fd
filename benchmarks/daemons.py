"""Memory of idle daemons, CPU of commands, queries and node calls."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.bed import MASTER, Bed, BedError, cpu_of, pss_mb
from benchmarks.figure import REPEATS, Figure
from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.wire.noderpc.call import CallContext, NodeAddress
from pyganeti.wire.noderpc.client import HttpNodeClient
from pyganeti.wire.noderpc.node import EpochTakeCall

_CALLS: Final = 1000
_PORT: Final = 1811
_VERIFY_S: Final = 300.0
_VERIFY_SAMPLES: Final = 3
# Lists that may come before all nodes have a connection.
_LIST_TRIES: Final = 10
_VERIFY_TRIES: Final = 10


def memory(bed: Bed) -> list[Figure]:
    """Memory of masterd and noded, as it is after they have formed a cluster."""
    targets = {"ganeti-masterd": 100.0, "ganeti-noded": 60.0}
    return [
        Figure(f"{name} idle, empty cluster", "MB", target, [pss_mb(bed.pid(name))], note="PSS")
        for name, target in targets.items()
    ]


def trivial_command(bed: Bed) -> Figure:
    """CPU of a command that asks the master one thing."""
    bed.command_cpu("gnt-job", "list")
    samples = [bed.command_cpu("gnt-job", "list") * 1e3 for _ in range(REPEATS * 3)]
    return Figure("trivial command (gnt-job list), client CPU", "ms", 45.0, samples)


def list_instances(bed: Bed) -> Figure:
    """CPU of client and master for a list of all instances with live fields."""
    pid, samples = bed.pid("ganeti-masterd"), []
    bed.must("gnt-instance", "list")
    for _ in range(REPEATS):
        before = cpu_of(pid)
        client = bed.command_cpu("gnt-instance", "list")
        master = cpu_of(pid) - before
        samples.append(client + master)
    note = f"last: client {client:.2f}, master {master:.2f}"
    name = "list 10000 instances, client + master CPU"
    return Figure(name, "s", 0.8, samples, note=note)


def list_nodes(bed: Bed) -> Figure:
    """The same for a list of all nodes, each of which is asked.

    The one process that is a thousand nodes makes a thousand handshakes first. What it has not
    answered after ten seconds is shown as unknown, and such a list costs less: it does not count.
    """
    pid, samples, silent = bed.pid("ganeti-masterd"), list[float](), list[int]()
    while len(samples) < REPEATS:
        if len(silent) > REPEATS + _LIST_TRIES:
            raise BedError(f"simulated nodes do not answer in time, by list: {silent}")
        before = cpu_of(pid)
        client = bed.command_cpu("gnt-node", "list")
        cost = client + cpu_of(pid) - before
        silent.append(_silent_nodes(bed))
        if silent[-1] == 0 and (len(silent) < 2 or silent[-2] == 0):
            samples.append(cost)
    late = sum(count > 0 for count in silent)
    note = f"all answer; {late} lists before did not have all" if late else "all answer"
    return Figure("list 1000 nodes, client + master CPU", "s", 2.0, samples, note=note)


def _silent_nodes(bed: Bed) -> int:
    """How many nodes of a list have not told how much memory they have."""
    words = ("list", "--no-headers", "--separator=|", "--units=m", "-o", "name,mtotal")
    rows = bed.must("gnt-node", *words).splitlines()
    return sum(not row.partition("|")[2].strip().isdecimal() for row in rows)


def verify(bed: Bed) -> Figure:
    """CPU of the master for a check of all nodes and instances."""
    pid, samples = bed.pid("ganeti-masterd"), list[float]()
    for _ in range(_VERIFY_TRIES):
        before = cpu_of(pid)
        # What differs between simulated nodes and a real one are findings, so it may fail.
        done = bed.run(MASTER, "gnt-cluster", "verify", "--error-codes", timeout_s=_VERIFY_S)
        if "Hooks Results" not in done.stdout:
            raise BedError(f"gnt-cluster verify did not end: {done.stdout[-2000:]}")
        # At first the one process that is all nodes may not answer all of them in time.
        if "ENODERPC" not in done.stdout:
            samples.append(cpu_of(pid) - before)
        if len(samples) == _VERIFY_SAMPLES:
            note = "10000 instances, all nodes answer"
            return Figure("verify 1000 nodes, master CPU", "s", 20.0, samples, note=note)
    raise BedError("some simulated nodes do not answer in time")


def node_call(bed: Bed) -> Figure:
    """CPU of both ends of a read-only call on a kept connection."""
    pid = bed.pid("ganeti-noded")
    epoch = int(Path(bed.paths().epoch_file).read_text("ascii"))
    samples = asyncio.run(_calls(bed, epoch, lambda: cpu_of(pid) + time.process_time()))
    return Figure("node call, both ends, CPU", "us", 250.0, samples, note="one after another")


async def _calls(bed: Bed, epoch: int, meter: Callable[[], float]) -> list[float]:
    paths, samples = bed.paths(), []
    ctx = CallContext(epoch=epoch)
    node = NodeAddress(MASTER, bed.address(MASTER), _PORT)
    call = EpochTakeCall()
    context = tls.client_context(paths.client_pem, paths.ca_cert)
    async with HttpNodeClient(context, SystemClock()) as client:
        await client.call(node, call, ctx)
        for _ in range(REPEATS):
            before = meter()
            for _ in range(_CALLS):
                await client.call(node, call, ctx)
            samples.append((meter() - before) / _CALLS * 1e6)
    return samples
