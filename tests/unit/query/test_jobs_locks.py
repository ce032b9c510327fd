"""Rows of jobs, locks, filters and exports."""

import pytest

from pyganeti.master.locks import Level, LockState, Mode
from pyganeti.model.enums import JobStatus
from pyganeti.model.errors import OpPrereqError
from pyganeti.model.filter import FilterRule
from tests.unit.model import make as m

from .make import FakeJob, FakeLive, Op, cluster, engine, rows


def jobs() -> list[FakeJob]:
    """Two jobs and an archived one."""
    secret = {
        "OP_ID": "OP_INSTANCE_CREATE",
        "instance_name": "web9",
        "osparams_private": {"key": "k"},
    }
    return [
        FakeJob(7, [Op({"OP_ID": "OP_TEST_DELAY", "duration": 1.0})]),
        FakeJob(12, [Op(secret)], JobStatus.SUCCESS, end_timestamp=(200, 0)),
        FakeJob(3, [], JobStatus.ERROR, archived=True),
    ]


async def test_jobs() -> None:
    found = await rows("job", ["id", "summary", "status", "end_ts"], jobs=jobs())
    assert found == [
        [7, ["TEST_DELAY(1.0)"], "queued", "(3)"],
        [12, ["INSTANCE_CREATE(web9)"], "success", (200, 0)],
    ]
    ((ops,),) = await rows("job", ["ops"], ["=", "id", "12"], jobs=jobs())
    assert ops[0]["osparams_private"] == {"key": "<redacted>"}
    found = await rows("job", ["id", "status"], ["=", "id", 99], jobs=jobs())
    assert found == [[99, "(3)"]]
    assert await rows("job", ["id", "archived"], jobs=jobs()) == [
        [3, True],
        [7, False],
        [12, False],
    ]
    found = await rows("job", ["id"], ["<", "end_ts", 150.5], jobs=jobs())
    assert found == [[7]]
    found = await rows("job", ["id"], ["<", "received_ts", 100.4], jobs=jobs())
    assert found == []
    found = await rows("job", ["id"], ["&", ["=", "id", "7"]], jobs=jobs())
    assert found == [[7]]


async def test_of_a_missing_job_there_is_only_the_id() -> None:
    found = await engine(cluster(), jobs=jobs()).query_jobs([12, "99"], ["id", "end_ts"])
    assert found == [[12, (200, 0)], [99, None]]
    with pytest.raises(OpPrereqError, match="not a job id"):
        await engine(cluster(), jobs=jobs()).query_jobs(["x"], ["id"])


async def test_locks_filters_and_exports() -> None:
    state = LockState(
        Level.NODE_RES,
        "node-1",
        Mode.INTENT_SHARED,
        ("7/TEST",),
        ((Mode.EXCLUSIVE, ("8/TEST",)),),
    )
    assert await rows("lock", ["name", "mode", "owner", "pending"], locks=[state]) == [
        ["node-res/node-1", "shared", ["7/TEST"], [["exclusive", ["8/TEST"]]]]
    ]
    live = FakeLive(exported={"node-1": ["web1", "b"]})
    assert await rows("export", ["node", "export"], live=live) == [
        ["node1.example.com", "b"],
        ["node1.example.com", "web1"],
        ["node2.example.com", "(2)"],
        ["node3.example.com", "(4)"],
    ]
    rules = [
        FilterRule(
            uuid=f"f{number}",
            watermark=0,
            priority=-number,
            predicates=(),
            action="ACCEPT",
            reason_trail=(),
        )
        for number in (0, 1)
    ]
    answer = await engine(m.view(*rules)).query("filter", ["uuid", "action"], None)
    assert answer["data"] == [[[0, "f1"], [0, "ACCEPT"]], [[0, "f0"], [0, "ACCEPT"]]]
