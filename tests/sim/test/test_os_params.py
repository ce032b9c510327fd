"""OP_TEST_OS_PARAMS."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.test import OpTestDelay, OpTestOsParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, failed
from tests.sim.master.queueing import limited

OP = OpTestOsParams(osparams_secret={"password": "hunter2", "key": "tigress3"})


async def test_names_the_parameters_and_shows_no_value() -> None:
    cluster = SimCluster()
    job = cluster.submit(OP)
    await cluster.finished(job)
    (line,) = cluster.log(await job)
    assert line.endswith("key, password")
    stored = (await cluster.master()).queue.get(await job).to_json().decode()
    assert stored.count("<redacted>") == 2
    for text in (line, stored):
        assert "hunter2" not in text
        assert "tigress3" not in text


async def test_one_that_waits_when_the_master_ends_is_an_error_and_never_runs() -> None:
    cluster = await limited(1)
    cluster.submit(OpTestDelay(duration=100.0))
    job = cluster.submit(OP)
    await cluster.clock.sleep(10.0)
    await cluster.kill_master()
    error = await failed(cluster, job)
    assert isinstance(error, OpPrereqError)
    assert "secret parameters were lost" in str(error)
    assert cluster.log(await job) == []


@pytest.mark.parametrize(
    ("secrets", "code", "said"),
    [
        (None, ECode.INVAL, "no secret"),
        ({}, ECode.INVAL, "no secret"),
        ({"password": "<redacted>"}, ECode.FAULT, "password"),
    ],
)
async def test_refuses_what_holds_no_secret(
    secrets: dict[str, Any] | None, code: ECode, said: str
) -> None:
    await assert_refused(SimCluster(), OpTestOsParams(osparams_secret=secrets), code, said)
