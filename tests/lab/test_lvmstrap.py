"""The volume group of a new node, made on a real disk."""

import pytest

from tests.lab.conftest import Nodes
from tools.lab.nodes import LabError


def test_a_node_gets_its_volume_group(nodes: Nodes) -> None:
    (node,) = nodes(1)
    shown = node.run("lvmstrap diskinfo").splitlines()
    assert [line.split()[:1] for line in shown[1:]] == [["Name"], ["vda"], ["vdb"]]
    assert shown[2].split()[2:4] == ["yes", "/"]
    for words, why in (
        ("--alldisks --erase -d vda", "not allowed with"),
        ("-d vda --erase", "disk vda: in use (vda mounted on /"),
    ):
        with pytest.raises(LabError, match="lvmstrap") as refused:
            node.run(f"lvmstrap create {words}")
        assert why in str(refused.value)

    node.run("mke2fs -q /dev/vdb")
    with pytest.raises(LabError, match=r"no free disks found.*vdb: not empty \(ext2\)"):
        node.run("lvmstrap create --alldisks")
    node.run("mount /dev/vdb /mnt")
    with pytest.raises(LabError, match="vdb: in use"):
        node.run("lvmstrap create --alldisks --erase")
    node.run("umount /mnt")

    said = node.run("lvmstrap create --alldisks --erase -v").splitlines()
    assert said[-1] == "Volume group xenvg of 24512 MiB is on vdb."
    fields = "vg_name,vg_extent_size,pv_name"
    report = node.run(f"vgs --noheadings --units m --nosuffix -o {fields}").split()
    assert report == ["xenvg", "64.00", "/dev/vdb1"]
    with pytest.raises(LabError, match="there is a volume group xenvg already"):
        node.run("lvmstrap create --alldisks --erase")

    # What LVM holds is in use, also for another group; without it the disk is only not empty.
    node.run("lvcreate -y -n web -L 64m xenvg")
    with pytest.raises(LabError, match=r"vdb: in use \(vdb1 used by xenvg-web"):
        node.run("lvmstrap create -d vdb --erase -g other")
    node.run("lvremove -y xenvg/web && vgremove -y xenvg")
    with pytest.raises(LabError, match="vdb: not empty"):
        node.run("lvmstrap create -d vdb -g other")
    node.run("lvmstrap create -d vdb -g other --erase")
    assert node.run("vgs --noheadings -o vg_name").split() == ["other"]
