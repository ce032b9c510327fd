"""OP_INSTANCE_SET_PARAMS: NICs added, changed and removed."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.model.nic import Nic
from pyganeti.opcodes.instance import OpInstanceSetParams, OpInstanceStartup
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import START, create, on_offline_node, running, stopped


def nics(*mods: tuple[object, ...], **parameters: Any) -> OpInstanceSetParams:
    return make_op(OpInstanceSetParams, instance_name="web1", nics=mods, **parameters)


def networked() -> SimCluster:
    """``web1``, stopped, and two networks."""
    cluster = stopped()
    cluster.add_network("blue", "192.0.2.0/29", mac_prefix="aa:bb:cc")
    cluster.add_network("red", "198.51.100.0/29", mac_prefix="aa:dd:ee")
    return cluster


def found(cluster: SimCluster) -> tuple[Nic, ...]:
    return cluster.instance("web1").nics


async def test_adds_changes_and_removes() -> None:
    cluster = stopped()
    (old,) = found(cluster)
    result = await cluster.run(nics(("add", -1, {"ip": "192.0.2.7", "name": "back"})))
    kept, new = found(cluster)
    assert kept == old
    described = f"add:mac={new.mac},ip=192.0.2.7,mode=bridged,link=br0,network=None"
    assert result == [["nic.1", described]]
    assert (new.name, new.uuid != "") == ("back", True)
    result = await cluster.run(nics(("modify", "back", {"ip": "192.0.2.8", "mac": "generate"})))
    changed = found(cluster)[1]
    assert result == [["nic.mac/1", changed.mac], ["nic.ip/1", "192.0.2.8"]]
    assert (changed.uuid, changed.ip) == (new.uuid, "192.0.2.8")
    assert changed.mac != new.mac
    assert await cluster.run(nics(("remove", 0, {}))) == [["nic/0", "remove"]]
    assert found(cluster) == (changed,)
    assert changes(cluster) == []


async def test_several_changes_at_once() -> None:
    cluster = stopped()
    (old,) = found(cluster)
    op = nics(
        ("add", 0, {"name": "a"}),
        ("add", -1, {"name": "b"}),
        ("modify", old.uuid, {"link": "br0", "mode": "bridged"}),
        ("remove", "a", {}),
    )
    result = await cluster.run(op)
    assert [name for name, _ in result] == ["nic.0", "nic.2", "nic.mode/1", "nic.link/1", "nic/0"]
    assert [nic.name for nic in found(cluster)] == [None, "b"]
    assert found(cluster)[0].nicparams == {"link": "br0", "mode": "bridged"}


async def test_moves_between_networks_and_back_out() -> None:
    cluster = networked()
    await cluster.run(nics(("modify", 0, {"network": "blue", "ip": "pool"})))
    (nic,) = found(cluster)
    assert (nic.ip, nic.mac[:8]) == ("192.0.2.1", "aa:bb:cc")
    assert nic.nicparams == {"mode": "bridged", "link": "br0", "vlan": ""}
    await cluster.run(nics(("modify", 0, {"network": "red", "ip": "198.51.100.3"})))
    (nic,) = found(cluster)
    assert (nic.ip, nic.mac[:8]) == ("198.51.100.3", "aa:dd:ee")
    reserved = {one.name: one.reservations for one in cluster.view.networks.values()}
    assert reserved == {"blue": "00000000", "red": "00010000"}
    await cluster.run(nics(("modify", 0, {"network": "none", "ip": "none"})))
    (nic,) = found(cluster)
    assert (nic.ip, nic.network, nic.nicparams) == (None, None, {})
    assert cluster.view.network("red").reservations == "00000000"


@pytest.mark.parametrize(
    ("mod", "code", "said"),
    [
        (("modify", 1, {}), ECode.NOENT, "no nic 1"),
        (("remove", "x", {}), ECode.NOENT, "'x'"),
        (("add", 5, {}), ECode.INVAL, "at 5"),
        (("add", -1, {"mac": "x"}), ECode.INVAL, "'x'"),
        (("modify", 0, {"mac": "auto"}), ECode.INVAL, "generate"),
        (("modify", 0, {"mode": "routed"}), ECode.INVAL, "needs an ip"),
        (("modify", 0, {"ip": "pool"}), ECode.INVAL, "needs a network"),
        (("modify", 0, {"network": "blue", "ip": "203.0.113.1"}), ECode.INVAL, "does not lie in"),
        (("modify", 0, {"network": "blue", "link": "br1"}), ECode.INVAL, "network blue"),
        (("add", -1, {"link": "br9"}), ECode.ENVIRON, "br9"),
        (("attach", -1, {}), ECode.INVAL, "cannot be attached"),
        (("detach", 0, {}), ECode.INVAL, "cannot be detached"),
    ],
)
async def test_refuses(mod: tuple[object, ...], code: ECode, said: str) -> None:
    await assert_refused(networked(), nics(mod), code, said)


async def test_refuses_a_name_twice_and_too_many() -> None:
    twice = nics(("add", -1, {"name": "a"}), ("add", -1, {"name": "a"}))
    await assert_refused(stopped(), twice, ECode.NOTUNIQUE, "same name")
    number = nics(("add", -1, {"name": "7"}))
    await assert_refused(stopped(), number, ECode.INVAL, "'7' is no name")
    many = nics(*[("add", -1, {})] * 8)
    await assert_refused(stopped(), many, ECode.STATE, "at most 8 nics")


async def test_refuses_addresses_of_others_unless_told_otherwise() -> None:
    cluster = stopped()
    nic = {"mac": "aa:00:00:00:00:01", "ip": "192.0.2.9"}
    await cluster.run(create("web2", nics=[nic]))
    for key, value in nic.items():
        mod = ("modify", 0, {key: value})
        await assert_refused(cluster, nics(mod), ECode.NOTUNIQUE, value, "web2")
        await cluster.run(nics(mod, conflicts_check=False))


async def test_addresses_that_it_had_are_no_conflict() -> None:
    cluster = stopped()
    await cluster.run(nics(("modify", 0, {"ip": "192.0.2.9"})))
    await cluster.run(nics(("modify", 0, {"ip": "192.0.2.9", "name": "eth0"})))
    assert found(cluster)[0].name == "eth0"


async def test_two_at_once_get_two_addresses() -> None:
    cluster = networked()
    cluster.add_instance("web2")
    mods = [["modify", 0, {"network": "blue", "ip": "pool"}]]
    jobs = [
        cluster.submit(make_op(OpInstanceSetParams, instance_name=name, nics=mods))
        for name in ("web1", "web2")
    ]
    for job in jobs:
        await cluster.finished(job)
    assert {cluster.instance(name).nics[0].ip for name in ("web1", "web2")} == {
        "192.0.2.1",
        "192.0.2.2",
    }


async def test_a_missing_bridge_is_taken_by_force_and_on_an_offline_node() -> None:
    cluster = stopped()
    await cluster.run(nics(("modify", 0, {"link": "br9"}), force=True))
    assert found(cluster)[0].nicparams["link"] == "br9"
    await on_offline_node().run(nics(("modify", 0, {"link": "br9"})))


async def test_unwinds_from_every_fault_point() -> None:
    op = nics(
        ("add", 0, {"network": "blue", "ip": "pool"}),
        ("modify", 1, {"network": "red", "ip": "198.51.100.3"}),
    )
    await assert_unwinds(networked, op)
    await assert_unwinds(networked, nics(("remove", 0, {})), after=[op])


def of_guest(cluster: SimCluster) -> list[tuple[str, str]]:
    """NICs that the running guest has."""
    record = cluster.nodes["node1"].guests.get("web1")
    assert record is not None
    return [(uuid, mac) for uuid, mac in record.nics]


def recorded(cluster: SimCluster) -> list[tuple[str, str]]:
    return [(nic.uuid, nic.mac) for nic in found(cluster)]


async def test_a_running_guest_gets_them_at_once() -> None:
    cluster = await running()
    for mod in (("add", 0, {}), ("modify", 1, {"mac": "generate"}), ("remove", 0, {})):
        await cluster.run(nics(mod))
        assert of_guest(cluster) == recorded(cluster)
    assert {call for _, call in changes(cluster)} == {"hotplug_device"}


async def test_without_hotplug_a_running_guest_gets_them_at_its_next_start() -> None:
    cluster = await running()
    before = of_guest(cluster)
    submitted = cluster.submit(nics(("add", -1, {}), hotplug=False))
    await cluster.finished(submitted)
    assert of_guest(cluster) == before
    assert "its new NICs count from its next start" in "\n".join(cluster.log(await submitted))
    assert changes(cluster) == []


async def test_a_guest_is_given_only_what_is_asked_for() -> None:
    cluster = await running()
    await cluster.run(nics(("add", -1, {}), hotplug=False))
    before = of_guest(cluster)
    await cluster.run(nics(("modify", 0, {"mac": "generate"})))
    ((uuid, mac),) = of_guest(cluster)
    assert ((uuid, mac) in before, uuid) == (False, before[0][0])
    # Asked for itself it comes.
    await cluster.run(nics(("modify", 1, {"mac": "generate"})))
    assert of_guest(cluster) == recorded(cluster)


async def test_undoing_gives_a_guest_nothing_else_either() -> None:
    op = nics(("modify", 0, {"mac": "generate"}))
    later = nics(("add", -1, {}), hotplug=False)
    await assert_unwinds(stopped, op, after=[START, later])


async def test_a_guest_that_releases_nothing_is_told_of() -> None:
    cluster = stopped()
    await cluster.run(OpInstanceStartup(instance_name="web1", startup_paused=True))
    submitted = cluster.submit(nics(("remove", 0, {}), ignore_ipolicy=True))
    await cluster.finished(submitted)
    log = "\n".join(cluster.log(await submitted))
    assert "hotplug failed" in log
    assert "not released" in log
    assert (len(of_guest(cluster)), found(cluster)) == (1, ())


async def test_a_running_guest_unwinds_from_every_fault_point() -> None:
    op = nics(("add", 0, {}), ("modify", 1, {"mac": "generate"}))
    await assert_unwinds(stopped, op, after=[START])
    await assert_unwinds(stopped, nics(("remove", 0, {}), ignore_ipolicy=True), after=[START])
