"""What ``gnt-cluster verify`` and ``gnt-instance info`` say of mirrors."""

from collections.abc import Callable

import pytest

from pyganeti.model.enums import ReplaceDisksMode
from pyganeti.opcodes.cluster import OpClusterVerifyGroup
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceQueryData,
    OpInstanceReplaceDisks,
    OpInstanceShutdown,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.drbd_network import SimDevice
from pyganeti.wire.noderpc.types import DrbdInfo
from tests.sim.instance.make_drbd import disks_of, drbd, mirrored, split

STOP = OpInstanceShutdown(instance_name="web1", timeout=0)


async def findings(cluster: SimCluster) -> list[str]:
    """Lines of errors."""
    job = cluster.submit(OpClusterVerifyGroup(group_name="default", error_codes=True))
    await cluster.finished(job)
    lines = [line.strip("- ") for line in cluster.log(await job)]
    return [line for line in lines if line.startswith("ERROR")]


async def test_a_whole_mirror_is_right_active_or_not() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    assert await findings(cluster) == []
    await cluster.run(STOP)
    assert await findings(cluster) == []


def _cut(cluster: SimCluster) -> None:
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)


def _down(cluster: SimCluster) -> None:
    cluster.nodes["node2"].drbd.power_cut()


def _other_helper(cluster: SimCluster) -> None:
    cluster.nodes["node3"].drbd.facts = DrbdInfo(version="8.4.11", helper="/sbin/x")


def _no_drbd(cluster: SimCluster) -> None:
    cluster.nodes["node3"].drbd.facts = DrbdInfo(error="not loaded")


def _other_version(cluster: SimCluster) -> None:
    cluster.nodes["node3"].drbd.facts = DrbdInfo(version="9.2.1", helper="/bin/true")


def _unknown_minor(cluster: SimCluster) -> None:
    cluster.nodes["node3"].drbd.devices[7] = SimDevice(7)


def _volume_gone(cluster: SimCluster) -> None:
    volumes = cluster.nodes["node2"].volumes.disks
    cluster.nodes["node2"].drbd.power_cut()
    del volumes[next(name for name in volumes if name.endswith("data"))]


def _detached(cluster: SimCluster) -> None:
    (device,) = cluster.nodes["node2"].drbd.devices.values()
    device.data = device.meta = ""


DEGRADED = "disk/0 on node1 is degraded"
GONE = "drbd minor 0 of instance web1 is not active"
FINDINGS = [
    (_cut, [DEGRADED, "disk/0 on node2 is degraded"]),
    (_other_helper, ["wrong drbd usermode helper: /sbin/x"]),
    (_no_drbd, ["drbd usermode helper check unsuccessful: not loaded"]),
    (_other_version, [f"DRBD version {version} differs within the node group"
                      for version in ("8.4.11", "8.4.11", "9.2.1")]),
    (_unknown_minor, ["unallocated drbd minor 7 is in use"]),
    (_down, [GONE, DEGRADED, "disk/0 on node2 is not active"]),
    (_volume_gone, [GONE, "disk/0 on node2 is missing", DEGRADED, "disk/0 on node2 is not active"]),
    (_detached, [DEGRADED, "disk/0 on node2 is degraded; state is 'faulty'"]),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "said"), FINDINGS)
async def test_finds_what_is_wrong(harm: Callable[[SimCluster], None], said: list[str]) -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    harm(cluster)
    # ERROR:code:kind:name:text
    assert [line.split(":", 4)[4] for line in await findings(cluster)] == said


SPLIT = (
    "disk/0 is split: node1 and node2 were both written to without each other; 'gnt-instance"
    " replace-disks -n NODE web1', with a third node, keeps what is on the primary node (node1) and"
    " loses the other"
)


async def test_a_split_brain_is_named_and_can_be_mended_as_it_says() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    await split(cluster)
    alone = "is degraded; has no connection and looks for none"
    wanted = [f"disk/0 on node1 {alone}", f"disk/0 on node2 {alone}", SPLIT]
    assert [line.split(":", 4)[4] for line in await findings(cluster)] == wanted
    # Who looks for the other again has met it and parted again, and is told the same.
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    assert SPLIT in [line.split(":", 4)[4] for line in await findings(cluster)]
    mode = ReplaceDisksMode.NEW_SECONDARY
    op = OpInstanceReplaceDisks(
        instance_name="web1", mode=mode, remote_node="node3", ignore_ipolicy=True
    )
    await cluster.run(op)
    assert await findings(cluster) == []


async def test_a_side_that_was_left_behind_is_not_split() -> None:
    """It has nothing that the other lacks, whatever keeps them apart."""
    cluster = drbd()
    await cluster.run(mirrored())
    cluster.replication.cut.add(cluster.view.node("node2").secondary_ip)
    cluster.replication.settle()
    (one,) = cluster.nodes["node1"].drbd.devices.values()
    assert one.primary
    assert not [line for line in await findings(cluster) if "split" in line]


async def test_a_sync_is_told() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    _down(cluster)
    cluster.replication.sync_s = 1000.0
    await cluster.run(OpInstanceActivateDisks(instance_name="web1"))
    assert [line.split(":", 4)[4] for line in await findings(cluster)] == [
        "disk/0 on node1 is degraded",
        "disk/0 on node2 is degraded; state is 'syncing'",
    ]


async def test_info_has_both_sides_and_no_secret() -> None:
    cluster = drbd()
    await cluster.run(mirrored())
    ((_, identity),) = disks_of(cluster)
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",)))
    (disk,) = answer["web1"]["disks"]
    assert disk["drbd_info"] == {
        "primary_node": "node1",
        "primary_minor": 0,
        "secondary_node": "node2",
        "secondary_minor": 0,
        "port": 11000,
    }
    assert disk["logical_id"] == [*identity[:-1], None]
    assert identity.secret not in str(answer)
    whole = ["/dev/drbd0", 147, 0, None, None, False, 1]
    assert (disk["pstatus"], disk["sstatus"]) == (whole, whole)
    for child in disk["children"]:
        assert child["pstatus"][0] == child["sstatus"][0] == child["logical_id"][1]
    await cluster.run(STOP)
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",)))
    (disk,) = answer["web1"]["disks"]
    assert (disk["pstatus"], disk["sstatus"]) == (None, None)
    _down(cluster)
    await cluster.mark_node("node2", offline=True, master_candidate=False)
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",)))
    assert [child["sstatus"] for child in answer["web1"]["disks"][0]["children"]] == [None, None]
