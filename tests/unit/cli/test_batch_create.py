"""gnt-instance batch-create: what a file becomes, and what is said of its jobs."""

import json
from pathlib import Path

import pytest

from .fake_master import FakeMaster, Job, run

WEB = {"instance_name": "web1", "pnode": "node1", "disks": [{"size": "1G"}], "nics": []}


def written(tmp_path: Path, content: object) -> str:
    path = tmp_path / "instances.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_submits_all_at_once(tmp_path: Path) -> None:
    jobs = [Job(result={"jobs": [[True, 2]], "allocatable": [], "failed": []}), Job()]
    master = FakeMaster(jobs=jobs)
    ran = run(f"gnt-instance batch-create {written(tmp_path, [WEB])}", master)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "All instances created successfully.")
    (op,) = master.ops
    creation = {"OP_ID": "OP_INSTANCE_CREATE", "mode": "create", **WEB}
    assert (op["OP_ID"], op["instances"]) == ("OP_INSTANCE_MULTI_ALLOC", [creation])


def test_counts_what_failed(tmp_path: Path) -> None:
    refused = [False, "queue is full"]
    jobs = [Job(result={"jobs": [[True, 2], refused], "allocatable": [], "failed": []}), Job()]
    ran = run(f"gnt-instance batch-create {written(tmp_path, [WEB])}", FakeMaster(jobs=jobs))
    assert ran.code == 1
    assert ran.out.splitlines()[-1] == "There were 1 errors during the instance creation."
    assert "queue is full" in ran.err


def test_names_those_without_a_place(tmp_path: Path) -> None:
    jobs = [Job(result={"jobs": [[True, 2]], "allocatable": ["web1"], "failed": ["web2"]}), Job()]
    master = FakeMaster(jobs=jobs)
    ran = run(f"gnt-instance batch-create -I mine {written(tmp_path, [WEB])}", master)
    assert master.ops[0]["iallocator"] == "mine"
    assert ran.code == 1
    assert "no nodes were found for instance web2" in ran.err
    assert ran.out.splitlines()[-1] == "There were 1 errors during the instance creation."


def test_a_dry_run_waits_for_nothing(tmp_path: Path) -> None:
    ran = run(f"gnt-instance batch-create --dry-run {written(tmp_path, [WEB])}", FakeMaster())
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [("[", "is not JSON"), ({"a": 1}, "a list of mappings"), (["a"], "a list of mappings")],
)
def test_refuses_other_files(tmp_path: Path, content: object, said: str) -> None:
    master = FakeMaster()
    ran = run(f"gnt-instance batch-create {written(tmp_path, content)}", master)
    assert ran.code == 1
    assert said in ran.err
    assert master.calls == []


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    ran = run(f"gnt-instance batch-create {tmp_path}/x", FakeMaster())
    assert (ran.code, "No such file" in ran.err) == (1, True)
