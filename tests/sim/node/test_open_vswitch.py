"""The switch of nodes with the parameter ``ovs``: made when the cluster begins, and by node add."""

from pyganeti.model.node import Node
from pyganeti.opcodes.cluster import OpClusterPostInit
from pyganeti.opcodes.node import OpNodeAdd
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import fails

ADD = OpNodeAdd(node_name="node4", ndparams={"ovs": True, "ovs_name": "sw0", "ovs_link": "eth1"})


def prepared() -> SimCluster:
    """Three nodes and a machine that may join."""
    cluster = SimCluster()
    cluster.prepare_node("node4", "192.0.2.4")
    return cluster


def with_switches() -> SimCluster:
    """A cluster of its master where every node is to have a switch."""
    return SimCluster(1, options={"ndparams": {"ovs": True}})


def switches(cluster: SimCluster, name: str) -> dict[str, set[str]]:
    return cluster.nodes[name].network.switches


async def test_a_new_node_gets_the_switch_that_it_is_to_have() -> None:
    cluster = prepared()
    await cluster.run(ADD)
    assert switches(cluster, "node4") == {"sw0": {"eth1"}}
    assert switches(cluster, "node1") == {}


async def test_a_node_without_the_parameter_gets_none() -> None:
    cluster = prepared()
    await cluster.run(OpNodeAdd(node_name="node4", ndparams={"ovs_name": "sw0"}))
    assert switches(cluster, "node4") == {}


async def test_the_cluster_may_ask_for_switches_and_their_name_has_a_default() -> None:
    cluster = with_switches()
    cluster.prepare_node("node2", "192.0.2.2")
    job = await cluster.submit(OpNodeAdd(node_name="node2", ndparams={"ovs_name": ""}))
    await cluster.clock.sleep(60.0)
    assert switches(cluster, "node2") == {"switch1": set()}
    assert any("no connection to the outside" in line for line in cluster.log(job))


async def test_the_first_node_gets_its_switch_when_the_cluster_begins() -> None:
    cluster = with_switches()
    await cluster.run(OpClusterPostInit())
    assert switches(cluster, "node1") == {"switch1": set()}


async def test_a_node_that_cannot_have_its_switch_is_not_added() -> None:
    cluster = prepared()
    cluster.nodes["node4"].network.interfaces = frozenset()
    error = await fails(cluster, ADD)
    assert "switch 'sw0': interface 'eth1' does not exist" in str(error)
    assert [node.name for node in nodes(cluster)] == ["node1", "node2", "node3"]


def nodes(cluster: SimCluster) -> tuple[Node, ...]:
    return tuple(cluster.view.all_nodes())


async def test_each_fault_leaves_the_node_added_or_not() -> None:
    await assert_unwinds(prepared, ADD)


async def test_the_beginning_can_be_repeated_after_each_fault() -> None:
    await assert_repeatable(with_switches, OpClusterPostInit())
