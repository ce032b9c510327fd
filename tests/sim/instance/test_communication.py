"""Instances that communicate with their nodes: the network, and the NIC of each."""

import pytest

from pyganeti.model.address_pool import is_reserved_outside, is_taken
from pyganeti.model.communication import CONNECTION, SERVICE_IP
from pyganeti.model.errors import ECode
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.group import OpGroupAdd
from pyganeti.opcodes.instance import OpInstanceRename, OpInstanceSetParams
from pyganeti.opcodes.network import OpNetworkAdd, OpNetworkRename
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

ENABLE = OpClusterSetParams(instance_communication_network="talk")
ON = OpInstanceSetParams(instance_name="web1", instance_communication=True)
OFF = OpInstanceSetParams(instance_name="web1", instance_communication=False)


def two_groups() -> SimCluster:
    """A cluster with a second node group."""
    cluster = SimCluster()
    cluster.add_group("rack2")
    return cluster


def network(cluster: SimCluster) -> Network:
    return cluster.view.network("talk")


def nic(cluster: SimCluster, name: str = "web1") -> Nic:
    (found,) = (nic for nic in cluster.instance(name).nics if nic.network)
    return found


async def test_the_network_is_made_and_connected_to_all_groups() -> None:
    cluster = two_groups()
    await cluster.run(ENABLE)
    made = network(cluster)
    assert (made.network, made.network6, made.mac_prefix) == (
        "169.254.0.0/16", "fe80::/10", "52:54:00",
    )  # fmt: skip
    assert made.gateway is None
    assert is_reserved_outside(made, SERVICE_IP)
    for group in cluster.view.all_groups():
        assert group.networks == {made.uuid: CONNECTION}
    assert cluster.view.cluster.instance_communication_network == "talk"


async def test_a_group_that_comes_later_is_connected_too() -> None:
    cluster = two_groups()
    await cluster.run(ENABLE)
    await cluster.run(OpGroupAdd(group_name="rack3"))
    assert cluster.view.group("rack3").networks == {network(cluster).uuid: CONNECTION}


async def test_a_network_that_exists_is_taken_if_it_is_fit() -> None:
    cluster = two_groups()
    await cluster.run(OpNetworkAdd(network_name="talk", network="169.254.0.0/16"))
    uuid = network(cluster).uuid
    await cluster.run(ENABLE)
    assert network(cluster).uuid == uuid
    assert all(uuid in group.networks for group in cluster.view.all_groups())


async def test_another_network_is_refused() -> None:
    cluster = two_groups()
    await cluster.run(OpNetworkAdd(network_name="talk", network="192.0.2.0/24"))
    await assert_refused(cluster, ENABLE, ECode.STATE, "talk has 192.0.2.0/24", "169.254.0.0/16")
    op = OpClusterSetParams(instance_communication_network=network(cluster).uuid)
    await assert_refused(cluster, op, ECode.INVAL, "not by its UUID")
    op = OpClusterSetParams(instance_communication_network="a\nb")
    await assert_refused(cluster, op, ECode.INVAL, "cannot be the name")


async def test_its_network_keeps_its_name_as_long_as_the_settings_have_it() -> None:
    cluster = two_groups()
    await cluster.run(ENABLE)
    rename = OpNetworkRename(network_name="talk", new_name="chat")
    await assert_refused(cluster, rename, ECode.STATE, "talk is the one for communication")
    await cluster.run(OpClusterSetParams(instance_communication_network=""))
    await cluster.run(rename)
    await cluster.run(OpClusterSetParams(instance_communication_network="chat"))
    assert cluster.view.cluster.instance_communication_network == "chat"


async def test_switched_off_the_network_stays() -> None:
    cluster = two_groups()
    await cluster.run(ENABLE)
    await cluster.run(OpClusterSetParams(instance_communication_network=""))
    assert cluster.view.cluster.instance_communication_network == ""
    assert network(cluster).uuid in cluster.view.group("rack2").networks


async def test_each_fault_leaves_all_of_it_or_nothing() -> None:
    await assert_unwinds(two_groups, ENABLE, may_stand=True)


async def test_a_new_instance_gets_its_nic() -> None:
    cluster = two_groups()
    await cluster.run(ENABLE)
    await cluster.run(create(instance_communication=True))
    own = nic(cluster)
    assert own.name == "ganeti:communication:web1"
    assert own.ip == "169.254.0.1"
    assert own.mac.startswith("52:54:00:")
    assert own.network == network(cluster).uuid
    assert dict(own.nicparams) == CONNECTION
    assert is_taken(network(cluster), "169.254.0.1")


async def test_an_instance_without_a_network_for_it_is_refused() -> None:
    await assert_refused(
        two_groups(), create(instance_communication=True), ECode.STATE,
        "--instance-communication-network",
    )  # fmt: skip


async def test_it_is_switched_on_and_off_again() -> None:
    cluster = two_groups()
    await cluster.run(ENABLE)
    await cluster.run(create(start=False))
    before = cluster.instance("web1").nics
    for _ in range(2):
        await cluster.run(ON)
        assert nic(cluster).name == "ganeti:communication:web1"
    for _ in range(2):
        await cluster.run(OFF)
        assert cluster.instance("web1").nics == before
    assert not is_taken(network(cluster), "169.254.0.1")


async def test_it_is_renamed_with_its_instance() -> None:
    cluster = two_groups()
    cluster.hosts["web2"] = "192.0.2.77"
    await cluster.run(ENABLE)
    await cluster.run(create(start=False, instance_communication=True))
    rename = OpInstanceRename(instance_name="web1", new_name="web2")
    await cluster.run(rename)
    assert nic(cluster, "web2").name == "ganeti:communication:web2"


@pytest.mark.parametrize("op", [ON, create(instance_communication=True)], ids=["modify", "create"])
async def test_faults_leave_no_nic_and_no_address(op: OpInstanceSetParams) -> None:
    first = create(start=False)
    await assert_unwinds(two_groups, op, after=[ENABLE, *([first] if op is ON else [])])
