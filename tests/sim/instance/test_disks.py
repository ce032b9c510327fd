"""OP_INSTANCE_ACTIVATE_DISKS, OP_INSTANCE_DEACTIVATE_DISKS and OP_INSTANCE_GROW_DISK."""

import pytest

from pyganeti.master.jobs.leftovers import RETRY_S
from pyganeti.model.errors import ECode, NodeUnreachable
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceDeactivateDisks,
    OpInstanceGrowDisk,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import on_offline_node, on_silent_node, running, stopped

ACTIVATE = OpInstanceActivateDisks(instance_name="web1")
DEACTIVATE = OpInstanceDeactivateDisks(instance_name="web1")


def grow(amount: int = 512, **parameters: bool) -> OpInstanceGrowDisk:
    return make_op(OpInstanceGrowDisk, instance_name="web1", disk=0, amount=amount, **parameters)


async def test_activates_and_says_where_they_are() -> None:
    cluster = stopped()
    answer = await cluster.run(ACTIVATE)
    assert answer == [["node1", "disk/0", "/srv/ganeti/file-storage/web1/0"]]
    assert cluster.instance("web1").disks_active
    assert [call for _, call in changes(cluster)] == ["blockdev_assemble"]


async def test_activating_again_answers_the_same() -> None:
    cluster = stopped()
    assert await cluster.run(ACTIVATE) == await cluster.run(ACTIVATE)


async def test_deactivates() -> None:
    cluster = stopped()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(ACTIVATE)
    await cluster.run(DEACTIVATE)
    assert cluster.footprint() == before


async def test_refuses_to_deactivate_what_a_guest_uses_but_by_force() -> None:
    cluster = await running()
    await assert_refused(cluster, DEACTIVATE, ECode.STATE, "web1", "running")
    await cluster.run(OpInstanceDeactivateDisks(instance_name="web1", force=True))
    assert not cluster.instance("web1").disks_active


@pytest.mark.parametrize("op", [ACTIVATE, DEACTIVATE, grow()], ids=lambda op: op.summary())
async def test_refuses_an_offline_node(op: OpInstanceActivateDisks) -> None:
    await assert_refused(on_offline_node(), op, ECode.STATE, "node2")


async def test_a_silent_node_fails_the_activation_and_nothing_is_recorded() -> None:
    cluster = on_silent_node()
    assert isinstance(await fails(cluster, ACTIVATE), NodeUnreachable)
    cluster.nodes["node2"].reachable = True
    await cluster.clock.sleep(RETRY_S + 1.0)
    assert not cluster.instance("web1").disks_active


async def test_refuses_to_deactivate_on_a_silent_node() -> None:
    await assert_refused(on_silent_node(), DEACTIVATE, ECode.ENVIRON, "node2")


async def test_activation_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(stopped, ACTIVATE)


async def test_deactivation_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(stopped, DEACTIVATE, after=[ACTIVATE])


async def test_grows_by_an_amount_and_to_a_size() -> None:
    cluster = stopped()
    await cluster.run(grow(512))
    await cluster.run(grow(4096, absolute=True))
    (disk,) = cluster.view.disks_of(cluster.instance("web1"))
    assert disk.size == 4096
    assert list(cluster.nodes["node1"].disks.disks.values()) == [(4096, disk.uuid)]


async def test_a_running_guest_is_told() -> None:
    cluster = await running()
    await cluster.run(grow(512))
    assert [call for _, call in changes(cluster)] == ["blockdev_grow", "hotplug_device"]


async def test_growing_to_the_size_it_has_changes_nothing() -> None:
    cluster = stopped()
    await cluster.run(grow(1024, absolute=True))
    assert changes(cluster) == []


@pytest.mark.parametrize(
    ("op", "code", "said"),
    [
        (OpInstanceGrowDisk(instance_name="web1", disk=1, amount=1), ECode.INVAL, "no disk 1"),
        (OpInstanceGrowDisk(instance_name="web1", disk=0, amount=0), ECode.INVAL, "by nothing"),
        (grow(512, absolute=True), ECode.STATE, "512"),
        (grow(2 * 1024 * 1024), ECode.INVAL, "policy"),
        (grow(2 * 1024 * 1024, ignore_ipolicy=True), ECode.NORES, "node1"),
    ],
)
async def test_refuses_before_any_change(op: OpInstanceGrowDisk, code: ECode, said: str) -> None:
    await assert_refused(stopped(), op, code, said)


async def test_refuses_to_grow_on_a_silent_node() -> None:
    await assert_refused(on_silent_node(), grow(), ECode.ENVIRON, "node2")


async def test_two_at_once_grow_one_after_the_other() -> None:
    cluster = stopped()
    jobs = [cluster.submit(grow(100)) for _ in range(3)]
    for job in jobs:
        await cluster.finished(job)
    assert [disk.size for disk in cluster.view.disks.values()] == [1324]


async def test_growing_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(stopped, grow(4096, absolute=True))


async def test_follows_an_instance_that_moved_while_waiting() -> None:
    cluster = stopped()
    async with cluster.instance_held("web1"):
        job = cluster.submit(ACTIVATE)
        await cluster.move("web1", to="node2")
    assert (await cluster.finished(job))[0][0] == "node2"


async def test_an_instance_without_disks_has_nothing_to_activate() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", disks=())
    assert await cluster.run(ACTIVATE) == []
