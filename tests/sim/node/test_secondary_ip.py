"""OP_NODE_SET_PARAMS: the secondary address, from single-homed to multi-homed and back."""

from collections.abc import Callable

import pytest

from pyganeti.master.changes import instance_fields
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.opcodes.node import OpNodeSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused
from tests.sim.instance.make_drbd import BOTH, drbd, mirrored, roles

OTHER = "198.51.100.{}"


def give_address(cluster: SimCluster, number: int) -> None:
    """A node has another address, at which its daemon answers."""
    node, address = cluster.nodes[f"node{number}"], OTHER.format(number)
    node.network.own_addresses |= {address}
    cluster.hosts[f"{node.name}-replication"] = address
    cluster.nodes[f"{node.name}-replication"] = node


def op(number: int, address: str | None = None, *, force: bool = False) -> OpNodeSetParams:
    where = OTHER.format(number) if address is None else address
    return OpNodeSetParams(node_name=f"node{number}", secondary_ip=where, force=force)


def single() -> SimCluster:
    """Three nodes that have another address each, which nobody uses yet."""
    cluster = SimCluster()
    for number in (1, 2, 3):
        give_address(cluster, number)
    return cluster


def multi() -> SimCluster:
    """The same where all use it."""
    cluster = single()
    for number in (1, 2, 3):
        cluster.set_node(f"node{number}", secondary_ip=OTHER.format(number))
    return cluster


def addresses(cluster: SimCluster) -> list[str]:
    return [node.secondary_ip for node in cluster.view.all_nodes()]


async def test_a_cluster_becomes_multi_homed_and_single_homed_again() -> None:
    cluster = single()
    assert await cluster.run(op(1, force=True)) == [["secondary_ip", "198.51.100.1"]]
    for number in (2, 3):
        await cluster.run(op(number))
    assert addresses(cluster) == ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
    assert "node2 198.51.100.2" in (cluster.nodes["node3"].ssconf("node_secondary_ips") or "")
    for number in (1, 2, 3):
        cluster.nodes[f"node{number}"].network.own_addresses |= {f"192.0.2.{number}"}
        await cluster.run(op(number, f"192.0.2.{number}", force=True))
    assert addresses(cluster) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


async def test_what_is_so_already_asks_nobody() -> None:
    cluster = multi()
    cluster.nodes["node2"].network.own_addresses = frozenset()
    assert await cluster.run(op(2)) == []


async def test_says_what_has_to_follow() -> None:
    cluster = single()
    job = cluster.submit(op(1, force=True))
    await cluster.finished(job)
    assert any("all other nodes a secondary address" in line for line in cluster.log(await job))


REFUSALS = [
    (single, op(2, "somewhere"), ECode.INVAL, "somewhere"),
    (single, op(2, "2001:db8::2"), ECode.INVAL, "IPv4"),
    (single, op(1), ECode.INVAL, "single-homed"),
    (single, op(2, force=True), ECode.INVAL, "single-homed"),
    (multi, op(1, "192.0.2.1"), ECode.INVAL, "multi-homed"),
    (multi, op(2, "192.0.2.2", force=True), ECode.INVAL, "multi-homed"),
    (multi, op(2, "198.51.100.3"), ECode.NOTUNIQUE, "node3"),
    (multi, op(2, "192.0.2.1"), ECode.NOTUNIQUE, "node1"),
    (multi, op(2, "192.0.2.250"), ECode.NOTUNIQUE, "cluster"),
    (multi, op(2, "198.51.100.9"), ECode.ENVIRON, "does not have the address"),
]


@pytest.mark.parametrize(("make", "wanted", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    make: Callable[[], SimCluster], wanted: OpNodeSetParams, code: ECode, said: str
) -> None:
    await assert_refused(make(), wanted, code, said)


async def test_refuses_an_address_that_the_master_does_not_reach() -> None:
    cluster = multi()
    cluster.nodes["node2"].network.own_addresses |= {"198.51.100.9"}
    await assert_refused(cluster, op(2, "198.51.100.9"), ECode.ENVIRON, "master does not reach")


async def replicating() -> SimCluster:
    """A cluster with other addresses as well, and a guest on ``node1`` mirrored on ``node2``."""
    cluster = drbd()
    for number in (1, 2, 3):
        give_address(cluster, number)
    await cluster.run(mirrored())
    return cluster


async def test_refuses_under_a_guest_that_replicates_over_it() -> None:
    cluster = await replicating()
    await assert_refused(cluster, op(1, force=True), ECode.STATE, "web1", "marked to be up")
    await cluster.run(OpInstanceShutdown(instance_name="web1"))
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    await assert_refused(cluster, op(1, force=True), ECode.STATE, "web1", "disks are active")


async def test_refuses_under_a_guest_that_runs_although_it_should_not() -> None:
    cluster = await replicating()
    await cluster.set_admin_state("web1", AdminState.DOWN)
    uuid = cluster.instance("web1").uuid
    await (await cluster.master()).config.commit(instance_fields(uuid, disks_active=False))
    await assert_refused(cluster, op(1, force=True), ECode.STATE, "web1", "is running")


async def test_mirrors_meet_over_the_new_addresses() -> None:
    cluster = await replicating()
    await cluster.run(OpInstanceShutdown(instance_name="web1"))
    for number in (1, 2):
        await cluster.run(op(number, force=number == 1))
    await cluster.run(OpInstanceStartup(instance_name="web1"))
    assert roles(cluster) == BOTH
    (device,) = cluster.nodes["node2"].drbd.devices.values()
    assert device.link is not None
    assert "198.51.100.1:" in device.link.remote


async def test_refuses_an_offline_node_with_mirrors() -> None:
    cluster = await replicating()
    await cluster.run(OpInstanceShutdown(instance_name="web1"))
    await cluster.run(op(1, force=True))
    await cluster.mark_node("node2", offline=True, master_candidate=False)
    await assert_refused(cluster, op(2), ECode.STATE, "node2 is offline", "web1")


async def test_an_offline_node_without_mirrors_is_not_asked() -> None:
    cluster = multi()
    cluster.set_node("node2", offline=True, master_candidate=False)
    await cluster.run(op(2, "198.51.100.9"))
    assert cluster.view.node("node2").secondary_ip == "198.51.100.9"


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(single, op(1, force=True))
