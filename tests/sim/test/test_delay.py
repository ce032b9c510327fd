"""OP_TEST_DELAY."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, fails, make_op

ON_NODE = OpTestDelay(duration=1.0, on_master=False, on_nodes=("node2",))


async def test_lets_time_pass_on_the_master() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.clock.monotonic()
    await cluster.run(OpTestDelay(duration=10.0, repeat=3))
    assert cluster.clock.monotonic() - before >= 30.0


async def test_lets_time_pass_on_nodes_at_once() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.clock.monotonic()
    await cluster.run(OpTestDelay(duration=10.0, on_master=False, on_nodes=("node2", "node3")))
    assert 10.0 <= cluster.clock.monotonic() - before < 20.0
    assert sorted(cluster.rpc_changes) == [("node2", "test_delay"), ("node3", "test_delay")]


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"duration": -1.0}, ECode.INVAL, "-1"),
        ({"duration": 1.0, "on_nodes": ["node9"]}, ECode.NOENT, "node9"),
        ({"duration": 1.0, "interruptible": True}, ECode.STATE, "interruptible"),
    ],
)
async def test_refuses_before_any_change(
    parameters: dict[str, object], code: ECode, said: str
) -> None:
    await assert_refused(SimCluster(), make_op(OpTestDelay, **parameters), code, said)


async def test_a_silent_node_fails_it() -> None:
    cluster = SimCluster()
    cluster.nodes["node2"].reachable = False
    assert "node2" in str(await fails(cluster, ON_NODE))


async def test_waits_for_the_locks_of_its_nodes() -> None:
    cluster = SimCluster()
    op = OpTestDelay(duration=1.0, on_nodes=("node2",), no_locks=False)
    async with cluster.lock_held("node2"):
        job = cluster.submit(op)
        await job
        await cluster.clock.sleep(100.0)
        assert cluster.rpc_changes == []
    await cluster.finished(job)


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(SimCluster, ON_NODE)
