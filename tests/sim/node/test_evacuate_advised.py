"""OP_NODE_EVACUATE where an allocator says how."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.node import OpNodeEvacuate
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, make_op
from tests.sim.instance.make import START
from tests.sim.instance.make_drbd import known

MOVE = {"OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": "web1", "target_node": "node3"}
RESULT = [[["web1", "default", ["node3"]]], [], [[MOVE]]]


def op(**parameters: Any) -> OpNodeEvacuate:  # Any: opcode parameters
    """Evacuate ``node1`` as ``mine`` advises."""
    wanted = {"node_name": "node1", "mode": "primary-only", "iallocator": "mine"}
    return make_op(OpNodeEvacuate, **{**wanted, **parameters})


def cluster(**more: Any) -> SimCluster:  # Any: fields of the answer
    """``web1`` on ``node1``, on shared disks; ``mine`` answers."""
    made = SimCluster()
    made.add_instance("web1", shared=True)
    answer = {"success": True, "info": "", "result": RESULT, **more}
    made.nodes["node1"].put_allocator("mine", answer)
    return made


async def test_the_jobs_of_the_allocator_are_done() -> None:
    made = cluster()
    await made.run(START)
    job = made.submit(op(mode="all"))
    result = await made.finished(job)
    ((_, move),) = result["jobs"]
    await made.finished(known(move))
    assert made.guest_states("web1") == {"node3": "running"}
    assert made.log(await job) == ["Instance web1 goes to node3"]


@pytest.mark.parametrize("ignored", [True, False, None])
async def test_the_allocator_is_told_to_ignore_soft_errors(ignored: bool | None) -> None:
    made = cluster()
    await made.run(op(ignore_soft_errors=ignored))
    (command,) = made.nodes["node1"].programs.ran
    assert ("--ignore-soft-errors" in command.argv) is bool(ignored)


async def test_a_dry_run_says_what_would_be_done() -> None:
    made = cluster()
    job = made.submit(op(mode="all", dry_run=True))
    await made.finished(job)
    assert made.log(await job) == [
        "Dry run: would move instance web1 to node3",
        "Dry run: would submit a job of INSTANCE_FAILOVER(web1)",
    ]


async def test_nothing_is_asked_where_nothing_leaves() -> None:
    made = cluster()
    assert await made.run(op(mode="secondary-only")) == {"jobs": []}
    assert await made.run(op(node_name="node2")) == {"jobs": []}
    assert made.nodes["node1"].programs.ran == []


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"remote_node": "node2"}, ECode.INVAL, "not both"),
        ({"iallocator": "other"}, ECode.ENVIRON, "other"),
        ({"iallocator": "."}, ECode.INVAL, "no default one"),
        ({"node_name": "node9"}, ECode.NOENT, "node9"),
    ],
)
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(cluster(), op(**parameters), code, said)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"success": False, "info": "all full"}, ECode.NORES, "all full"),
        ({"result": [[], [["web1", "too large"]], []]}, ECode.NORES, "web1 (too large)"),
        ({"result": [[], [["web2", "why"]], []]}, ECode.ENVIRON, "web2"),
    ],
)
async def test_refuses_other_answers(answer: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(cluster(**answer), op(), code, "mine", said)
