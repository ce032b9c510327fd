"""OP_CLUSTER_QUERY, OP_CLUSTER_CONFIG_QUERY."""

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterConfigQuery, OpClusterQuery
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes


async def test_a_job_answers_as_luxi_does() -> None:
    cluster = SimCluster()
    answer = await cluster.run(OpClusterQuery())
    methods = LuxiMethods(await cluster.master())
    direct = await methods.handle("QueryClusterInfo", [])
    assert answer.keys() == direct.keys()
    assert (answer["name"], answer["master"]) == (direct["name"], "node1")
    assert changes(cluster) == []


async def test_single_values_come_in_the_order_asked() -> None:
    cluster = SimCluster()
    op = OpClusterConfigQuery(output_fields=("master_node", "drain_flag", "cluster_name"))
    assert await cluster.run(op) == ["node1", False, cluster.view.cluster.cluster_name]
    assert changes(cluster) == []


async def test_refuses_an_unknown_value() -> None:
    op = OpClusterConfigQuery(output_fields=("colour",))
    await assert_refused(SimCluster(), op, ECode.INVAL, "colour")


async def test_luxi_has_null_for_an_unknown_value() -> None:
    methods = LuxiMethods(await SimCluster().master())
    assert await methods.handle("QueryConfigValues", [["colour", "master_node"]]) == [None, "node1"]
