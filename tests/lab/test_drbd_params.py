"""Disk parameters of DRBD as two real kernels have them."""

from tests.lab.cluster import LabCluster
from tests.lab.conftest import Nodes
from tools.lab.nodes import Node

WEB = "web1.example.com"
PARTS = "label: gpt\n" + "size=11G\n" * 2
FIXED = (
    "drbd:resync-rate=1234,disk-barriers=bf,meta-barriers=true,disk-custom=--al-extents 257,"
    "net-custom=--ping-int 7,protocol=B,data-stripes=2,meta-stripes=2"
)
DYNAMIC = (
    "drbd:dynamic-resync=true,c-plan-ahead=9,c-fill-target=64,c-delay-target=5,c-max-rate=70000,"
    "c-min-rate=800"
)


def shown(node: Node) -> str:
    """All that the kernel was told of the device, without the secret, one blank between words."""
    said = node.run("drbdsetup show resource0 --show-defaults | grep -v shared-secret")
    return " ".join(said.split())


def test_they_take_effect(nodes: Nodes) -> None:
    cluster = LabCluster(nodes(2))
    for node in cluster.nodes:
        node.run(f"modprobe drbd && printf '{PARTS}' | sfdisk -q /dev/vdb")
        node.run("pvcreate -q -y /dev/vdb1 /dev/vdb2 && vgcreate -q xenvg /dev/vdb1 /dev/vdb2")
    cluster.init(templates="drbd,diskless", secondaries=True)
    first, second = (cluster.full_name(node) for node in cluster.nodes)
    cluster.gnt("cluster", "modify", "-D", FIXED)
    cluster.gnt("instance", "add", "-t", "drbd", "--disk", "0:size=64m", "--no-install",
                "--no-start", "-B", "memory=128m", "--ignore-ipolicy",
                "-n", f"{first}:{second}", WEB)  # fmt: skip
    cluster.gnt("instance", "activate-disks", WEB)
    for node in cluster.nodes:
        said = shown(node)
        for wanted in (
            "resync-rate 1234k;", "c-plan-ahead 0;", "disk-barrier no;", "disk-flushes no;",
            "md-flushes no;", "al-extents 257;", "ping-int 7;", "protocol B;",
        ):  # fmt: skip
            assert wanted in said
        assert "disk-drain no;" not in said
        stripes = node.run("lvs --noheadings --segments -o stripes xenvg").split()
        assert stripes == ["2", "2"]

    cluster.gnt("cluster", "modify", "-D", DYNAMIC)
    cluster.gnt("instance", "activate-disks", WEB)
    for node in cluster.nodes:
        said = shown(node)
        for wanted in ("c-plan-ahead 9;", "c-fill-target 64s;", "c-delay-target 5;",
                       "c-max-rate 70000k;", "c-min-rate 800k;"):  # fmt: skip
            assert wanted in said
    cluster.gnt("cluster", "verify")
