"""OP_OS_DIAGNOSE."""

import os

from pyganeti.model.errors import ECode
from pyganeti.opcodes.os import OpOsDiagnose
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes

FIELDS = ("name", "valid", "variants", "parameters", "api_versions", "node_status")


async def test_compares_the_definitions_of_all_nodes() -> None:
    cluster = SimCluster()
    ((name, valid, variants, parameters, versions, status),) = await cluster.run(
        OpOsDiagnose(output_fields=FIELDS)
    )
    assert (name, valid) == ("noop", True)
    assert variants == ["default", "minimal"]
    assert parameters == [["message", "what to say"]]
    assert versions == [20]
    assert sorted(status) == ["node1", "node2", "node3"]
    assert changes(cluster) == []


async def test_one_that_a_node_lacks_is_not_valid() -> None:
    cluster = SimCluster()
    os.unlink(cluster.nodes["node2"].paths.os_search_path()[0])
    rows = await cluster.run(OpOsDiagnose(output_fields=("name", "valid", "node_status")))
    ((_, valid, status),) = [row for row in rows if row[0] == "noop"]
    assert not valid
    assert status["node2"] == []


async def test_nodes_that_are_silent_or_offline_are_left_out() -> None:
    cluster = SimCluster()
    cluster.set_node("node3", offline=True)
    await cluster.master()
    cluster.nodes["node2"].reachable = False
    ((valid, status),) = await cluster.run(OpOsDiagnose(output_fields=("valid", "node_status")))
    assert valid
    assert list(status) == ["node1"]


async def test_an_unknown_os_has_no_row() -> None:
    op = OpOsDiagnose(output_fields=("name",), names=("missing", "noop"))
    assert await SimCluster().run(op) == [["noop"]]


async def test_refuses_an_unknown_field() -> None:
    op = OpOsDiagnose(output_fields=("colour",))
    await assert_refused(SimCluster(), op, ECode.INVAL, "colour")
