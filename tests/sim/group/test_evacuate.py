"""OP_GROUP_EVACUATE."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.group import OpGroupEvacuate
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import START
from tests.sim.instance.make_drbd import known


def failover(name: str) -> dict[str, Any]:  # Any: JSON
    return {"OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": name, "target_node": "node3"}


def migration(name: str) -> dict[str, Any]:  # Any: JSON
    return {**failover(name), "OP_ID": "OP_INSTANCE_MIGRATE"}


def answer(*moves: dict[str, Any], failed: tuple[list[str], ...] = ()) -> dict[str, Any]:
    # Any: JSON
    moved = [[move["instance_name"], "rack2", ["node3"]] for move in moves]
    result = [moved, list(failed), [[move] for move in moves]]
    return {"success": True, "info": "Request successful", "result": result}


BOTH = answer(migration("web1"), failover("web2"))


def op(**parameters: Any) -> OpGroupEvacuate:  # Any: opcode parameters
    """Empty ``default`` as ``mine`` advises."""
    return make_op(OpGroupEvacuate, **{"group_name": "default", "iallocator": "mine", **parameters})


def cluster(said: object = BOTH, *, shared: bool = True) -> SimCluster:
    """``web1`` and ``web2`` in ``default``; ``node3`` is in ``rack2``; ``mine`` says this."""
    made = SimCluster()
    made.add_instance("web1", shared=shared)
    made.add_instance("web2", node="node2", shared=True)
    made.set_node("node3", group=made.add_group("rack2"))
    made.nodes["node1"].put_allocator("mine", said)
    return made


async def submitted(made: SimCluster, asked: OpGroupEvacuate) -> list[dict[str, Any]]:
    # Any: opcodes as JSON
    result = await made.run(asked)
    assert all(accepted for accepted, _ in result["jobs"])
    queue = (await made.master()).queue
    return [dict(queue.get(job).ops[0].input) for _, job in result["jobs"]]


async def test_all_instances_of_the_group_leave_it() -> None:
    made = cluster()
    await made.run(START)
    job = made.submit(op(priority=-10))
    result = await made.finished(job)
    for _, move in result["jobs"]:
        await made.finished(known(move))
    assert made.view.instances_of_group(made.view.group("default").uuid) == []
    assert made.guest_states("web1") == {"node3": "running"}
    assert "Instance web2 goes to node3" in made.log(await job)
    queue = (await made.master()).queue
    assert [queue.get(move).ops[0].input["priority"] for _, move in result["jobs"]] == [-10, -10]


async def test_without_migrations_if_asked() -> None:
    moves = await submitted(cluster(), op(force_failover=True))
    assert [move["OP_ID"] for move in moves] == ["OP_INSTANCE_FAILOVER"] * 2
    assert moves[0]["target_node"] == "node3"
    moves = await submitted(cluster(), op())
    assert [move["OP_ID"] for move in moves] == ["OP_INSTANCE_MIGRATE", "OP_INSTANCE_FAILOVER"]


async def test_one_after_the_other_if_asked() -> None:
    made = cluster(answer(migration("web1"), failover("web2"), failover("web3")))
    made.add_instance("web3", node="node2", shared=True)
    result = await made.run(op(sequential=True))
    jobs = [job for _, job in result["jobs"]]
    assert len(jobs) == 3
    queue = (await made.master()).queue
    first, *others = [queue.get(job).ops[0].input for job in jobs]
    assert not first.get("depends")
    for before, move in zip(jobs, others, strict=False):
        ((number, states),) = move["depends"]
        assert number == before
        assert sorted(states) == ["canceled", "error", "success"]
    assert not any(move.get("depends") for move in await submitted(cluster(), op()))


@pytest.mark.parametrize(
    ("given", "wanted"), [(None, "rack2 rack3"), (["rack3"], "rack3"), ([], "rack2 rack3")]
)
async def test_instances_come_to_the_groups_given_or_to_all_others(
    given: list[str] | None, wanted: str
) -> None:
    made = cluster()
    made.add_group("rack3")
    for node in made.nodes.values():
        node.put_hook("group-evacuate-pre.d/10-log")
    await made.run(op(target_groups=given))
    ran = {
        name: (one.env or {})["GANETI_TARGET_GROUPS"]
        for name, node in made.nodes.items()
        for one in node.programs.ran
        if "10-log" in one.argv[0]
    }
    assert ran == {"node1": wanted, "node2": wanted}


async def test_an_empty_group_needs_no_answer() -> None:
    made = cluster("garbage")
    assert await made.run(op(group_name="rack2")) == {"jobs": []}


async def test_a_dry_run_names_the_jobs() -> None:
    made = cluster()
    job = made.submit(op(dry_run=True))
    await made.finished(job)
    assert made.log(await job) == [
        "Dry run: would move instance web1 to node3",
        "Dry run: would move instance web2 to node3",
        "Dry run: would submit a job of INSTANCE_MIGRATE(web1)",
        "Dry run: would submit a job of INSTANCE_FAILOVER(web2)",
    ]
    assert changes(made) == []


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"target_groups": ["default"]}, ECode.INVAL, "the one to be evacuated"),
        ({"target_groups": ["rack2", "default"]}, ECode.INVAL, "the one to be evacuated"),
        ({"target_groups": ["rack9"]}, ECode.NOENT, "rack9"),
        ({"group_name": "rack9"}, ECode.NOENT, "rack9"),
        ({"iallocator": None}, ECode.INVAL, "-I"),
        ({"iallocator": "other"}, ECode.ENVIRON, "other"),
    ],
)
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(cluster(), op(**parameters), code, said)


async def test_refuses_where_there_is_no_other_group() -> None:
    await assert_refused(SimCluster(), op(), ECode.INVAL, "no other node group")


async def test_refuses_disks_that_are_on_one_node_only() -> None:
    await assert_refused(cluster(shared=False), op(), ECode.STATE, "web1", "gnt-instance move")


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        ({"success": False, "info": "no memory", "result": []}, ECode.NORES, "no memory"),
        (
            answer(failover("web1"), failed=(["web2", "too large"],)),
            ECode.NORES,
            "web2 (too large)",
        ),
        (answer(failover("web9")), ECode.ENVIRON, "web9"),
        ("garbage", ECode.ENVIRON, "mine"),
    ],
)
async def test_refuses_other_answers(said: object, code: ECode, text: str) -> None:
    await assert_refused(cluster(said), op(), code, text)


async def test_the_default_allocator_is_asked() -> None:
    made = cluster()
    await made.run(make_op(OpClusterSetParams, default_iallocator="mine"))
    assert len(await submitted(made, op(iallocator=None))) == 2
