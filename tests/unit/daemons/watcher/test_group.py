"""A round of the watcher for one node group, with a master that only takes notes."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.daemons.watcher.group import Group
from pyganeti.daemons.watcher.state import TRIES
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError
from pyganeti.wire.luxi.client import LuxiClient, OpDict

ACTIVATE = "INSTANCE_ACTIVATE_DISKS"
GROUP = "0f9e1f5c-3c1d-4b67-8f5e-5d9f6d2b8a11"


class Master(LuxiClient):
    """Answers from two tables and remembers the opcodes of jobs.

    Attributes:
        instances: name, status, whether its disks are to be active, primary and secondary nodes.
        nodes: name, UUID, whether it is offline, boot id.
        checked: what a check of disks answers.
        failing: opcodes whose jobs fail.
    """

    def __init__(self) -> None:
        self.instances: list[list[Any]] = []
        self.nodes: list[list[Any]] = []
        self.checked: list[Any] = [{}, [], {}]
        self.failing: set[str] = set()
        self.jobs: list[OpDict] = []

    def query(self, what: str, fields: Any, qfilter: Any = None) -> dict[str, Any]:
        rows = self.instances if what == "instance" else self.nodes
        return {"data": [[[0 if v is not None else 2, v] for v in row] for row in rows]}

    def submit_many_jobs(self, jobs: Any) -> list[tuple[bool, Any]]:
        return [(True, self.submit_job(job)) for job in jobs]

    def submit_job(self, ops: Any) -> int:
        (op,) = ops
        self.jobs.append(op)
        return len(self.jobs) - 1

    def wait_for_end(self, job_id: int, *args: Any, **kwargs: Any) -> list[Any]:
        op = self.jobs[job_id]
        if op["OP_ID"] in self.failing:
            raise GenericError("it failed")
        return [self.checked if op["OP_ID"] == "OP_GROUP_VERIFY_DISKS" else None]

    def done(self) -> list[tuple[str, str]]:
        """Opcodes and instances of the jobs since the last call."""
        made, self.jobs = self.jobs, []
        return [(op["OP_ID"].removeprefix("OP_"), op.get("instance_name", "")) for op in made]


@pytest.fixture
def master() -> Master:
    made = Master()
    made.nodes = [["node1", "uuid1", False, "boot-a"], ["node2", "uuid2", False, "boot-b"]]
    made.instances = [
        ["web1", "running", True, "node1", ["node2"]],
        ["web2", "running", True, "node2", []],
        ["web3", "ADMIN_down", False, "node2", []],
    ]
    return made


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(str(tmp_path / "node1"), "node1")
    Path(made.data_dir).mkdir(parents=True)
    return made


def watch(paths: Paths, master: Master, *, disks: bool = False) -> bool:
    """A round, as a process of its own."""
    return Group(paths, master, GROUP).watch(verify_disks=disks, strict=True)


def test_a_boot_brings_the_disks_of_all_that_lie_on_the_node(paths: Paths, master: Master) -> None:
    watch(paths, master)
    master.done()
    assert watch(paths, master)
    assert master.done() == []

    master.nodes[1][3] = "boot-c"
    assert watch(paths, master)
    assert master.done() == [(ACTIVATE, "web1"), (ACTIVATE, "web2")]
    assert watch(paths, master)
    assert master.done() == []


def test_a_boot_is_dealt_with_again_until_it_has_worked(paths: Paths, master: Master) -> None:
    watch(paths, master)
    master.nodes[1][3] = "boot-c"
    master.failing = {"OP_INSTANCE_ACTIVATE_DISKS"}
    assert not watch(paths, master)
    master.failing = set()
    master.done()
    assert watch(paths, master)
    assert len(master.done()) == 2


def test_after_a_boot_what_fell_is_started_and_not_activated(paths: Paths, master: Master) -> None:
    watch(paths, master)
    master.done()
    master.nodes[1][3] = "boot-c"
    master.instances[1][1] = "ERROR_down"
    assert watch(paths, master)
    assert master.done() == [("INSTANCE_STARTUP", "web2"), ("INSTANCE_ACTIVATE_DISKS", "web1")]


def test_a_silent_or_offline_node_was_not_booted(paths: Paths, master: Master) -> None:
    watch(paths, master)
    master.done()
    master.nodes[0][3], master.nodes[1][2:] = None, [True, "boot-c"]
    assert watch(paths, master)
    assert master.done() == []


def test_tries_are_counted_before_they_are_made(paths: Paths, master: Master) -> None:
    watch(paths, master)
    master.done()
    master.instances[1][1] = "ERROR_down"
    master.failing = {"OP_INSTANCE_STARTUP"}
    for number in range(1, TRIES + 1):
        assert not watch(paths, master)
        state = json.loads(Path(paths.watcher_state(GROUP)).read_text())
        assert state["instance"]["web2"]["restart_count"] == number
    assert len(master.done()) == TRIES
    watch(paths, master)
    assert master.done() == []


def test_disks_that_are_not_active_are_activated_once(paths: Paths, master: Master) -> None:
    watch(paths, master)
    master.done()
    master.checked = [{}, ["web1"], {}]
    assert watch(paths, master, disks=True)
    assert [name for name, _ in master.done()] == [
        "GROUP_VERIFY_DISKS",
        "INSTANCE_ACTIVATE_DISKS",
    ]
    master.nodes[1][3] = "boot-c"
    watch(paths, master, disks=True)
    activated = [name for kind, name in master.done() if kind == "INSTANCE_ACTIVATE_DISKS"]
    assert activated == ["web1", "web2"]


def test_every_job_says_why(paths: Paths, master: Master) -> None:
    watch(paths, master, disks=True)
    for op in master.jobs:
        ((source, why, at),) = op["reason"]
        assert source == "gnt:watcher"
        assert why
        assert at > 1_700_000_000 * 10**9


def test_what_was_seen_is_written_down(paths: Paths, master: Master) -> None:
    watch(paths, master)
    text = Path(paths.watcher_status(GROUP)).read_text()
    assert text == "web1 running\nweb2 running\nweb3 ADMIN_down\n"
