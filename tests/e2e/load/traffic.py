"""Clients that keep a cluster busy, and what must hold once they have ended."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyganeti.wire.luxi.client import LuxiClient
from tests.e2e.footprint import config_data, objects, records
from tests.e2e.load.book import (
    FINAL,
    Answers,
    Job,
    check_acknowledged,
    check_ended,
    forget_cut_off,
    read_books,
    status_of,
    stored_jobs,
    token_of,
)
from tests.e2e.load.client import Book, Submissions, submit
from tests.e2e.load.verdict import all_done, check_effects, check_state, to_repeat, to_start
from tests.e2e.test_kill import is_verified
from tests.e2e.test_replication import queue_files, wait_equal
from tests.e2e.vcluster import MASTER, Cluster, wait_for
from tools.machine import CHECKOUT

CLIENTS = 3
SETTLED_S = 120
EXPORTED_S = 60


@dataclass(frozen=True, slots=True)
class Cut:
    """Links that were cut.

    Attributes:
        nodes: those on the master's side.
        since: in seconds since 1970.
        until: when that master had ended.
    """

    nodes: Sequence[str]
    since: float
    until: float


def _book(cluster: Cluster, client: int) -> Path:
    return cluster.base / f"book{client}"


def luxi(cluster: Cluster) -> LuxiClient:
    """A connection to the master."""
    return LuxiClient(str(cluster.root(cluster.master) / "var/run/ganeti/socket/ganeti-master"))


@contextmanager
def traffic(cluster: Cluster, seed: int, homes: Sequence[str] = ()) -> Iterator[None]:
    """Several processes that submit jobs; none does any more afterwards.

    Args:
        cluster: initialized.
        seed: of what they submit.
        homes: the nodes of the instances they make; all without.
    """
    clients = []
    for number in range(CLIENTS):
        words = [luxi(cluster).address, str(_book(cluster, number)), f"c{number}"]
        argv = [sys.executable, "-m", "tests.e2e.load.client", *words, str(seed * 10 + number)]
        clients.append(subprocess.Popen([*argv, *(homes or cluster.nodes)], cwd=CHECKOUT))
    try:
        yield
        codes = [client.poll() for client in clients]
        assert codes == [None] * CLIENTS, f"clients ended by themselves: {codes}"
    finally:
        for client in clients:
            client.terminate()
            client.wait(10)


def submit_one_more(cluster: Cluster) -> None:
    """Have one job acknowledged, as one client more: whoever kills now kills right after that."""
    book = _book(cluster, CLIENTS)
    name = f"k{len(book.read_text().splitlines()) if book.exists() else 0}"
    with luxi(cluster) as client:
        submit(client, Submissions(name, random.Random(0), [MASTER]).tag(), Book(str(book)))


def answers(cluster: Cluster) -> Answers:
    """What the clients were told."""
    books = (_book(cluster, number) for number in range(CLIENTS + 1))
    return read_books(*(book for book in books if book.exists()))


def is_settled(cluster: Cluster) -> bool:
    """Whether all jobs have ended and nothing is left to be undone."""
    found = records(cluster)
    if any(table in ("journal", "leftover") for table, _key in found):
        return False
    jobs = [json.loads(value) for (table, _key), value in found.items() if table == "job"]
    return all(status_of(job) in FINAL for job in jobs)


def check(
    cluster: Cluster,
    *,
    rebooted: bool = False,
    lost: Sequence[str] = (),
    former: Sequence[str] = (),
    cut: Cut | None = None,
) -> str:
    """All that must hold after the load, whatever was killed meanwhile; a line about it.

    Args:
        cluster: all its daemons run.
        rebooted: its nodes were switched off meanwhile, so what should run is to be started.
        lost: nodes that are gone for good; one of them was the master.
        former: nodes that were the master and are not any more.
        cut: when and with whom a master had no majority.
    """
    wait_for(lambda: is_settled(cluster), SETTLED_S, "all jobs to end and be undone")
    told, jobs = answers(cluster), stored_jobs(cluster)
    alone = 0 if cut is None else forget_cut_off(told, jobs, cut.since, cut.until)
    check_acknowledged(told, jobs)
    check_ended(jobs)
    masters = [*former, *lost, cluster.master]
    check_effects(cluster, all_done(jobs), masters, () if cut is None else cut.nodes)
    _repeat(cluster, to_repeat(cluster, all_done(jobs)))
    if rebooted:
        _repeat(cluster, to_start(cluster))
    check_state(cluster, all_done(stored_jobs(cluster)))
    wait_for(lambda: is_verified(cluster), SETTLED_S, "verify to be clean")
    nodes = [node for node in cluster.nodes if node not in lost]
    wait_equal(cluster, *nodes)
    for node in nodes:
        wait_exported(cluster, node, alone=cut is not None and node in cut.nodes)
    return f"{_summary(told, jobs)}; {alone} not replicated"


def _repeat(cluster: Cluster, ops: list[dict[str, Any]]) -> None:
    """The queue goes on: it takes jobs, and does them."""
    with luxi(cluster) as client:
        ids = [client.submit_job([op]) for op in ops]
        ids.append(
            client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": True}])
        )
        for job in ids:
            client.wait_for_end(job)


def wait_exported(cluster: Cluster, node: str, *, alone: bool = False) -> None:
    """Wait until a node has all files as they should be.

    Args:
        cluster: at rest.
        node: the master or a candidate.
        alone: whether it was cut off with a master, and so may have files of jobs of which nobody
            else heard: they are left alone until their numbers are given out again.
    """
    try:
        wait_for(lambda: not not_exported(cluster, node, alone), EXPORTED_S, f"exports on {node}")
    except AssertionError:
        wrong = not_exported(cluster, node, alone)
        assert not wrong, f"files on {node}: {wrong}"


def not_exported(cluster: Cluster, node: str, alone: bool = False) -> list[str]:
    """What a node's ``config.data`` and job files do not show as the master's database has it."""
    wanted = {
        f"job-{key}" if table == "job" else f"archive/{int(key) // 10000}/job-{key}": value
        for (table, key), value in records(cluster).items()
        if table in ("job", "archive")
    }
    found = queue_files(cluster, node)
    found.pop("serial", None)
    wrong = sorted(wanted.keys() - found.keys() if alone else wanted.keys() ^ found.keys())
    for name in wanted.keys() & found.keys():
        if json.loads(found[name]) != json.loads(wanted[name]):
            wrong.append(f"{name}: {found[name]!r} {wanted[name]!r}")
    config = {key.partition("/")[2]: json.loads(data) for key, data in objects(cluster).items()}
    if _objects_of(config_data(cluster, node)) != config:
        wrong.append("config.data")
    return wrong


# Any: config objects as JSON.
def _objects_of(config: dict[str, Any]) -> dict[str, Any]:
    found = {config["cluster"]["uuid"]: config["cluster"]}
    for kind in ("nodes", "nodegroups", "instances", "networks", "disks", "filters"):
        found.update(config[kind])
    return found


def _summary(told: Answers, jobs: dict[int, Job]) -> str:
    ends = Counter(_end(job) for job in jobs.values() if token_of(job) is not None)
    return (
        f"{len(told.acknowledged)} acknowledged, {len(told.unknown)} unknown,"
        f" {len(told.refused)} refused; {dict(ends)}"
    )


def _end(job: Job) -> str:
    """How a job ended, in a few words."""
    failed = next((op for op in job["ops"] if op["status"] != "success"), None)
    return (
        "success" if failed is None else f"{failed['status']}: {str(failed['result'][1][0])[:40]}"
    )
