"""Instances changed by commands: a guest that runs gets and loses devices, and keeps running."""

from tests.e2e.vcluster import Cluster, interfaces, micro, virtual_cluster

WEB = "web1.example.com"
NEW = "www.example.com"
NODE = "node1"


def in_guest(cluster: Cluster, command: str, wanted: str) -> str:
    """Run ``command`` in the guest until it prints ``wanted``; the first group of that."""
    # The mark keeps the echo of what is typed from looking like the answer.
    ask = f"\necho an''swer: $({command}) .\n".encode()
    return str(cluster.console(NODE, WEB, f"answer: {wanted} \\.", ask=ask).group(1))


def boot_id(cluster: Cluster) -> str:
    return in_guest(cluster, "cat /proc/sys/kernel/random/boot_id", "([0-9a-f-]{36})")


def test_a_running_guest_gets_and_loses_disks_and_nics(bridge_name: str) -> None:
    nic = f"mode=bridged,link={bridge_name}"
    with virtual_cluster(size=1) as cluster:
        cluster.init()
        cluster.gnt("instance", "add", *micro(NODE), "--net", f"0:{nic}", WEB)
        before = boot_id(cluster)

        added = cluster.gnt(
            "instance", "modify", "--ignore-ipolicy", "--disk", "add:size=16m,name=data",
            "--net", f"add:name=back,{nic}", WEB,
        )  # fmt: skip
        assert " - disk/1 -> add:size=16,mode=rw" in added.stdout.splitlines()
        assert in_guest(cluster, "cat /sys/block/vdb/size", "(32768)") == "32768"
        cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB, "1", "16m")
        in_guest(cluster, "cat /sys/block/vdb/size", "(65536)")
        in_guest(cluster, "cd /sys/class/net; echo eth*", "(eth0 eth1)")
        assert len(interfaces(bridge_name)) == 2
        in_guest(cluster, "printf kept > /dev/vdb; sync; head -c 4 /dev/vdb", "(kept)")

        cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", "data:detach", WEB)
        in_guest(cluster, "cd /sys/block; echo vd*", "(vda)")
        cluster.gnt("instance", "modify", "--net", "back:remove", WEB)
        in_guest(cluster, "cd /sys/class/net; echo eth*", "(eth0)")
        assert len(interfaces(bridge_name)) == 1
        cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", "attach:name=data", WEB)
        in_guest(cluster, "head -c 4 /dev/vdb", "(kept)")
        cluster.gnt("instance", "modify", "--ignore-ipolicy", "--disk", "data:remove", WEB)
        in_guest(cluster, "cd /sys/block; echo vd*", "(vda)")

        assert boot_id(cluster) == before
        assert len(cluster.images()) == 1
        cluster.gnt("cluster", "verify")


def test_a_stopped_instance_is_renamed_and_its_lost_disk_made_again() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init()
        cluster.gnt("instance", "add", *micro(NODE), "--no-nics", "--ignore-ipolicy", WEB)
        cluster.gnt("instance", "shutdown", WEB)
        assert cluster.gnt("instance", "rename", WEB, NEW).stdout.splitlines()[-1] == (
            f"Instance '{WEB}' renamed to '{NEW}'"
        )
        (image,) = cluster.images()
        assert NEW in image
        cluster.gnt("instance", "modify", "--ignore-ipolicy", "-B", "memory=160", NEW)
        cluster.gnt("instance", "startup", NEW)
        said = cluster.console(NODE, NEW, r"micro: (\S+) is up", ask=b"\nmicro\n")
        assert said.group(1) == NEW
        cluster.gnt("instance", "shutdown", NEW)

        (cluster.base / image).unlink()
        cluster.gnt("instance", "recreate-disks", NEW)
        cluster.gnt("instance", "reinstall", "--force", NEW)
        cluster.gnt("instance", "startup", NEW)
        cluster.console(NODE, NEW, r"is up", ask=b"\nmicro\n")
        cluster.gnt("cluster", "verify")
