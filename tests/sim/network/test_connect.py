"""OP_NETWORK_CONNECT and OP_NETWORK_DISCONNECT."""

from collections.abc import Callable
from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.opcodes.network import OpNetworkConnect, OpNetworkDisconnect
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, make_op
from tests.sim.instance.make import create
from tests.sim.network.make import networked, unconnected

IN = create(nics=[{"network": "blue", "ip": "pool"}])
OUTSIDE = create(nics=[{"ip": "198.51.100.3"}])
DISCONNECT = OpNetworkDisconnect(network_name="blue", group_name="default")


def op(**parameters: Any) -> OpNetworkConnect:  # Any: opcode parameters
    given = {
        "network_name": "blue",
        "group_name": "default",
        "network_mode": "bridged",
        "network_link": "br1",
        **parameters,
    }
    return make_op(OpNetworkConnect, **given)


def connection(cluster: SimCluster) -> dict[str, object] | None:
    view = cluster.view
    found = view.group("default").networks.get(view.network("blue").uuid)
    return None if found is None else dict(found)


async def logged(cluster: SimCluster, asked: Opcode) -> list[str]:
    job = cluster.submit(asked)
    await cluster.finished(job)
    return cluster.log(await job)


@pytest.mark.parametrize(
    ("mode", "link", "vlan"),
    [("bridged", "br1", ""), ("openvswitch", "ovs1", ".5"), ("routed", "100", "")],
)
async def test_nics_in_the_network_get_what_the_connection_says(
    mode: str, link: str, vlan: str
) -> None:
    cluster = unconnected()
    for node in cluster.nodes.values():
        node.network.bridges = frozenset({"br0", "br1"})
    await cluster.run(op(network_mode=mode, network_link=link, network_vlan=vlan))
    wanted = {"mode": mode, "link": link, "vlan": vlan}
    assert connection(cluster) == wanted
    await cluster.run(create(nics=[{"network": "blue", "ip": "pool"}], start=False))
    assert dict(cluster.instance("web1").nics[0].nicparams) == wanted


async def test_a_connection_that_is_there_stays_as_it_is() -> None:
    cluster = networked()
    (said,) = await logged(cluster, op())
    assert "connected to group default already" in said
    assert (connection(cluster) or {})["link"] == "br0"


async def test_a_connection_is_removed_and_what_is_none_already_is_told() -> None:
    cluster = networked()
    assert await logged(cluster, DISCONNECT) == []
    assert connection(cluster) is None
    (said,) = await logged(cluster, DISCONNECT)
    assert "blue is not connected to group default" in said
    await assert_refused(cluster, IN, ECode.INVAL, "not connected")
    assert changes(cluster) == []


REFUSALS: list[tuple[dict[str, Any], ECode, str]] = [
    ({"network_name": "red"}, ECode.NOENT, "red"),
    ({"group_name": "rack9"}, ECode.NOENT, "rack9"),
    ({"network_mode": "routed", "network_vlan": "5"}, ECode.INVAL, "vlan"),
    ({}, ECode.STATE, "web1 nic/0 (198.51.100.3)"),
]


@pytest.mark.parametrize(("parameters", "code", "said"), REFUSALS)
async def test_refuses_to_connect_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    cluster = unconnected()
    await cluster.run(OUTSIDE)
    await assert_refused(cluster, op(**parameters), code, said)


async def test_conflicts_are_passed_over_if_asked() -> None:
    cluster = unconnected()
    await cluster.run(OUTSIDE)
    await cluster.run(op(conflicts_check=False))
    assert connection(cluster) is not None


async def test_instances_elsewhere_are_no_conflict() -> None:
    cluster = unconnected()
    cluster.set_node("node3", group=cluster.add_group("rack2"))
    await cluster.run(create(pnode="node3", nics=[{"ip": "198.51.100.3"}]))
    await cluster.run(op())
    assert connection(cluster) is not None


async def test_nics_of_the_network_itself_are_no_conflict() -> None:
    cluster = networked()
    group = cluster.add_group("rack2", networks={})
    await cluster.run(IN)
    await cluster.mark_node("node1", group=group)
    await cluster.run(op(group_name="rack2"))
    assert cluster.view.network("blue").uuid in cluster.view.group("rack2").networks


async def test_other_networks_stay_connected() -> None:
    cluster = networked()
    cluster.add_network("green", "203.0.113.0/29")
    await cluster.run(DISCONNECT)
    assert set(cluster.view.group("default").networks) == {cluster.view.network("green").uuid}
    await cluster.run(op())
    assert len(cluster.view.group("default").networks) == 2


@pytest.mark.parametrize(("make", "asked"), [(unconnected, op()), (networked, DISCONNECT)])
async def test_waits_for_instances_of_the_group_to_be_changed(
    make: Callable[[], SimCluster], asked: Opcode
) -> None:
    cluster = make()
    cluster.add_instance("web1")
    before = connection(cluster)
    async with cluster.instance_held("web1"):
        job = cluster.submit(asked)
        await cluster.clock.sleep(5.0)
        assert connection(cluster) == before
    await cluster.finished(job)
    assert connection(cluster) != before


async def test_refuses_to_disconnect_what_is_in_use() -> None:
    cluster = networked()
    await cluster.run(IN)
    await assert_refused(cluster, DISCONNECT, ECode.STATE, "web1 nic/0 (198.51.100.1)")
    await cluster.run(OpInstanceRemove(instance_name="web1", shutdown_timeout=0))
    await cluster.run(DISCONNECT)
    assert connection(cluster) is None


@pytest.mark.parametrize(
    "asked",
    [
        OpNetworkDisconnect(network_name="red", group_name="default"),
        OpNetworkDisconnect(network_name="blue", group_name="rack9"),
    ],
)
async def test_refuses_to_disconnect_unknown_ones(asked: Opcode) -> None:
    await assert_refused(networked(), asked, ECode.NOENT, "not known")


async def test_no_instance_comes_into_a_network_that_was_disconnected_meanwhile() -> None:
    cluster = networked()
    async with cluster.held_up("node1", "file_storage_dir_create"):
        creation = cluster.submit(IN)
        await creation
        await cluster.run(DISCONNECT)
    assert "not connected" in str(await failed(cluster, creation))
    assert cluster.view.find_instance("web1") is None
    assert cluster.view.network("blue").reservations == "00000000"


@pytest.mark.parametrize(
    ("make", "asked", "created"), [(unconnected, op(), OUTSIDE), (networked, DISCONNECT, IN)]
)
async def test_an_instance_that_is_made_while_hooks_run_counts(
    make: Callable[[], SimCluster], asked: Opcode, created: Opcode
) -> None:
    cluster = make()
    script = "network-connect-pre.d" if created is OUTSIDE else "network-disconnect-pre.d"
    for node in cluster.nodes.values():
        node.put_hook(f"{script}/10-slow")
    async with cluster.held_up("node3", "hooks_runner"):
        job = cluster.submit(asked)
        await job
        await cluster.clock.sleep(1.0)
        await cluster.run(created)
    assert "web1 nic/0" in str(await failed(cluster, job))


async def test_dry_runs_say_what_they_would_do() -> None:
    cluster = networked()
    off = OpNetworkDisconnect(network_name="blue", group_name="default", dry_run=True)
    said = "Dry run: would disconnect network blue from group default"
    assert await logged(cluster, off) == [said]
    assert await logged(cluster, op(dry_run=True)) == ["Dry run: would change nothing"]
    said = "Dry run: would connect network blue to group default (mode=bridged, link=br1)"
    assert await logged(unconnected(), op(dry_run=True)) == [said]


async def test_connecting_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(unconnected, op(network_vlan=".5"))


async def test_disconnecting_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(networked, DISCONNECT)
