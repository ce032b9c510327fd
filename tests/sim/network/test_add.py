"""OP_NETWORK_ADD."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.network import OpNetworkAdd
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, make_op
from tests.sim.network.make import SUBNET, unconnected


def op(**parameters: Any) -> OpNetworkAdd:  # Any: opcode parameters
    return make_op(OpNetworkAdd, **{"network_name": "red", "network": SUBNET, **parameters})


async def added(asked: OpNetworkAdd) -> tuple[SimCluster, list[str]]:
    cluster = SimCluster()
    job = cluster.submit(asked)
    await cluster.finished(job)
    return cluster, cluster.log(await job)


async def test_a_new_network_keeps_its_first_and_last_address() -> None:
    cluster, lines = await added(op())
    found = cluster.view.network("red")
    assert (found.network, found.gateway, found.mac_prefix) == (SUBNET, None, None)
    assert (found.reservations, found.ext_reservations) == ("00000000", "10000001")
    assert (lines, changes(cluster)) == ([], [])


async def test_all_that_can_be_given_is_kept() -> None:
    cluster, _ = await added(
        op(
            gateway="198.51.100.1",
            network6="2001:db8::/64",
            gateway6="2001:db8::1",
            mac_prefix="AA:01:02",
            add_reserved_ips=["198.51.100.3", "198.51.100.6"],
            tags=["public", "dmz"],
        )
    )
    found = cluster.view.network("red")
    assert found.ext_reservations == "11010011"
    assert (found.gateway, found.mac_prefix) == ("198.51.100.1", "aa:01:02")
    assert (found.network6, found.gateway6) == ("2001:db8::/64", "2001:db8::1")
    assert found.tags == ("dmz", "public")


async def test_a_gateway_may_be_link_local() -> None:
    cluster, _ = await added(op(network6="2001:db8::/64", gateway6="fe80::1"))
    assert cluster.view.network("red").gateway6 == "fe80::1"


async def test_addresses_of_nodes_and_master_are_reserved_unless_not_wanted() -> None:
    cluster, lines = await added(op(network="192.0.2.0/24"))
    taken = (cluster.view.network("red").ext_reservations or "").encode()
    assert [place for place, bit in enumerate(taken) if bit == ord("1")] == [0, 1, 2, 3, 250, 255]
    assert lines[0] == "Reserved the address of node node1, 192.0.2.1"
    assert lines[-1] == "Reserved the address of the master, 192.0.2.250"
    cluster, lines = await added(op(network="192.0.2.0/24", conflicts_check=False))
    assert (cluster.view.network("red").ext_reservations or "").count("1") == 2
    assert lines == []


async def test_secondary_addresses_of_nodes_are_reserved_too() -> None:
    cluster = SimCluster()
    cluster.set_node("node2", secondary_ip="10.1.2.2")
    job = cluster.submit(op(network="10.1.2.0/29"))
    await cluster.finished(job)
    assert cluster.log(await job) == ["Reserved the address of node node2, 10.1.2.2"]
    assert cluster.view.network("red").ext_reservations == "10100001"


@pytest.mark.parametrize(("subnet", "size"), [("10.1.0.0/16", 65536), ("10.1.2.0/30", 4)])
async def test_the_largest_and_the_smallest_pool(subnet: str, size: int) -> None:
    cluster, _ = await added(op(network=subnet))
    assert len(cluster.view.network("red").reservations or "") == size


REFUSALS: list[tuple[dict[str, Any], ECode, str]] = [
    ({"network_name": "blue"}, ECode.EXISTS, "'blue'"),
    ({"network_name": "two\nlines"}, ECode.INVAL, "printable"),
    ({"network": "10.0.0.0/15"}, ECode.INVAL, "from a /16 to a /30"),
    ({"network": "10.0.0.0/31"}, ECode.INVAL, "from a /16 to a /30"),
    ({"network": "10.0.0.0"}, ECode.INVAL, "1 addresses"),
    ({"gateway": "192.0.2.1"}, ECode.INVAL, "192.0.2.1 does not lie in"),
    ({"gateway": "198.51.100.0"}, ECode.INVAL, "first or the last"),
    ({"gateway": "198.51.100.7"}, ECode.INVAL, "first or the last"),
    ({"network6": "2001:db8::/64", "gateway6": "2001:db9::1"}, ECode.INVAL, "2001:db9::1"),
    ({"tags": ["bad tag"]}, ECode.INVAL, "bad tag"),
    ({"mac_prefix": "aa:bb"}, ECode.INVAL, "aa:bb"),
    ({"mac_prefix": "ab:00:00"}, ECode.INVAL, "multicast"),
    ({"add_reserved_ips": ["192.0.2.1"]}, ECode.INVAL, "does not lie in"),
    ({"add_reserved_ips": ["198.51.100.2"] * 2}, ECode.INVAL, "reserved already"),
    (
        {"gateway": "198.51.100.2", "add_reserved_ips": ["198.51.100.2"]},
        ECode.INVAL,
        "reserved already",
    ),
]


@pytest.mark.parametrize(("parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    await assert_refused(unconnected(), op(**parameters), code, said)


async def test_of_two_at_once_one_gets_the_name() -> None:
    cluster = SimCluster()
    first, second = cluster.submit(op()), cluster.submit(op())
    await cluster.finished(first)
    assert "already" in str(await failed(cluster, second))


async def test_a_dry_run_says_what_it_would_do() -> None:
    cluster, lines = await added(op(dry_run=True))
    assert lines == ["Dry run: would add network red (198.51.100.0/29)"]
    assert cluster.view.find_network("red") is None


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(SimCluster, op(gateway="198.51.100.1", tags=["public"]))
