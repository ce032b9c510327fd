"""``burnin`` over DRBD and KVM: everything is tried on machines of their own, and nothing stays."""

from typing import Final

from tests.lab.conftest import Nodes
from tests.lab.drbd_cluster import DrbdCluster

TEST: Final = "burn1.example.com"
# Guests of guests of emulated machines: each job takes a minute.
BURNIN_S: Final = 3600.0
BOUNDS: Final = (
    "--ipolicy-bounds-specs=min:cpu-count=1,disk-count=1,disk-size=32,memory-size=64,nic-count=0,"
    "spindle-use=1/max:cpu-count=8,disk-count=16,disk-size=10240,memory-size=4096,nic-count=8,"
    "spindle-use=12"
)


def test_everything_works_on_drbd(nodes: Nodes) -> None:
    machines = nodes(3)
    cluster = DrbdCluster(machines)
    cluster.begin(BOUNDS)
    words = "-o micro+default -t drbd --mem-size=128m --vcpu-count=1 --no-name-check"
    sizes = "--disk-size=64m --disk-growth=32m --reboot-types=hard --early-release"
    said = cluster.master.run(f"burnin {words} {sizes} -v {TEST}", timeout_s=BURNIN_S)
    titles = [line.removeprefix("- ") for line in said.splitlines() if line.startswith("- ")]
    assert titles == [
        "creating instances",
        "growing disks",
        "replacing disks on the same nodes",
        "replacing the secondary",
        "failing over",
        "migrating",
        "exporting, removing and importing instances",
        "starting instances",
        "reinstalling",
        "rebooting",
        "renaming to the same name",
        "adding and removing a disk",
        "adding and removing a NIC",
        "activating and deactivating disks",
        "stopping and starting instances",
        "asking confd",
        "removing instances",
        "everything worked",
    ]
    assert cluster.listed("instance", "name") == []
    for node in machines:
        assert node.run("lvs --noheadings xenvg") == ""
        assert node.run("drbdsetup show") == ""
    cluster.gnt("cluster", "verify")
