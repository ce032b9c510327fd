"""What can never be undone locks nobody out: who gives the instance up is rid of it."""

from contextlib import suppress

import msgspec
import pytest

from pyganeti.master.instances.guests import bare_spec
from pyganeti.master.jobs.journal import Journal, Undo
from pyganeti.master.jobs.leftovers import RETRY_S
from pyganeti.master.jobs.run import undo
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterVerifyConfig
from pyganeti.opcodes.instance import OpInstanceRemove, OpInstanceShutdown, OpInstanceStartup
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.faults import Fault
from tests.sim.asserting import assert_refused, changes, failed
from tests.sim.instance.make import create, running
from tests.sim.instance.make_ext import array, ext

REMOVE = OpInstanceRemove(instance_name="web1", ignore_failures=True)
ADVICE = "gnt-instance remove --ignore-failures"


async def without_provider() -> SimCluster:
    """A creation on external storage that failed, whose volumes cannot be removed any more."""
    cluster = array()
    node = cluster.nodes["node1"]
    node.programs.failing["/create"] = "no mirror"
    node.provider.failing["remove"] = "no such provider"
    await failed(cluster, cluster.submit(ext()))
    return cluster


async def leave(cluster: SimCluster, *undos: Undo, names: tuple[str, ...] = ("web1",)) -> None:
    """Job 900 on instances left ``undos``, the newest last."""
    master = await cluster.master()
    journal = Journal(master.around.store, 900, 0)
    for step, left in enumerate(undos, 1):
        named = Undo(left.action, left.args, step=f"step {step}", instances=names)
        await journal.add(step, named)
        journal.leave(step, "waits")
    master.leftovers.keep(journal)


async def left(cluster: SimCluster) -> list[str]:
    """What is left to be undone."""
    return (await cluster.master()).leftovers.lines()


async def refused(cluster: SimCluster, op: Opcode) -> str:
    """Why ``op`` is refused, now that it was tried again to undo what was left."""
    error = await failed(cluster, cluster.submit(op))
    assert isinstance(error, OpPrereqError)
    assert error.code is ECode.STATE
    return str(error)


async def given_up(cluster: SimCluster) -> list[str]:
    """The warnings of a removal that ignores failures."""
    job = cluster.submit(REMOVE)
    await cluster.finished(job)
    return [line for line in cluster.log(await job) if line.startswith("Warning: ")]


async def test_what_cannot_be_undone_is_named_with_what_stays() -> None:
    cluster = await without_provider()
    (volume, *_) = cluster.nodes["node1"].provider.array.volumes
    (warning,) = await given_up(cluster)
    assert warning.startswith("Warning: given up, and left as it is: job 1 (web1): ")
    assert f"array/{volume}" in warning
    assert "on node1: " in warning
    assert "no such provider" in warning
    assert await left(cluster) == []
    assert cluster.backend.keys(Table.LEFTOVER) == []
    assert cluster.view.instances == {}


async def test_the_name_can_be_used_again() -> None:
    cluster = await without_provider()
    assert ADVICE in await refused(cluster, ext())
    await cluster.run(REMOVE)
    cluster.nodes["node1"].programs.failing.clear()
    await cluster.run(ext())
    await cluster.clock.sleep(RETRY_S * 2)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_the_next_master_does_not_know_it_any_more() -> None:
    cluster = await without_provider()
    await cluster.run(REMOVE)
    await cluster.kill_master()
    assert await left(cluster) == []


async def test_without_the_option_and_in_a_dry_run_nothing_is_given_up() -> None:
    cluster = await running()
    await leave(cluster, undo("disk.remove", node="gone", disks=[{}], directory=None))
    op = OpInstanceRemove(instance_name="web1")
    await assert_refused(cluster, op, ECode.STATE, "job 900", ADVICE)
    dry = OpInstanceRemove(instance_name="web1", ignore_failures=True, dry_run=True)
    await assert_refused(cluster, dry, ECode.STATE, "job 900")
    assert len(await left(cluster)) == 1


async def test_nothing_that_was_never_there_is_removed() -> None:
    await assert_refused(SimCluster(), REMOVE, ECode.NOENT, "web1")


async def stuck() -> SimCluster:
    """A creation that failed when its guest ran, which does not end."""
    cluster = SimCluster()
    await cluster.master()
    node = cluster.nodes["node2"]
    node.dies_after = "instance_start"
    await failed(cluster, cluster.submit(create(pnode="node2")))
    node.dies_after, node.reachable = None, True
    node.guests.stuck.add("web1")
    return cluster


async def test_a_guest_that_may_run_is_still_to_be_ended() -> None:
    cluster = await stuck()
    warnings = await given_up(cluster)
    assert warnings[0].startswith("Warning: still to be undone, tried again until it is: job 1")
    assert "web1 does not end" in warnings[0]
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert "start guest" in await refused(cluster, create())
    cluster.nodes["node2"].guests.stuck.clear()
    await cluster.clock.sleep(RETRY_S * 2)
    assert cluster.guest_states("web1") == {}
    assert await left(cluster) == []


@pytest.mark.parametrize("op", [OpInstanceStartup(instance_name="web1"), create()])
async def test_nobody_else_gets_past_a_guest_that_may_run(op: Opcode) -> None:
    cluster = await stuck()
    cluster.rpc_changes.clear()
    await failed(cluster, cluster.submit(op))
    assert {call for _, call in changes(cluster)} <= {"instance_shutdown"}


async def test_a_node_that_is_silent_does_it_when_it_is_back() -> None:
    cluster = SimCluster()
    await cluster.master()
    before = cluster.footprint()
    node = cluster.nodes["node2"]
    node.dies_after = "instance_start"
    await failed(cluster, cluster.submit(create(pnode="node2")))
    node.dies_after = None
    op = OpInstanceShutdown(instance_name="web1")
    await assert_refused(cluster, op, ECode.STATE, "job 1", "gnt-node modify --offline=yes")
    await given_up(cluster)
    assert cluster.view.instances == {}
    node.reachable = True
    await cluster.clock.sleep(RETRY_S * 2)
    assert cluster.footprint() == before


async def test_what_others_instances_need_stays() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1")
    cluster.add_instance("web2")
    wrong = undo("disk.remove", node="gone", disks=[{}], directory=None)
    await leave(cluster, wrong, names=("web1", "web2"))
    await given_up(cluster)
    assert len(await left(cluster)) == 1
    await cluster.run(OpInstanceRemove(instance_name="web2", ignore_failures=True))
    assert await left(cluster) == []


@pytest.mark.parametrize("action", ["instance.activate_disks", "mirror.reconnect"])
async def test_a_lost_disk_holds_up_nothing(action: str) -> None:
    cluster = await running()
    view, instance = cluster.view, cluster.instance("web1")
    spec = msgspec.to_builtins(bare_spec(view, instance))
    args = {"instance": instance.uuid} if action == "mirror.reconnect" else {"spec": spec}
    cluster.nodes["node1"].disks.disks.clear()
    await leave(cluster, Undo(action, args))
    await cluster.run(OpInstanceShutdown(instance_name="web1", timeout=0))
    assert cluster.instance("web1").admin_state is AdminState.DOWN
    assert await left(cluster) == []


async def test_disks_of_a_silent_node_are_waited_for() -> None:
    cluster = await running()
    spec = msgspec.to_builtins(bare_spec(cluster.view, cluster.instance("web1")))
    await leave(cluster, undo("instance.activate_disks", spec=spec))
    cluster.nodes["node1"].reachable = False
    op = OpInstanceShutdown(instance_name="web1")
    await assert_refused(cluster, op, ECode.STATE, "step 1")
    assert len(await left(cluster)) == 1


async def test_the_check_tells_why_it_failed_last() -> None:
    cluster = await without_provider()
    cluster.nodes["node1"].provider.failing["remove"] = "another reason"
    await cluster.clock.sleep(RETRY_S + 1.0)
    for _ in range(2):
        check = cluster.submit(OpClusterVerifyConfig())
        await cluster.finished(check)
        told = [line for line in cluster.log(await check) if "still to be undone" in line]
        assert "another reason" in told[0] + told[-1]
        assert "job 1 (web1)" in told[0]
        await cluster.kill_master()


async def with_something_left() -> SimCluster:
    """``web1``, and two undos on it of which the newer can never be run."""
    cluster = SimCluster()
    cluster.add_instance("web1")
    older = undo("instance.remove_from_config", uuid="gone")
    await leave(cluster, older, undo("disk.remove", node="gone", disks=[{}], directory=None))
    await (await cluster.master()).leftovers.retry()
    return cluster


async def test_can_be_repeated_after_any_fault() -> None:
    cluster = await with_something_left()
    cluster.faults.arm(None)
    await cluster.run(REMOVE)
    points = list(cluster.faults.points)
    assert points != []
    for at, point in enumerate(points):
        for kind in point.kinds:
            cluster = await with_something_left()
            cluster.faults.arm(Fault(at, kind))
            with suppress(GenericError):
                await cluster.run(REMOVE)
            cluster.faults.disarm()
            if cluster.view.instances:
                await cluster.run(REMOVE)
            assert await left(cluster) == [], f"{point.what}: {kind}"
            assert cluster.backend.keys(Table.LEFTOVER) == [], f"{point.what}: {kind}"
            assert cluster.view.instances == {}, f"{point.what}: {kind}"
