"""OP_TEST_DUMMY."""

import pytest

from pyganeti.model.errors import ECode, OpCodeUnknown, OpExecError
from pyganeti.opcodes.codec import decode, encode
from pyganeti.opcodes.test import OpTestDelay, OpTestDummy, OpTestOsParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, fails, make_op


async def test_says_and_answers_what_it_is_told() -> None:
    cluster = SimCluster()
    job = await cluster.submit(OpTestDummy(messages=["a", "b"], result={"x": [1]}))
    await cluster.clock.sleep(1.0)
    (op,) = (await cluster.master()).queue.get(job).ops
    assert (op.status, op.result) == ("success", {"x": [1]})
    assert cluster.log(job) == ["a", "b"]


async def test_submits_jobs() -> None:
    cluster = SimCluster()
    jobs = [[encode(OpTestDelay(duration=1.0))], [encode(OpTestDelay(duration=2.0))] * 2]
    job = cluster.submit(OpTestDummy(submit_jobs=jobs))
    await cluster.finished(job)
    await cluster.clock.sleep(10.0)
    found = (await cluster.master()).queue.current_jobs()
    assert [(one.status.value, len(one.ops)) for one in found] == [
        ("success", 1),
        ("success", 1),
        ("success", 2),
    ]
    assert cluster.log(await job) == ["submitted job 2", "submitted job 3"]


async def test_secrets_in_the_jobs_it_submits_arrive_there_and_are_not_stored() -> None:
    cluster = SimCluster()
    secret = encode(OpTestOsParams(osparams_secret={"password": "hunter2"}))
    await cluster.run(OpTestDummy(submit_jobs=[[secret]]))
    await cluster.clock.sleep(1.0)
    first, second = (await cluster.master()).queue.current_jobs()
    assert second.status == "success"
    for job in (first, second):
        assert b"hunter2" not in job.to_json()
        assert b"<redacted>" in job.to_json()


async def test_fails_when_told_to() -> None:
    cluster = SimCluster()
    error = await fails(cluster, OpTestDummy(messages=["a"], fail="on purpose"))
    assert isinstance(error, OpExecError)
    assert "on purpose" in str(error)
    assert cluster.log(1) == ["a"]


async def test_a_job_that_is_refused_fails_it() -> None:
    first = encode(make_op(OpTestDelay, duration=1.0, depends=[[-7, []]]))
    assert "-7" in str(await fails(SimCluster(), OpTestDummy(submit_jobs=[[first]])))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"messages": "a"}, "messages"),
        ({"messages": [1]}, "messages"),
        ({"submit_jobs": "a"}, "submit_jobs"),
        ({"submit_jobs": [[]]}, "submit_jobs"),
        ({"submit_jobs": [[{"OP_ID": "OP_TEST_DELAY"}]]}, "duration"),
    ],
)
async def test_refuses_before_any_change(parameters: dict[str, object], said: str) -> None:
    await assert_refused(SimCluster(), make_op(OpTestDummy, **parameters), ECode.INVAL, said)


def test_an_unknown_opcode_is_refused() -> None:
    with pytest.raises(OpCodeUnknown):
        decode({"OP_ID": "OP_TEST_NOTHING"})
