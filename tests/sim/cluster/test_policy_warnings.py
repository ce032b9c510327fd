"""``gnt-cluster modify`` names the instances that a new policy does not admit."""

from pyganeti.opcodes.cluster import OpClusterSetParams, OpClusterVerifyGroup
from pyganeti.opcodes.group import OpGroupSetParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op
from tests.sim.instance.make import create


async def two_groups() -> SimCluster:
    """``web1`` is small, ``web2`` is large; ``web3``, which is large, is in another group."""
    cluster = SimCluster()
    cluster.set_node("node3", group=cluster.add_group("rack2"))
    for name, node, memory in (("web1", "node1", 128), ("web2", "node2", 512)):
        size = {"maxmem": memory, "minmem": memory}
        await cluster.run(create(name, pnode=node, beparams=size, disks=[{"size": 1024}]))
    large = {"maxmem": 512, "minmem": 512}
    await cluster.run(create("web3", pnode="node3", beparams=large, disks=[{"size": 1024}]))
    return cluster


def limited(cluster: SimCluster, memory: int = 256) -> dict[str, object]:
    """The cluster's policy with another limit of memory."""
    (pair,) = cluster.view.ipolicy(cluster.view.group("default")).minmax
    low, high = ({name.replace("_", "-"): getattr(spec, name) for name in spec.__struct_fields__}
                 for spec in (pair.min, pair.max))  # fmt: skip
    return {"minmax": [{"min": low, "max": {**high, "memory-size": memory}}]}


async def warnings(cluster: SimCluster, op: OpClusterSetParams) -> list[str]:
    """What a change warns of."""
    job = cluster.submit(op)
    await cluster.finished(job)
    return [line for line in cluster.log(await job) if line.startswith("Warning")]


async def test_instances_are_named_by_group_and_stay_as_they_are() -> None:
    cluster = await two_groups()
    op = make_op(OpClusterSetParams, ipolicy=limited(cluster))
    text = "Warning: the new instance policy does not admit instances"
    assert await warnings(cluster, op) == [
        f"{text} web2 of node group default",
        f"{text} web3 of node group rack2",
    ]
    # They are outside of it already, which is no news.
    assert await warnings(cluster, op) == []
    job = cluster.submit(OpClusterVerifyGroup(group_name="default", error_codes=True))
    assert await cluster.finished(job)
    (found,) = [line for line in cluster.log(await job) if "EINSTANCEPOLICY" in line]
    assert "WARNING:EINSTANCEPOLICY:instance:web2:memory-size value 512" in found


async def test_a_group_with_limits_of_its_own_is_not_concerned() -> None:
    cluster = await two_groups()
    wide = limited(cluster, 32768)
    await cluster.run(make_op(OpGroupSetParams, group_name="rack2", ipolicy=wide))
    found = await warnings(cluster, make_op(OpClusterSetParams, ipolicy=limited(cluster)))
    assert [line.rpartition(" ")[2] for line in found] == ["default"]
    assert await warnings(cluster, make_op(OpClusterSetParams, candidate_pool_size=9)) == []
