"""Instances on logical volumes: their guests, their growth, volumes that are adopted."""

import json

from tests.lab.cluster import LabCluster
from tests.lab.conftest import Nodes
from tests.lab.guest import Guest
from tools.lab.nodes import Node

WEB1 = "web1.example.com"
WEB2 = "web2.example.com"
SMALL = ("-B", "memory=128m", "--ignore-ipolicy")


def volumes(node: Node) -> dict[str, tuple[int, set[str]]]:
    """Size in MiB and tags of each logical volume."""
    said = node.run("lvs --reportformat json --units m --nosuffix -o lv_name,lv_size,lv_tags xenvg")
    (report,) = json.loads(said)["report"]
    return {
        row["lv_name"]: (int(float(row["lv_size"])), set(row["lv_tags"].split(",")))
        for row in report["lv"]
    }


def test_an_instance_lives_on_volumes(nodes: Nodes) -> None:
    cluster = LabCluster(nodes(1))
    master = cluster.master
    master.run("pvcreate -y /dev/vdb && vgcreate xenvg /dev/vdb")
    cluster.init(templates="plain,diskless")
    assert cluster.listed("node", "dtotal") == [["24572"]]
    name = cluster.full_name(master)
    disks = ("--disk", "0:size=63m", "--disk", "1:size=32m")
    cluster.gnt("instance", "add", "-t", "plain", *disks, "-o", "micro+default", *SMALL,
                "-n", name, WEB1)  # fmt: skip
    Guest(WEB1).is_up(master)
    (first, second) = sorted(volumes(master).items(), key=lambda item: item[0][-1])
    assert [first[1][0], second[1][0]] == [64, 32]
    assert f"originstname+{WEB1}" in first[1][1]
    cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB1, "1", "32m")
    assert volumes(master)[second[0]][0] == 64
    cluster.gnt("cluster", "verify")

    master.run("lvcreate -y -n old -L 16m xenvg && echo kept | dd of=/dev/xenvg/old conv=notrunc")
    cluster.gnt("instance", "add", "-t", "plain", "--disk", "0:adopt=old", "-o", "micro+default",
                "--no-start", *SMALL, "-n", name, WEB2)  # fmt: skip
    ((adopted, (size, tags)),) = (
        item for item in volumes(master).items() if item[0] not in (first[0], second[0])
    )
    assert size == 16
    assert f"originstname+{WEB2}" in tags
    assert master.run(f"head -c 5 /dev/xenvg/{adopted}") == "kept\n"

    for instance in (WEB1, WEB2):
        cluster.gnt("instance", "remove", "-f", instance)
    assert volumes(master) == {}
    cluster.gnt("cluster", "verify")
