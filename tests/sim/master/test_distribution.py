"""Files that follow from the configuration reach the nodes, and only those that changed."""

import pytest

from pyganeti.kit.files import read_bytes
from pyganeti.master.distribution import DELAY_S, RETRY_S
from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import TagKind
from pyganeti.model.ssconf import ssconf_values
from pyganeti.opcodes.cluster import OpClusterRedistConf
from pyganeti.opcodes.instance import OpInstanceRemove, OpInstanceShutdown
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import running, stopped

TAG = OpTagsSet(kind=TagKind.CLUSTER, tags=("blue",))


async def settled(cluster: SimCluster) -> None:
    await cluster.master()
    await cluster.clock.sleep(DELAY_S + 1.0)
    for node in cluster.nodes.values():
        node.ssconf_written.clear()


async def test_all_nodes_get_all_values_at_the_start() -> None:
    cluster = SimCluster()
    await cluster.master()
    await cluster.clock.sleep(DELAY_S + 1.0)
    wanted = ssconf_values(cluster.view)
    for node in cluster.nodes.values():
        found = {key: node.ssconf(key) for key in wanted}
        assert {key: (text or "").rstrip("\n") for key, text in found.items()} == wanted


async def test_only_values_that_changed_are_sent() -> None:
    cluster = SimCluster()
    await settled(cluster)
    await cluster.run(TAG)
    await cluster.clock.sleep(DELAY_S + 1.0)
    for node in cluster.nodes.values():
        assert node.ssconf_written == [{"cluster_tags"}]
        assert (node.ssconf("cluster_tags") or "").split() == ["blue"]


async def test_changes_that_concern_no_value_send_nothing() -> None:
    cluster = await running()
    await settled(cluster)
    await cluster.run(OpInstanceShutdown(instance_name="web1"))
    await cluster.clock.sleep(DELAY_S + 1.0)
    assert [node.ssconf_written for node in cluster.nodes.values()] == [[], [], []]


async def test_several_changes_make_one_call() -> None:
    cluster = stopped()
    cluster.add_instance("web2")
    await settled(cluster)
    for name in ("web1", "web2"):
        await cluster.run(OpInstanceRemove(instance_name=name))
    await cluster.clock.sleep(DELAY_S + 1.0)
    assert [node.ssconf_written for node in cluster.nodes.values()] == [[{"instance_list"}]] * 3


async def test_a_node_that_was_missed_gets_it_when_it_is_back() -> None:
    cluster = SimCluster()
    await settled(cluster)
    cluster.nodes["node2"].reachable = False
    await cluster.run(TAG)
    await cluster.clock.sleep(RETRY_S)
    cluster.nodes["node2"].reachable = True
    await cluster.clock.sleep(RETRY_S * 2)
    assert (cluster.nodes["node2"].ssconf("cluster_tags") or "").split() == ["blue"]


async def test_an_offline_node_is_left_alone() -> None:
    cluster = SimCluster()
    cluster.set_node("node3", offline=True)
    await settled(cluster)
    await cluster.run(TAG)
    await cluster.clock.sleep(60.0)
    assert cluster.nodes["node3"].ssconf("cluster_name") is None


async def test_redist_conf_sends_everything_again() -> None:
    cluster = SimCluster()
    await settled(cluster)
    await cluster.run(OpClusterRedistConf())
    everything = set(ssconf_values(cluster.view))
    assert [node.ssconf_written for node in cluster.nodes.values()] == [[everything]] * 3


@pytest.mark.parametrize("name", ["node2", "node3"])
async def test_candidates_get_the_files_of_the_masters_role(name: str) -> None:
    cluster = SimCluster()
    cluster.set_node("node3", master_candidate=False)
    await settled(cluster)
    assert cluster.nodes[name].has_authority_key is (name == "node2")


async def test_all_nodes_learn_of_the_watchers_pause_and_of_its_end() -> None:
    cluster = SimCluster()
    await settled(cluster)
    cluster.nodes["node2"].reachable = False
    for until, wanted in ((cluster.clock.now() + 3600.0, True), (None, False)):
        await LuxiMethods(await cluster.master()).handle("SetWatcherPause", (until,))
        await cluster.clock.sleep(RETRY_S * 2)
        cluster.nodes["node2"].reachable = True
        await cluster.clock.sleep(RETRY_S * 2)
        told = [read_bytes(node.paths.watcher_pause) for node in cluster.nodes.values()]
        assert told == [f"{until:.0f}\n".encode() if wanted else b""] * 3
