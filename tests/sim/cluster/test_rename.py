"""OP_CLUSTER_RENAME."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterRename, OpClusterVerifyGroup
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails

NEW = "other.example.com"
ADDRESS = "192.0.2.77"
OLD_ADDRESS = "192.0.2.250"
RENAME = OpClusterRename(name=NEW)
UP = ("node1", "node_activate_master_ip")
DOWN = ("node1", "node_deactivate_master_ip")


def known(**hosts: str) -> SimCluster:
    """A cluster whose resolver knows the new name, and more."""
    cluster = SimCluster()
    cluster.hosts.update({NEW: ADDRESS, **hosts})
    return cluster


def named(cluster: SimCluster) -> tuple[str, str]:
    found = cluster.view.cluster
    return found.cluster_name, found.master_ip


async def test_name_and_address_are_other_ones_everywhere() -> None:
    cluster = known()
    assert await cluster.run(OpClusterRename(name="other")) == NEW
    assert named(cluster) == (NEW, ADDRESS)
    assert changes(cluster) == [DOWN, UP]
    # They know as soon as the job has ended.
    for node in cluster.nodes.values():
        assert (node.ssconf("cluster_name") or "").strip() == NEW
        assert (node.ssconf("master_ip") or "").strip() == ADDRESS
    assert await cluster.run(OpClusterVerifyGroup(group_name="default"))


async def test_another_name_of_the_same_address_moves_nothing() -> None:
    cluster = known()
    cluster.hosts[NEW] = OLD_ADDRESS
    await cluster.run(RENAME)
    assert named(cluster) == (NEW, OLD_ADDRESS)
    assert changes(cluster) == []


async def test_another_address_of_the_same_name_is_taken() -> None:
    cluster = known()
    await cluster.run(RENAME)
    cluster.hosts[NEW] = "192.0.2.78"
    await cluster.run(RENAME)
    assert named(cluster) == (NEW, "192.0.2.78")


async def test_hooks_are_told_both_names() -> None:
    cluster = known()
    for node in cluster.nodes.values():
        for phase in ("pre", "post"):
            node.put_hook(f"cluster-rename-{phase}.d/50-look")
    await cluster.master()
    old = cluster.view.cluster.cluster_name
    await cluster.run(RENAME)
    for name, phases in (("node1", ["pre", "post"]), ("node3", ["post"])):
        envs = [one.env or {} for one in cluster.nodes[name].programs.ran]
        assert [env["GANETI_HOOKS_PHASE"] for env in envs] == phases
        assert {(env["GANETI_OP_TARGET"], env["GANETI_NEW_NAME"]) for env in envs} == {(old, NEW)}


@pytest.mark.parametrize(
    ("hosts", "code", "said"),
    [
        ({NEW: "192.0.2.1"}, ECode.NOTUNIQUE, "node node1's"),
        ({NEW: "198.51.100.2"}, ECode.NOTUNIQUE, "node node2's"),
        ({NEW: "192.0.2.88"}, ECode.NOTUNIQUE, "something answers"),
        ({NEW: "2001:db8::1"}, ECode.INVAL, "IPv4 or IPv6"),
    ],
)
async def test_refuses_addresses(hosts: dict[str, str], code: ECode, said: str) -> None:
    cluster = known(**hosts)
    cluster.set_node("node2", secondary_ip="198.51.100.2")
    cluster.answering.add("192.0.2.88")
    await assert_refused(cluster, RENAME, code, said)


async def test_refuses_names() -> None:
    cluster = known(web1="192.0.2.90")
    cluster.add_instance("web1")
    await cluster.master()
    old = cluster.view.cluster
    cluster.hosts[old.cluster_name] = old.master_ip
    for name, code, said in (
        (old.cluster_name, ECode.INVAL, "already"),
        ("node2", ECode.NOTUNIQUE, "a node"),
        ("web1", ECode.NOTUNIQUE, "an instance"),
    ):
        await assert_refused(cluster, OpClusterRename(name=name), code, said)
    assert "unknown in this simulation" in str(await fails(cluster, OpClusterRename(name="nosuch")))


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(known, RENAME)
