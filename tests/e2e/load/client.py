"""Submits jobs until it is told to end: ``client.py SOCKET BOOK NAME SEED NODE ...``.

Before each submission its jobs stand in the book, a JSON line; after it, what the master answered.
A job is found again by its token, the comment of its opcodes. Whoever reads the book knows which
jobs were acknowledged, which were refused, and of which nobody can know.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyganeti.model.errors import GenericError, JobQueueError, NoMasterError, OpPrereqError
from pyganeti.wire.luxi.client import LuxiClient, OpDict

# Any: parameters of opcodes, JSON of the book.
Jobs = list[list[OpDict]]
OS: Final = "counting"
_PRIORITIES: Final = (-10, 0, 0, 10)
_LONGEST_PAUSE_S: Final = 0.15
_MASTER_GONE_S: Final = 0.1
_WAIT_S: Final = 2


def create(name: str, node: str, *, disks: int = 0, start: bool) -> OpDict:
    """Make an instance; one with a disk is installed by a script that counts itself."""
    return {
        "OP_ID": "OP_INSTANCE_CREATE",
        "instance_name": name,
        "mode": "create",
        "disk_template": "file" if disks else "diskless",
        "disks": [{"size": 1}] * disks,
        "nics": [],
        "pnode": node,
        "os_type": OS,
        "hypervisor": "fake",
        "name_check": False,
        "ip_check": False,
        "ignore_ipolicy": True,
        "start": start,
        "beparams": {"maxmem": 4, "minmem": 4},
    }


def on_instance(op_id: str, name: str, **more: object) -> OpDict:
    """An opcode on an instance that is there."""
    return {"OP_ID": op_id, "instance_name": name, **more}


def tag(kind: str, name: str | None, text: str) -> OpDict:
    """Add a tag."""
    return {"OP_ID": "OP_TAGS_SET", "kind": kind, "name": name, "tags": [text]}


def after(op: OpDict, back: int, *states: str) -> OpDict:
    """``op``, once the job ``back`` before it has ended so."""
    return {**op, "depends": [[-back, list(states)]]}


class Submissions:
    """What a client may submit next.

    Args:
        name: of the client, in every token and instance.
        chance: decides.
        nodes: where instances are made.
    """

    def __init__(self, name: str, chance: random.Random, nodes: Sequence[str]) -> None:
        self._name = name
        self._chance = chance
        self._nodes = nodes
        self._count = 0
        self._kinds: tuple[Callable[[str, str], Jobs], ...] = (
            self._single,
            self._chain,
            self._chain,
            self._one_job,
            self._independent,
            self._wait,
        )

    def next(self) -> Jobs:
        """Jobs that are submitted together, each with its own token."""
        return self._made(self._chance.choice(self._kinds))

    def tag(self) -> Jobs:
        """A job that only changes the configuration."""
        return self._made(lambda instance, _node: [[tag("cluster", None, f"t-{instance}")]])

    def _made(self, kind: Callable[[str, str], Jobs]) -> Jobs:
        self._count += 1
        instance = f"{self._name}x{self._count}.example.com"
        jobs = kind(instance, self._chance.choice(self._nodes))
        for number, ops in enumerate(jobs):
            priority = self._chance.choice(_PRIORITIES)
            for op in ops:
                op["comment"] = f"{self._name}-{self._count}-{number}"
                op["priority"] = priority
        return jobs

    def _single(self, instance: str, node: str) -> Jobs:
        return [[create(instance, node, start=True)]]

    def _chain(self, instance: str, node: str) -> Jobs:
        """The life of an instance, a job a change, each depending on the one before."""
        startup = on_instance("OP_INSTANCE_STARTUP", instance)
        shutdown = on_instance("OP_INSTANCE_SHUTDOWN", instance, timeout=0)
        jobs = [
            [create(instance, node, disks=1, start=False)],
            [after(startup, 1, "success")],
            [after(tag("instance", instance, f"t-{instance}"), 1, "success", "error")],
            [after(shutdown, 1)],
        ]
        if self._chance.random() < 0.7:
            jobs.append([after(_remove(instance), 1, "success")])
        return jobs

    def _one_job(self, instance: str, node: str) -> Jobs:
        """The same in one job."""
        ops = [
            create(instance, node, start=True),
            tag("instance", instance, f"t-{instance}"),
            on_instance("OP_INSTANCE_SHUTDOWN", instance, timeout=0),
            on_instance("OP_INSTANCE_STARTUP", instance),
        ]
        return [[*ops, _remove(instance)] if self._chance.random() < 0.5 else ops]

    def _independent(self, instance: str, node: str) -> Jobs:
        """Jobs that have nothing to do with each other, one of which is refused."""
        return [
            [tag("cluster", None, f"t-{instance}")],
            [{"OP_ID": "OP_TEST_DELAY", "duration": "long"}],
            [create(instance, node, disks=1, start=True)],
        ]

    def _wait(self, instance: str, node: str) -> Jobs:
        """A job that does nothing but wait for a node."""
        return [
            [{"OP_ID": "OP_TEST_DELAY", "duration": 0.3, "on_master": False, "on_nodes": [node]}]
        ]


def _remove(instance: str) -> OpDict:
    return on_instance("OP_INSTANCE_REMOVE", instance, shutdown_timeout=0)


class Book:
    """Where it stands what was submitted. Lines are whole, whenever the writer is killed."""

    def __init__(self, path: str) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, event: str, **values: Any) -> None:
        """Add a line."""
        entry = {"event": event, "at": time.time(), **values}
        os.write(self._handle, json.dumps(entry).encode() + b"\n")


def submit(client: LuxiClient, jobs: Jobs, book: Book) -> list[int]:
    """Submit ``jobs`` together and note it; the ids of those that were acknowledged."""
    tokens = [ops[0]["comment"] for ops in jobs]
    book.note("submit", jobs=dict(zip(tokens, jobs, strict=True)))
    try:
        if len(jobs) == 1:
            answers: list[tuple[bool, Any]] = [(True, client.submit_job(jobs[0]))]
        else:
            answers = client.submit_many_jobs(jobs)
    except NoMasterError:
        book.note("refused", tokens=tokens, why="no master")
        time.sleep(_MASTER_GONE_S)
        return []
    except (OpPrereqError, JobQueueError) as err:
        book.note("refused", tokens=tokens, why=str(err))
        return []
    except GenericError as err:
        # The connection broke, or the store did while it made them durable.
        book.note("unknown", tokens=tokens, why=str(err))
        return []
    ids = {token: job for token, (ok, job) in zip(tokens, answers, strict=True) if ok}
    book.note("acknowledged", ids=ids)
    book.note("refused", tokens=[token for token in tokens if token not in ids], why="by itself")
    return list(ids.values())


def wait(client: LuxiClient, job: int) -> None:
    """Wait a moment for a job to end, so that not all are submitted before the first runs."""
    try:
        client.wait_for_job_change(job, ["end_ts"], [None], 1 << 40, _WAIT_S)
    except GenericError:
        time.sleep(_MASTER_GONE_S)


def main(socket: str, book_path: str, name: str, seed: int, nodes: Sequence[str]) -> None:
    """Submit until killed."""
    chance = random.Random(seed)
    submissions, book, client = (
        Submissions(name, chance, nodes),
        Book(book_path),
        LuxiClient(socket),
    )
    while True:
        ids = submit(client, submissions.next(), book)
        if ids and chance.random() < 0.6:
            wait(client, ids[-1])
        time.sleep(chance.uniform(0, _LONGEST_PAUSE_S))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
