"""Exclusive storage on real physical volumes: whole ones for each disk, and none shared."""

import json

import pytest

from tests.lab.cluster import LabCluster
from tests.lab.conftest import Nodes
from tools.lab.nodes import LabError, Node

WEB1 = "web1.example.com"
WEB2 = "web2.example.com"
PARTS = "label: gpt\n" + "size=5900M\n" * 4


def holders(node: Node) -> dict[str, set[str]]:
    """Volumes on each physical volume that has some."""
    said = node.run("pvs --segments --reportformat json -o pv_name,lv_name")
    (report,) = json.loads(said)["report"]
    found: dict[str, set[str]] = {}
    for row in report["pvseg"]:
        if row["lv_name"]:
            found.setdefault(row["pv_name"], set()).add(row["lv_name"])
    return found


def test_disks_have_physical_volumes_for_themselves(nodes: Nodes) -> None:
    cluster = LabCluster(nodes(1))
    master = cluster.master
    master.run(f"printf '{PARTS}' | sfdisk -q /dev/vdb")
    devices = " ".join(f"/dev/vdb{number}" for number in range(1, 5))
    master.run(f"pvcreate -q -y {devices} && vgcreate -q xenvg {devices}")
    cluster.init(templates="plain,diskless")
    cluster.gnt("cluster", "modify", "--node-parameters", "exclusive_storage=true")
    assert cluster.listed("node", "spfree,sptotal") == [["4", "4"]]
    name = cluster.full_name(master)
    how = ("-t", "plain", "--no-install", "--no-start", "-B", "memory=128m", "--ignore-ipolicy")
    add = ("instance", "add", *how, "-n", name)
    cluster.gnt(*add, "--disk", "0:size=64m,spindles=2", "--disk", "1:size=32m,spindles=1", WEB1)
    assert [len(found) for found in holders(master).values()] == [1, 1, 1]
    assert len(set().union(*holders(master).values())) == 2
    ((free, total),) = cluster.listed("node", "spfree,sptotal")
    assert (free, total) == ("1", "4")
    cluster.gnt("instance", "grow-disk", "--ignore-ipolicy", WEB1, "0", "64m")
    assert [len(found) for found in holders(master).values()] == [1, 1, 1]
    cluster.gnt("cluster", "verify")

    with pytest.raises(LabError, match="wanted 2, empty 1"):
        cluster.gnt(*add, "--disk", "0:size=64m,spindles=2", WEB2)
    with pytest.raises(LabError, match="say how many spindles it takes"):
        cluster.gnt(*add, "--disk", "0:size=64m", WEB2)
    master.run("lvcreate -q -y -n stray -L 16m xenvg /dev/vdb1")
    with pytest.raises(LabError, match="is shared by volumes"):
        cluster.gnt("cluster", "verify")
    master.run("lvremove -q -y xenvg/stray")
    cluster.gnt("instance", "remove", "-f", WEB1)
    assert holders(master) == {}
