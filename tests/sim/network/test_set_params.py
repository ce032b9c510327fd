"""OP_NETWORK_SET_PARAMS."""

from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import UndoContext
from pyganeti.master.lu.network.set_params import TAKEN_BY_INSTANCES
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.undo.objects import restoration
from pyganeti.master.undo.registry import UNDO_ACTIONS
from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.instance import OpInstanceRemove
from pyganeti.opcodes.network import OpNetworkRename, OpNetworkSetParams
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import create
from tests.sim.network.make import BUILT_IN, networked

WEB = create(nics=[{"network": "blue", "ip": "198.51.100.3"}])
GATEWAY = "198.51.100.1"


def op(**parameters: Any) -> OpNetworkSetParams:  # Any: opcode parameters
    return make_op(OpNetworkSetParams, **{"network_name": "blue", **parameters})


async def logged(cluster: SimCluster, asked: OpNetworkSetParams) -> list[str]:
    job = cluster.submit(asked)
    await cluster.finished(job)
    return cluster.log(await job)


def outside(cluster: SimCluster) -> str | None:
    return cluster.view.network("blue").ext_reservations


async def test_another_gateway_takes_the_place_of_the_old_one() -> None:
    cluster = networked()
    for gateway, wanted in ((GATEWAY, "11000001"), ("198.51.100.2", "10100001")):
        assert await logged(cluster, op(gateway=gateway)) == []
        assert (cluster.view.network("blue").gateway, outside(cluster)) == (gateway, wanted)
    assert await logged(cluster, op(gateway="198.51.100.2")) == [
        "Warning: the gateway is 198.51.100.2 already"
    ]
    assert await logged(cluster, op(gateway="none")) == []
    assert (cluster.view.network("blue").gateway, outside(cluster)) == (None, "10000001")
    assert changes(cluster) == []


async def test_addresses_are_reserved_and_released() -> None:
    cluster = networked()
    await cluster.run(op(gateway=GATEWAY))
    await cluster.run(op(add_reserved_ips=["198.51.100.2", "198.51.100.3"]))
    assert outside(cluster) == "11110001"
    both = op(add_reserved_ips=["198.51.100.4"], remove_reserved_ips=["198.51.100.2"])
    assert await logged(cluster, both) == []
    assert outside(cluster) == "11011001"
    assert await logged(cluster, op(add_reserved_ips=["198.51.100.4"])) == [
        "Warning: 198.51.100.4 is reserved already"
    ]
    released = op(remove_reserved_ips=["198.51.100.2", GATEWAY])
    assert await logged(cluster, released) == [
        "Warning: 198.51.100.2 was not reserved",
        f"Warning: {GATEWAY} is the gateway's address, it stays reserved",
    ]
    assert outside(cluster) == "11011001"


async def test_what_an_instance_has_stays_its_own_and_is_reserved_afterwards() -> None:
    cluster = networked()
    await cluster.run(WEB)
    (said,) = await logged(cluster, op(add_reserved_ips=["198.51.100.3"]))
    assert "instance web1 has 198.51.100.3" in said
    await cluster.run(OpInstanceRemove(instance_name="web1", shutdown_timeout=0))
    assert outside(cluster) == "10010001"
    await assert_refused(cluster, WEB, ECode.NOTUNIQUE, "198.51.100.3", "reserved")


async def test_the_rest_is_set_and_taken_away() -> None:
    cluster = networked()
    asked = {"network6": "2001:db8::/64", "gateway6": "2001:db8::1", "mac_prefix": "AA:01:02"}
    await cluster.run(op(**asked))
    found = cluster.view.network("blue")
    assert (found.network6, found.gateway6) == (asked["network6"], asked["gateway6"])
    assert found.mac_prefix == "aa:01:02"
    await cluster.run(op(**dict.fromkeys(asked, "none")))
    found = cluster.view.network("blue")
    assert (found.network6, found.gateway6, found.mac_prefix) == (None, None, None)


REFUSALS: list[tuple[dict[str, Any], ECode, str]] = [
    ({}, ECode.INVAL, "nothing is to be changed"),
    ({"network_name": "red", "gateway": "none"}, ECode.NOENT, "red"),
    ({"gateway": "192.0.2.1"}, ECode.INVAL, "does not lie in"),
    ({"gateway": "198.51.100.7"}, ECode.INVAL, "first or the last"),
    ({"gateway": "198.51.100.3"}, ECode.STATE, "instance web1"),
    ({"gateway": "198.51.100.5"}, ECode.STATE, "release it first"),
    ({"gateway": GATEWAY, "add_reserved_ips": ["198.51.100.2"]}, ECode.INVAL, "at once"),
    ({"gateway": "none", "remove_reserved_ips": ["198.51.100.5"]}, ECode.INVAL, "at once"),
    ({"add_reserved_ips": ["198.51.100.2", "192.0.2.1"]}, ECode.INVAL, "192.0.2.1"),
    ({"remove_reserved_ips": ["192.0.2.1"]}, ECode.INVAL, "192.0.2.1"),
    ({"gateway6": "2001:db9::1"}, ECode.INVAL, "2001:db9::1"),
    ({"network6": "2001:db9::/64"}, ECode.INVAL, "2001:db8::1"),
    ({"mac_prefix": "nonsense"}, ECode.INVAL, "nonsense"),
]


@pytest.mark.parametrize(("parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    cluster = networked()
    await cluster.run(WEB)
    await cluster.run(op(add_reserved_ips=["198.51.100.5"]))
    await cluster.run(op(network6="2001:db8::/64", gateway6="2001:db8::1"))
    await assert_refused(cluster, op(**parameters), code, said)


async def test_what_was_taken_from_ganeti_is_not_judged_again() -> None:
    cluster = SimCluster()
    odd = {"network6": "2001:db8::/64", "gateway6": "2001:db9::1", "mac_prefix": "ab:00:00"}
    cluster.add_network("blue", "198.51.100.0/29", **odd)
    await cluster.run(op(add_reserved_ips=["198.51.100.2"]))
    assert outside(cluster) == "00100000"


async def test_an_address_that_an_instance_takes_meanwhile_counts() -> None:
    cluster = networked()
    async with cluster.held_up("node1", "file_storage_dir_create"):
        creation = cluster.submit(create(nics=[{"network": "blue", "ip": "pool"}]))
        await creation
        await cluster.run(op(add_reserved_ips=["198.51.100.1", "198.51.100.2"]))
    await cluster.finished(creation)
    assert cluster.instance("web1").nics[0].ip == "198.51.100.3"


async def test_addresses_taken_while_hooks_run_stay_taken() -> None:
    cluster = networked()
    for node in cluster.nodes.values():
        node.put_hook("network-modify-pre.d/10-slow")
    pool = [{"network": "blue", "ip": "pool"}]
    async with AsyncExitStack() as hooks:
        async with cluster.held_up("node2", "file_storage_dir_create"):
            creation = cluster.submit(create(pnode="node2", nics=pool))
            await creation
            await cluster.clock.sleep(1.0)
            await hooks.enter_async_context(cluster.held_up("node1", "hooks_runner"))
            change = cluster.submit(op(add_reserved_ips=["198.51.100.5"]))
            await change
            await cluster.clock.sleep(1.0)
        await cluster.clock.sleep(1.0)
        assert cluster.instance("web1").nics[0].ip == GATEWAY
    await cluster.finished(change)
    await cluster.finished(creation)
    found = cluster.view.network("blue")
    assert (found.reservations, found.ext_reservations) == ("01000000", "10000101")


async def test_what_instances_took_meanwhile_outlives_the_undo() -> None:
    cluster = networked()
    master = await cluster.master()
    back = restoration(master.config.view.network("blue"), but=TAKEN_BY_INSTANCES)
    await cluster.run(op(gateway=GATEWAY))
    await cluster.run(WEB)
    context = UndoContext(master.config, NodeWriter(master.access, job=99), lambda _: None)
    await UNDO_ACTIONS[back.action](context, **back.args)
    found = cluster.view.network("blue")
    assert (found.gateway, found.ext_reservations) == (None, BUILT_IN)
    assert found.reservations == "00010000"


@pytest.mark.parametrize(
    "asked", [op(gateway=GATEWAY), OpNetworkRename(network_name="blue", new_name="red")]
)
async def test_the_journal_says_what_is_left_alone(asked: Opcode) -> None:
    cluster = networked()
    async with AsyncExitStack() as hooks:
        async with cluster.held_up("node1", "hooks_runner"):
            job = cluster.submit(asked)
            await job
            await cluster.clock.sleep(1.0)
        # Those before have run; now those after are held up.
        await hooks.enter_async_context(cluster.held_up("node1", "hooks_runner"))
        await cluster.clock.sleep(1.0)
        (key,) = cluster.backend.keys(Table.JOURNAL)
        undo = msgspec.json.decode(cluster.backend.read(Table.JOURNAL, key) or b"", type=Undo)
    assert undo.args["but"] == ["reservations"]
    await cluster.finished(job)


async def test_a_dry_run_says_what_it_would_set() -> None:
    cluster = networked()
    assert await logged(cluster, op(gateway=GATEWAY, dry_run=True)) == [
        "Dry run: would set gateway",
        "Dry run: would set ext_reservations",
    ]
    assert cluster.view.network("blue").gateway is None


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(networked, op(gateway=GATEWAY, mac_prefix="aa:01:02"))
    asked = op(remove_reserved_ips=["198.51.100.0"], add_reserved_ips=["198.51.100.4"])
    await assert_unwinds(networked, asked, after=[WEB])
