"""OP_NETWORK_REMOVE."""

import msgspec
import pytest

from pyganeti.master.locks import LockRequest
from pyganeti.model.change import Change
from pyganeti.model.errors import ECode
from pyganeti.opcodes.network import OpNetworkConnect, OpNetworkRemove
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, make_op
from tests.sim.instance.make import create
from tests.sim.network.make import networked, unconnected

OP = OpNetworkRemove(network_name="blue")
CONNECT = make_op(
    OpNetworkConnect,
    network_name="blue",
    group_name="default",
    network_mode="bridged",
    network_link="br0",
)


async def test_a_network_that_is_not_connected_is_removed() -> None:
    cluster = unconnected()
    await cluster.run(OP)
    assert cluster.view.networks == {}
    assert changes(cluster) == []


@pytest.mark.parametrize("force", [False, True])
async def test_refuses_one_that_is_connected_even_if_forced(force: bool) -> None:
    op = OpNetworkRemove(network_name="blue", force=force)
    await assert_refused(networked(), op, ECode.STATE, "connected", "default")


async def test_refuses_an_unknown_one() -> None:
    await assert_refused(unconnected(), OpNetworkRemove(network_name="red"), ECode.NOENT, "red")


async def test_refuses_one_that_an_instance_is_in() -> None:
    cluster = networked()
    await cluster.run(create(nics=[{"network": "blue", "ip": "pool"}]))
    config = (await cluster.master()).config
    group = msgspec.structs.replace(cluster.view.group("default"), networks={})
    await config.commit(lambda _view: Change(puts=(group,)))
    await assert_refused(cluster, OP, ECode.STATE, "used by", "web1")


async def test_one_that_was_connected_while_it_waited_stays() -> None:
    cluster = unconnected()
    async with cluster.locks_held(LockRequest(networks=frozenset(cluster.view.networks))):
        connected = cluster.submit(CONNECT)
        await connected
        removed = cluster.submit(OP)
        await removed
    await cluster.finished(connected)
    assert "default" in str(await failed(cluster, removed))


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(unconnected, OP)
