"""OP_GROUP_RENAME."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.group import OpGroupRename
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, make_op
from tests.sim.group.make import grouped

OP = OpGroupRename(group_name="rack2", new_name="rack9")


async def test_a_group_gets_another_name_and_keeps_all_else() -> None:
    cluster = grouped()
    before = cluster.view.group("rack2")
    assert await cluster.run(OP) == "rack9"
    after = cluster.view.group("rack9")
    assert (after.uuid, after.ndparams) == (before.uuid, before.ndparams)
    assert cluster.view.find_group("rack2") is None
    assert [node.name for node in cluster.view.nodes_of_group(after.uuid)] == ["node3"]
    assert changes(cluster) == []


async def test_all_nodes_read_the_new_name() -> None:
    cluster = grouped()
    await cluster.run(OP)
    await cluster.clock.sleep(2.0)
    for node in cluster.nodes.values():
        assert "rack9" in (node.ssconf("nodegroups") or "")


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("rack9", "rack8", ECode.NOENT, "rack9"),
        ("rack2", "default", ECode.EXISTS, "default"),
        ("rack2", "rack2", ECode.EXISTS, "rack2"),
        ("rack2", "a\tb", ECode.INVAL, "printable"),
    ],
)
async def test_refuses_before_any_change(old: str, new: str, code: ECode, said: str) -> None:
    op = make_op(OpGroupRename, group_name=old, new_name=new)
    await assert_refused(grouped(), op, code, said)


async def test_of_two_at_once_one_gets_the_name() -> None:
    cluster = grouped()
    jobs = [
        cluster.submit(OpGroupRename(group_name=name, new_name="rack9"))
        for name in ("rack2", "rack3")
    ]
    await cluster.finished(jobs[0])
    assert "already" in str(await failed(cluster, jobs[1]))


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(grouped, OP)
