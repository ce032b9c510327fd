"""Clients that keep a cluster busy, and what must hold once they have ended."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
    read_books,
    status_of,
    stored_jobs,
    token_of,
)
from tests.e2e.load.verdict import all_done, check_effects, check_state, to_repeat
from tests.e2e.test_kill import is_verified
from tests.e2e.test_replication import queue_files, wait_equal
from tests.e2e.vcluster import MASTER, Cluster, wait_for
from tools.machine import CHECKOUT

CLIENTS = 3
SETTLED_S = 120
EXPORTED_S = 60


def _book(cluster: Cluster, client: int) -> Path:
    return cluster.base / f"book{client}"


def luxi(cluster: Cluster, node: str = MASTER) -> LuxiClient:
    """A connection to the master."""
    return LuxiClient(str(cluster.root(node) / "var/run/ganeti/socket/ganeti-master"))


@contextmanager
def traffic(cluster: Cluster, seed: int) -> Iterator[None]:
    """Several processes that submit jobs; none does any more afterwards."""
    clients = []
    for number in range(CLIENTS):
        words = [luxi(cluster).address, str(_book(cluster, number)), f"c{number}"]
        argv = [sys.executable, "-m", "tests.e2e.load.client", *words, str(seed * 10 + number)]
        clients.append(subprocess.Popen([*argv, *cluster.nodes], cwd=CHECKOUT))
    try:
        yield
        codes = [client.poll() for client in clients]
        assert codes == [None] * CLIENTS, f"clients ended by themselves: {codes}"
    finally:
        for client in clients:
            client.terminate()
            client.wait(10)


def answers(cluster: Cluster) -> Answers:
    """What the clients were told."""
    return read_books(*(_book(cluster, number) for number in range(CLIENTS)))


def is_settled(cluster: Cluster) -> bool:
    """Whether all jobs have ended and nothing is left to be undone."""
    found = records(cluster)
    if any(table in ("journal", "leftover") for table, _key in found):
        return False
    jobs = [json.loads(value) for (table, _key), value in found.items() if table == "job"]
    return all(status_of(job) in FINAL for job in jobs)


def check(cluster: Cluster) -> str:
    """All that must hold after the load, whatever was killed meanwhile; a line about it."""
    wait_for(lambda: is_settled(cluster), SETTLED_S, "all jobs to end and be undone")
    told, jobs = answers(cluster), stored_jobs(cluster)
    check_acknowledged(told, jobs)
    check_ended(jobs)
    check_effects(cluster, all_done(jobs))
    _repeat(cluster, to_repeat(cluster, all_done(jobs)))
    check_state(cluster, all_done(stored_jobs(cluster)))
    wait_for(lambda: is_verified(cluster), SETTLED_S, "verify to be clean")
    wait_equal(cluster, *cluster.nodes[1:])
    for node in cluster.nodes:
        wait_exported(cluster, node)
    return _summary(told, jobs)


def _repeat(cluster: Cluster, ops: list[dict[str, Any]]) -> None:
    """The queue goes on: it takes jobs, and does them."""
    with luxi(cluster) as client:
        ids = [client.submit_job([op]) for op in ops]
        ids.append(
            client.submit_job([{"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": True}])
        )
        for job in ids:
            client.wait_for_end(job)


def wait_exported(cluster: Cluster, node: str) -> None:
    """Wait until a node has all files as they should be."""
    try:
        wait_for(lambda: not not_exported(cluster, node), EXPORTED_S, f"exports on {node}")
    except AssertionError:
        wrong = not_exported(cluster, node)
        assert not wrong, f"files on {node}: {wrong}"


def not_exported(cluster: Cluster, node: str) -> list[str]:
    """What a node's ``config.data`` and job files do not show as the master's database has it."""
    wanted = {
        f"job-{key}" if table == "job" else f"archive/{int(key) // 10000}/job-{key}": value
        for (table, key), value in records(cluster).items()
        if table in ("job", "archive")
    }
    found = queue_files(cluster, node)
    found.pop("serial", None)
    wrong = sorted(wanted.keys() ^ found.keys())
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
