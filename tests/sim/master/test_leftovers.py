"""What cannot be undone when its job ends: kept, told, tried again, and never too late."""

import pytest

from pyganeti.master.jobs.leftovers import FIRST_RETRY_S, RETRY_S
from pyganeti.model.errors import CallTimeout, ECode
from pyganeti.opcodes.cluster import OpClusterVerifyConfig
from pyganeti.opcodes.instance import OpInstanceRemove, OpInstanceShutdown, OpInstanceStartup
from pyganeti.opcodes.node import OpNodeRemove
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, failed
from tests.sim.instance.make import create

START = OpInstanceStartup(instance_name="web1")


async def interrupted(cluster: SimCluster) -> int:
    """A creation on ``node2``, which dies when it has started the guest; the job's id."""
    await cluster.master()
    cluster.nodes["node2"].dies_after = "instance_start"
    job = cluster.submit(create(pnode="node2"))
    assert isinstance(await failed(cluster, job), CallTimeout)
    cluster.nodes["node2"].dies_after = None
    return await job


async def test_what_is_left_stands_in_the_log_and_in_the_check() -> None:
    cluster = SimCluster()
    job_id = await interrupted(cluster)
    log = [line for line in cluster.log(job_id) if "could not be undone yet" in line]
    assert [line.split(": ")[1] for line in log] == ["start guest"]
    assert "node2" in log[0]
    check = cluster.submit(OpClusterVerifyConfig())
    await cluster.finished(check)
    told = [line for line in cluster.log(await check) if "still to be undone" in line]
    assert len(told) == len(cluster.backend.keys(Table.LEFTOVER)) > 1
    assert all(f"job {job_id}" in line for line in told)


async def test_name_and_addresses_stay_taken_while_the_guest_may_run() -> None:
    cluster = SimCluster()
    await interrupted(cluster)
    (nic,) = cluster.instance("web1").nics
    assert cluster.view.owners_of_mac(nic.mac) == [cluster.instance("web1")]


async def test_it_is_undone_when_the_node_is_back() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    await interrupted(cluster)
    assert cluster.footprint() != before
    cluster.nodes["node2"].reachable = True
    await cluster.clock.sleep(RETRY_S + 1.0)
    assert cluster.footprint() == before
    assert cluster.backend.keys(Table.LEFTOVER) == []


async def test_a_node_that_is_back_at_once_does_not_keep_it_waiting() -> None:
    cluster = SimCluster()
    await cluster.master()
    # Long ago nothing was left.
    await cluster.clock.sleep(RETRY_S * 10)
    before = cluster.footprint()
    await interrupted(cluster)
    cluster.nodes["node2"].reachable = True
    await cluster.clock.sleep(FIRST_RETRY_S + 1.0)
    assert cluster.footprint() == before


async def test_the_next_master_goes_on_with_it() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    await interrupted(cluster)
    await cluster.kill_master()
    cluster.nodes["node2"].reachable = True
    await cluster.master()
    await cluster.clock.sleep(RETRY_S + 1.0)
    assert cluster.footprint() == before


async def test_the_name_is_refused_while_something_is_left() -> None:
    cluster = SimCluster()
    await interrupted(cluster)
    await assert_refused(cluster, create(), ECode.STATE, "job 1", "start guest")


async def test_a_new_instance_of_the_name_survives_the_retry() -> None:
    cluster = SimCluster()
    await interrupted(cluster)
    cluster.nodes["node2"].reachable = True
    await cluster.run(create(pnode="node2"))
    await cluster.clock.sleep(RETRY_S * 2)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.backend.keys(Table.LEFTOVER) == []
    assert len(cluster.nodes["node2"].disks.disks) == 2


async def test_a_guest_started_later_survives_the_retry() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    await cluster.master()
    node = cluster.nodes["node2"]
    node.dies_after = "instance_start"
    await failed(cluster, cluster.submit(START))
    node.dies_after, node.reachable = None, True
    await cluster.run(START)
    await cluster.clock.sleep(RETRY_S * 2)
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.backend.keys(Table.LEFTOVER) == []


async def test_the_retry_waits_for_who_works_on_the_instance() -> None:
    cluster = SimCluster()
    await interrupted(cluster)
    async with cluster.instance_held("web1"):
        cluster.nodes["node2"].reachable = True
        await cluster.clock.sleep(RETRY_S * 3)
        assert cluster.guest_states("web1") == {"node2": "running"}
    await cluster.clock.sleep(RETRY_S)
    assert cluster.guest_states("web1") == {}


async def test_an_offline_node_does_not_keep_its_instances_from_being_used() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    await cluster.master()
    cluster.nodes["node2"].dies_after = "instance_start"
    await failed(cluster, cluster.submit(START))
    await cluster.mark_node("node2", offline=True)
    stop = OpInstanceShutdown(instance_name="web1", ignore_offline_nodes=True)
    await cluster.run(stop)
    assert cluster.backend.keys(Table.LEFTOVER) != []


async def test_nothing_is_left_on_a_node_that_was_removed() -> None:
    cluster = SimCluster()
    await interrupted(cluster)
    await cluster.mark_node("node2", offline=True)
    await cluster.run(OpInstanceRemove(instance_name="web1", ignore_failures=True))
    await cluster.run(OpNodeRemove(node_name="node2"))
    await cluster.clock.sleep(RETRY_S + 1.0)
    assert cluster.backend.keys(Table.LEFTOVER) == []


@pytest.mark.parametrize("dies", ["instance_os_add", "blockdev_assemble", "blockdev_create"])
async def test_a_node_that_dies_in_any_step_is_cleaned_when_it_is_back(dies: str) -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    cluster.nodes["node2"].dies_after = dies
    await failed(cluster, cluster.submit(create(pnode="node2")))
    cluster.nodes["node2"].dies_after = None
    cluster.nodes["node2"].reachable = True
    await cluster.clock.sleep(RETRY_S + 1.0)
    assert cluster.footprint() == before


async def test_a_master_that_dies_while_it_undoes_is_followed_by_one_that_does() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.failing["/create"] = "no mirror"
    cluster.dies_at_call("blockdev_remove")
    error = await failed(cluster, cluster.submit(create()))
    assert "the master daemon ended" in str(error)
    assert cluster.footprint() == before
    assert cluster.backend.keys(Table.JOURNAL) == []
