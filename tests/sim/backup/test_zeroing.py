"""Free space of disks, zeroed by a guest of its own before they are exported."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.errors import CallTimeout, ECode, OpExecError
from pyganeti.node.hypervisor.fake.driver import POWERS_OFF
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, failed, fails
from tests.sim.instance.make import START, create
from tests.sim.instance.make_drbd import known

KEPT = {"node1/exports/.web1.old": "older ones are removed after the point of no return"}
Make = Callable[[], SimCluster]


def op(**parameters: Any) -> OpBackupExport:  # Any: opcode parameters
    # To its own node nothing is compressed on the way, which simulated programs cannot do.
    wanted = {"compress": "gzip", "zero_free_space": True, "shutdown_timeout": 0, **parameters}
    return OpBackupExport(instance_name="web1", target_node="node1", **wanted)


def made(image: str, **options: Any) -> SimCluster:  # Any: options as for gnt-cluster init
    """Three nodes whose export scripts write something."""
    templates = ["plain", "diskless"]
    wanted = {"enabled_disk_templates": templates, "zeroing_image": image, **options}
    cluster = SimCluster(options=wanted)
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = b"data"
    return cluster


@pytest.fixture
def image(tmp_path: Path) -> str:
    """The image of a guest that powers itself off."""
    path = tmp_path / "zero.img"
    path.write_bytes(POWERS_OFF)
    return str(path)


@pytest.fixture
def endless(tmp_path: Path) -> str:
    """The image of one that does not."""
    path = tmp_path / "endless.img"
    path.write_bytes(b"goes on")
    return str(path)


def web1(*, start: bool = True) -> Any:
    """The opcode that makes the instance."""
    return create(disk_template="plain", disks=[{"size": 1024}, {"size": 2048}], start=start)


def copies(cluster: SimCluster) -> list[str]:
    """Copies of the image on the instance's node."""
    place = cluster.nodes["node1"].paths.helper_dir
    return os.listdir(place) if os.path.isdir(place) else []


def steps(cluster: SimCluster) -> list[str]:
    """What was done to guest and disks, in order."""
    wanted = ("instance_shutdown", "instance_zero", "blockdev_snapshot", "instance_start")
    return [call for _, call in cluster.rpc_changes if call in wanted]


async def test_the_guest_is_down_while_it_is_done_and_snapshots_come_after(image: str) -> None:
    cluster = made(image)
    await cluster.run(web1())
    cluster.rpc_changes.clear()
    job = await cluster.submit(op())
    await cluster.finished(known(job))
    assert steps(cluster) == [
        "instance_shutdown", "instance_zero", "blockdev_snapshot", "blockdev_snapshot",
        "instance_start",
    ]  # fmt: skip
    assert "* zeroing free space of the disks" in cluster.log(job)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert copies(cluster) == []


async def test_disks_of_one_that_is_down_are_active_for_it(image: str) -> None:
    cluster = made(image)
    await cluster.run(web1(start=False))
    cluster.rpc_changes.clear()
    await cluster.run(op())
    assert steps(cluster) == ["instance_zero"]
    assert cluster.guest_states("web1") == {}
    assert not cluster.instance("web1").disks_active


async def test_the_guest_has_the_image_first_and_no_nics(endless: str) -> None:
    cluster = made(endless)
    await cluster.run(web1())
    disks = cluster.instance("web1").disks
    job = cluster.submit(op())
    while not (copies(cluster) and cluster.guest_states("web1")):
        await cluster.clock.sleep(0.1)
    record = cluster.nodes["node1"].guests.get("web1")
    assert record is not None
    assert record.disks[1:] == disks
    assert record.nics == ()
    cluster.nodes["node1"].guests.remove("web1")
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_one_that_takes_too_long_is_ended_and_the_guest_is_back(endless: str) -> None:
    cluster = made(endless)
    await cluster.run(web1())
    before, began = cluster.footprint(), cluster.clock.monotonic()
    wanted = op(zeroing_timeout_fixed=100, zeroing_timeout_per_mib=0.5)
    error = await fails(cluster, wanted)
    assert isinstance(error, OpExecError)
    assert "has not ended after 1636 s" in str(error)
    assert 1636 <= cluster.clock.monotonic() - began < 1800
    assert cluster.footprint() == before
    assert copies(cluster) == []


async def test_by_default_the_limit_follows_the_disks(endless: str) -> None:
    cluster = made(endless)
    await cluster.run(web1())
    assert "has not ended after 453.6 s" in str(await fails(cluster, op()))


async def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    cluster = made(f"{tmp_path}/none")
    await cluster.run(web1())
    before = cluster.footprint()
    text = str(await fails(cluster, op()))
    assert f"zeroing image {tmp_path}/none: No such file or directory" in text
    assert cluster.footprint() == before


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"shutdown": False}, ECode.INVAL, "must be shut down"),
        ({"zeroing_timeout_fixed": -1}, ECode.INVAL, "zeroing_timeout_fixed is -1"),
        ({"zeroing_timeout_per_mib": -0.5}, ECode.INVAL, "zeroing_timeout_per_mib is -0.5"),
        ({"compress": "none"}, ECode.INVAL, "choose a tool with --transport-compression"),
    ],
)
async def test_refuses(parameters: dict[str, Any], code: ECode, said: str, image: str) -> None:
    cluster = made(image)
    await cluster.run(web1(start=False))
    await assert_refused(cluster, op(**parameters), code, said)


async def test_refuses_without_an_image() -> None:
    cluster = made("")
    await cluster.run(web1(start=False))
    await assert_refused(cluster, op(), ECode.STATE, "--zeroing-image")


async def test_a_diskless_instance_has_no_free_space(image: str) -> None:
    cluster = made(image)
    await cluster.run(create(disk_template="diskless", disks=[], start=False))
    cluster.rpc_changes.clear()
    await cluster.run(op())
    assert steps(cluster) == []


@pytest.mark.parametrize("start", [True, False])
async def test_unwinds_from_every_fault_point(image: str, start: bool) -> None:
    def make() -> SimCluster:
        return made(image)

    await assert_unwinds(make, op(), after=[web1(start=start)], spares=KEPT, may_stand=True)


async def test_a_daemon_that_dies_meanwhile_leaves_no_guest(endless: str) -> None:
    cluster = made(endless)
    await cluster.run(web1(start=False))
    before = cluster.footprint()
    job = cluster.submit(op())
    while not (copies(cluster) and cluster.guest_states("web1")):
        await cluster.clock.sleep(0.1)
    node = cluster.nodes["node1"]
    guest = node.guests.get("web1")
    await node.restart()
    assert guest is not None
    node.guests.put(guest)  # one that is killed ends no guest
    assert isinstance(await failed(cluster, job), CallTimeout)
    await (await cluster.master()).leftovers.retry()
    assert cluster.footprint() == before
    await cluster.run(START)
