"""Instances on DRBD: a guest on two machines, its growth, a lost secondary, a lost primary."""

from tests.lab.drbd_cluster import MIB, SMALL, WEB1, DrbdCluster, whole
from tests.lab.guest import Guest
from tools.lab.nodes import BOOT_S, Bed, Node


def checksum(node: Node) -> str:
    return node.run("sha256sum /dev/xenvg/*_data | cut -d' ' -f1")


def test_an_instance_survives_its_machines(lab: Bed) -> None:
    cluster = DrbdCluster.formed(lab, 2)
    one, two = cluster.nodes
    pair = ":".join(cluster.full_name(node) for node in (one, two))
    said = cluster.gnt("instance", "add", "-t", "drbd", "--disk", "0:size=64m", *SMALL,
                       "-o", "micro+default", "-n", pair, WEB1)  # fmt: skip
    assert "disks are in sync" in said
    Guest(WEB1).is_up(one)
    info = cluster.info()
    assert "on primary: /dev/drbd0 (147:0) in sync, status ok" in info
    assert "on secondary: /dev/drbd0 (147:0) in sync, status ok" in info
    cluster.gnt("cluster", "verify")

    cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB1, "0", "32m")
    assert [cluster.state(node)["size"] for node in (one, two)] == [96 * MIB, 96 * MIB]

    two.cut_power()
    cluster.wait(one, lambda state: state["connection"] != "Connected")
    Guest(WEB1).is_up(one)
    one.run("dd if=/dev/urandom of=/dev/drbd0 bs=1M count=8 seek=80 oflag=direct")
    two.power_on()
    two.wait_until_reachable(BOOT_S)
    prepare_again(two)
    assert f"Activating disks for instance '{WEB1}'" in cluster.gnt("cluster", "verify-disks")
    cluster.wait(one, whole)
    assert "Activating" not in cluster.gnt("cluster", "verify-disks")
    assert cluster.state(two)["role"] == "Secondary"

    cluster.gnt("instance", "shutdown", WEB1)
    assert checksum(one) == checksum(two)
    cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB1, "0", "32m")
    cluster.gnt("instance", "startup", WEB1)
    Guest(WEB1).is_up(one)
    cluster.wait(one, whole)
    assert [cluster.state(node)["size"] for node in (one, two)] == [128 * MIB, 128 * MIB]
    cluster.gnt("instance", "remove", "-f", WEB1)
    for node in (one, two):
        assert node.run("lvs --noheadings xenvg") == ""
        assert node.run("drbdsetup show") == ""
    cluster.gnt("cluster", "verify")


def prepare_again(node: Node) -> None:
    """What an init system does after a boot."""
    node.run("modprobe drbd && vgchange -ay xenvg")
    node.run("ganeti-noded", timeout_s=120)


def test_a_mirror_is_replaced_under_its_guest(lab: Bed) -> None:
    cluster = DrbdCluster.formed(lab, 3)
    one, two, three = cluster.nodes
    pair = ":".join(cluster.full_name(node) for node in (one, two))
    cluster.gnt("instance", "add", "-t", "drbd", "--disk", "0:size=64m", *SMALL,
                "-o", "micro+default", "-n", pair, WEB1)  # fmt: skip
    Guest(WEB1).is_up(one)
    for words in (("-s",), ("-p",), ("-n", cluster.full_name(three))):
        said = cluster.gnt("instance", "replace-disks", "--ignore-ipolicy", *words, WEB1)
        assert "STEP 6/6 Removing old storage" in said
        Guest(WEB1).is_up(one)
        assert whole(cluster.state(one))
        cluster.gnt("cluster", "verify")
    assert two.run("lvs --noheadings xenvg") == ""
    assert two.run("drbdsetup show") == ""
    cluster.gnt("instance", "shutdown", WEB1)
    assert checksum(one) == checksum(three)

    # The machine of the secondary is lost for good.
    cluster.gnt("instance", "startup", WEB1)
    three.cut_power()
    move = ("replace-disks", "--ignore-ipolicy", "-n", cluster.full_name(two), WEB1)
    assert "will be tried again: remove old storage" in cluster.gnt("instance", *move)
    assert whole(cluster.state(one))
    Guest(WEB1).is_up(one)
