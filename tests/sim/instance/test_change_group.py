"""OP_INSTANCE_CHANGE_GROUP."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceChangeGroup
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import START
from tests.sim.instance.make_drbd import known

MOVE = {"OP_ID": "OP_INSTANCE_FAILOVER", "instance_name": "web1", "target_node": "node3"}
RESULT = [[["web1", "rack2", ["node3"]]], [], [[MOVE]]]
GOOD = {"success": True, "info": "Request successful", "result": RESULT}


def op(**parameters: Any) -> OpInstanceChangeGroup:  # Any: opcode parameters
    """Move ``web1`` as ``mine`` advises."""
    return make_op(
        OpInstanceChangeGroup, **{"instance_name": "web1", "iallocator": "mine", **parameters}
    )


def cluster(answer: object = GOOD, *, shared: bool = True) -> SimCluster:
    """``web1`` on ``node1``; ``node3`` is in the group ``rack2``; ``mine`` gives this answer."""
    made = SimCluster()
    made.add_instance("web1", shared=shared)
    made.set_node("node3", group=made.add_group("rack2"))
    made.nodes["node1"].put_allocator("mine", answer)
    return made


def group(made: SimCluster) -> str:
    return made.view.group_of(made.view.node(made.instance("web1").primary_node)).name


async def test_the_moves_of_the_allocator_are_done() -> None:
    made = cluster()
    await made.run(START)
    job = made.submit(op(priority=-10))
    result = await made.finished(job)
    ((accepted, move),) = result["jobs"]
    assert accepted
    await made.finished(known(move))
    assert group(made) == "rack2"
    assert made.guest_states("web1") == {"node3": "running"}
    assert "Instance web1 goes to node3" in made.log(await job)
    (submitted,) = (await made.master()).queue.get(move).ops
    assert submitted.input["priority"] == -10
    (program,) = (one for one in made.nodes["node1"].programs.ran if "mine" in one.argv[0])
    assert len(program.argv) == 2


async def test_the_default_allocator_gets_the_clusters_parameters() -> None:
    made = cluster()
    settings = {
        "default_iallocator": "mine",
        "default_iallocator_params": {"fast": "", "tries": "3"},
    }
    await made.run(make_op(OpClusterSetParams, **settings))
    for name in (None, "."):
        await made.run(op(iallocator=name, dry_run=True))
    ran = [one.argv[1:-1] for one in made.nodes["node1"].programs.ran if "mine" in one.argv[0]]
    assert ran == [("--fast", "--tries=3")] * 2


async def test_mirrors_are_freed_early_if_asked() -> None:
    move = {
        "OP_ID": "OP_INSTANCE_REPLACE_DISKS",
        "instance_name": "web1",
        "mode": "replace_new_secondary",
        "remote_node": "node3",
    }
    answer = {**GOOD, "result": [[], [], [[move]]]}
    for early in (True, False):
        made = cluster(answer)
        result = await made.run(op(early_release=early))
        (submitted,) = (await made.master()).queue.get(result["jobs"][0][1]).ops
        assert submitted.input["early_release"] is early


async def test_a_dry_run_names_the_jobs() -> None:
    made = cluster()
    job = made.submit(op(dry_run=True))
    await made.finished(job)
    assert made.log(await job) == [
        "Dry run: would move instance web1 to node3",
        "Dry run: would submit a job of INSTANCE_FAILOVER(web1)",
    ]
    assert changes(made) == []


async def test_groups_are_named_to_hooks_which_run_on_the_master() -> None:
    made = cluster()
    for node in made.nodes.values():
        node.put_hook("instance-change-group-pre.d/50-note")
    await made.run(op(target_groups=["rack2"]))
    hooks = {
        name: [one for one in node.programs.ran if "50-note" in one.argv[0]]
        for name, node in made.nodes.items()
    }
    assert [len(hooks[name]) for name in sorted(hooks)] == [1, 0, 0]
    assert (hooks["node1"][0].env or {})["GANETI_TARGET_GROUPS"] == "rack2"


async def test_a_node_that_does_not_answer_is_named() -> None:
    made = cluster()
    made.nodes["node2"].reachable = False
    job = made.submit(op())
    await made.finished(job)
    text = "Warning: node node2 does not answer, nothing comes to it"
    assert text in made.log(await job)


# --- refused


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"target_groups": ["rack9"]}, ECode.NOENT, "rack9"),
        ({"target_groups": ["default"]}, ECode.INVAL, "already"),
        ({"instance_name": "web9"}, ECode.NOENT, "web9"),
        ({"iallocator": None}, ECode.INVAL, "-I"),
        ({"iallocator": "other"}, ECode.ENVIRON, "other"),
        ({"iallocator": "../mine"}, ECode.ENVIRON, "../mine"),
    ],
)
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(cluster(), op(**parameters), code, said)


async def test_refuses_where_there_is_no_other_group() -> None:
    made = SimCluster()
    made.add_instance("web1", shared=True)
    await assert_refused(made, op(), ECode.INVAL, "no other node group")


async def test_refuses_disks_that_are_on_one_node_only() -> None:
    await assert_refused(cluster(shared=False), op(), ECode.STATE, "gnt-instance move")


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"success": False, "info": "no memory", "result": []}, ECode.NORES, "no memory"),
        ({**GOOD, "result": [[], [["web1", "too large"]], []]}, ECode.NORES, "too large"),
        ({**GOOD, "result": ["node3"]}, ECode.ENVIRON, "shape"),
        ({"success": True, "info": ""}, ECode.ENVIRON, "shape"),
        ({"info": "x", "result": RESULT}, ECode.ENVIRON, "success"),
        ("", ECode.ENVIRON, "as allocators do"),
        ("\x1b[31mgarbage", ECode.ENVIRON, "as allocators do"),
        ([1, 2], ECode.ENVIRON, "as allocators do"),
    ],
)
async def test_refuses_other_answers(answer: object, code: ECode, said: str) -> None:
    await assert_refused(cluster(answer), op(), code, "mine", said)


async def test_an_allocator_that_fails_is_named_with_its_words() -> None:
    made = cluster()
    made.nodes["node1"].programs.failing["/iallocators/mine"] = "cannot read"
    await assert_refused(made, op(), ECode.ENVIRON, "mine", "exited with code 1")


async def test_the_old_name_of_the_result_is_read() -> None:
    made = cluster({"success": True, "info": "", "nodes": RESULT})
    assert (await made.run(op()))["jobs"][0][0] is True
