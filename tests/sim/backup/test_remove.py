"""OP_BACKUP_REMOVE."""

import pytest

from pyganeti.model.errors import ECode, OpExecError
from pyganeti.opcodes.backup import OpBackupRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, fails
from tests.sim.backup.make import exports, put_export

OP = OpBackupRemove(instance_name="web1")


def exported() -> SimCluster:
    """Exports of ``web1`` on two nodes and of ``web2`` on one; there is no such instance."""
    cluster = SimCluster()
    put_export(cluster, "node1", "web1")
    put_export(cluster, "node2", "web1")
    put_export(cluster, "node2", "web2")
    return cluster


async def test_removes_it_from_all_nodes_and_keeps_others() -> None:
    cluster = exported()
    await cluster.run(OP)
    assert exports(cluster) == {"node2": ["web2"]}
    assert sorted(cluster.rpc_changes) == [("node1", "export_remove"), ("node2", "export_remove")]


async def test_an_instance_that_is_there_goes_by_its_short_name() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1.example.com")
    put_export(cluster, "node2", "web1.example.com")
    await cluster.run(OP)
    assert exports(cluster) == {}


async def test_that_there_is_none_is_said_and_no_error() -> None:
    cluster = SimCluster()
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert "full name" in "\n".join(cluster.log(await job))
    assert cluster.rpc_changes == []


@pytest.mark.parametrize("offline", [False, True])
async def test_a_node_that_does_not_say_is_named(offline: bool) -> None:
    cluster = exported()
    cluster.set_node("node3", offline=offline)
    cluster.nodes["node3"].reachable = False
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert exports(cluster) == {"node2": ["web2"]}
    (warning,) = cluster.log(await job)
    assert "node3" in warning


async def test_one_that_cannot_be_removed_fails_it() -> None:
    cluster = exported()
    place = put_export(cluster, "node3", "web1").parent
    (place / ".web1.gone").write_text("no directory")
    assert isinstance(await fails(cluster, OP), OpExecError)
    assert exports(cluster)["node3"] == [".web1.gone", "web1"]


async def test_refuses_what_is_no_name() -> None:
    op = OpBackupRemove(instance_name="../etc")
    await assert_refused(exported(), op, ECode.INVAL, "../etc")


async def test_waits_for_who_works_on_the_instance() -> None:
    cluster = exported()
    async with cluster.instance_held("web1"):
        job = cluster.submit(OP)
        await cluster.run(OpBackupRemove(instance_name="web2"))
        assert exports(cluster) == {"node1": ["web1"], "node2": ["web1"]}
    await cluster.finished(job)
    assert exports(cluster) == {}


async def test_can_be_repeated_from_every_fault_point() -> None:
    await assert_repeatable(exported, OP)
