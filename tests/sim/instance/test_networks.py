"""NICs of new instances in networks: links, addresses of the pool, MAC prefixes."""

from typing import Any

import pytest

from pyganeti.model.errors import AddressPoolError, ECode
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails
from tests.sim.instance.make import create

REMOVE = OpInstanceRemove(instance_name="web1", shutdown_timeout=0)
POOL = create(nics=[{"network": "blue", "ip": "pool"}, {"network": "blue", "ip": "192.0.2.4"}])


def networked() -> SimCluster:
    """Three nodes and the network ``blue``, whose first address is the gateway's."""
    cluster = SimCluster()
    cluster.add_network("blue", "192.0.2.0/29", mac_prefix="aa:bb:cc", ext_reservations="01000000")
    return cluster


def taken(cluster: SimCluster) -> str | None:
    return cluster.view.network("blue").reservations


async def test_takes_a_free_address_and_gives_it_back() -> None:
    cluster = networked()
    await cluster.run(POOL)
    first, second = cluster.instance("web1").nics
    assert (first.ip, second.ip) == ("192.0.2.2", "192.0.2.4")
    assert first.mac.startswith("aa:bb:cc:")
    assert first.nicparams["link"] == "br0"
    assert taken(cluster) == "00101000"
    await cluster.run(REMOVE)
    assert taken(cluster) == "00000000"


async def test_two_at_once_get_two_addresses() -> None:
    cluster = networked()
    jobs = [
        cluster.submit(create(name, pnode=node, nics=[{"network": "blue", "ip": "pool"}]))
        for name, node in (("web1", "node1"), ("web2", "node2"))
    ]
    for job in jobs:
        await cluster.finished(job)
    found = {cluster.instance(name).nics[0].ip for name in ("web1", "web2")}
    assert found == {"192.0.2.2", "192.0.2.3"}


async def test_says_when_the_pool_is_empty() -> None:
    cluster = networked()
    nics = [{"network": "blue", "ip": "pool"}] * 6
    error = await fails(cluster, create(nics=nics))
    assert isinstance(error, AddressPoolError)
    assert cluster.view.find_instance("web1") is None


async def test_creation_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(networked, POOL)


@pytest.mark.parametrize(
    ("nic", "said"),
    [
        ({"network": "blue", "link": "br1"}, "link and network exclude"),
        ({"network": "blue", "ip": "198.51.100.1"}, "does not lie in network blue"),
        ({"ip": "pool"}, "needs a network"),
        ({"mode": "pool"}, "needs a network"),
        ({"mode": "routed", "vlan": "7", "ip": "198.51.100.1"}, "vlan"),
    ],
)
async def test_refuses_what_a_network_cannot_give(nic: dict[str, Any], said: str) -> None:
    await assert_refused(networked(), create(nics=[nic]), ECode.INVAL, said)


@pytest.mark.parametrize(
    ("nic", "said"),
    [
        ({"network": "blue", "ip": "192.0.2.1"}, "is reserved in network blue"),
        ({"ip": "192.0.2.3"}, "lies in network blue"),
    ],
)
async def test_refuses_conflicts_unless_told_otherwise(nic: dict[str, Any], said: str) -> None:
    cluster = networked()
    await assert_refused(cluster, create(nics=[nic]), ECode.NOTUNIQUE, said)
    await cluster.run(create(nics=[nic], conflicts_check=False))
    assert cluster.instance("web1").nics[0].ip == nic["ip"]


async def test_an_address_given_twice_is_free_once_nobody_has_it() -> None:
    cluster = networked()
    for name in ("web1", "web2"):
        nics = [{"network": "blue", "ip": "192.0.2.2"}]
        await cluster.run(create(name, nics=nics, conflicts_check=False))
    for name, wanted in (("web1", "00100000"), ("web2", "00000000")):
        await cluster.run(OpInstanceRemove(instance_name=name, shutdown_timeout=0))
        assert taken(cluster) == wanted


async def test_refuses_a_network_that_is_not_connected() -> None:
    cluster = networked()
    cluster.add_network("red", "198.51.100.0/29", link=None)
    op = create(nics=[{"network": "red"}])
    await assert_refused(cluster, op, ECode.INVAL, "red", "not connected", "default")
