"""OP_EXT_STORAGE_DIAGNOSE."""

from pyganeti.model.errors import ECode
from pyganeti.opcodes.os import OpExtStorageDiagnose
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes
from tests.sim.storage.make import put_provider


async def test_compares_the_providers_of_all_nodes() -> None:
    cluster = SimCluster()
    for node in ("node1", "node2", "node3"):
        put_provider(cluster.nodes[node].paths, "pool where volumes lie\n")
    op = OpExtStorageDiagnose(
        output_fields=("name", "nodegroup_status", "parameters"), names=("shared", "missing")
    )
    pool = [["pool", "where volumes lie"]]
    assert await cluster.run(op) == [["shared", {"default": True}, pool]]
    assert changes(cluster) == []


async def test_refuses_an_unknown_field() -> None:
    op = OpExtStorageDiagnose(output_fields=("colour",))
    await assert_refused(SimCluster(), op, ECode.INVAL, "colour")
