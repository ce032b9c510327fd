"""gnt-node list-storage, volumes, modify-storage, repair-storage, list-drbd."""

import json

import pytest

from .fake_master import FakeMaster, Job, named_rows, run

UNITS = [
    ["node1", "lvm-pv", "/dev/sda7", 690011, 1536, 688475, True],
    ["node2", "lvm-pv", "/dev/sdb1", 715161, 0, 715161, False],
]
VOLUMES = [
    ["node1", "/dev/sda7", "xenvg", "web1.disk0", "1024", "web1.example.com"],
    ["node1", "/dev/sdb1", "xenvg", "left.over", "64", "-"],
]


def test_list_storage_prints_the_table() -> None:
    master = FakeMaster(jobs=[Job(result=UNITS)])
    ran = run("gnt-node list-storage -t lvm-pv node1 node2", master)
    assert ran.out.splitlines() == [
        "Node  Type   Name        Size Used   Free Allocatable",
        "node1 lvm-pv /dev/sda7 673.8G 1.5G 672.3G Y",
        "node2 lvm-pv /dev/sdb1 698.4G   0M 698.4G N",
    ]
    op = master.ops[0]
    assert (op["nodes"], op["storage_type"]) == (["node1", "node2"], "lvm-pv")


def test_list_storage_for_scripts() -> None:
    master = FakeMaster(jobs=[Job(result=[["node1", 690011]])])
    ran = run("gnt-node list-storage --no-headers --separator=: -o node,size", master)
    assert ran.out == "node1:690011\n"
    assert master.ops[0]["output_fields"] == ["node", "size"]
    assert master.ops[0]["storage_type"] is None


def test_list_storage_in_another_unit_and_as_json() -> None:
    ran = run("gnt-node list-storage --units g -o size", FakeMaster(jobs=[Job(result=[[2048]])]))
    assert ran.out.splitlines()[1].strip() == "2.0"
    ran = run(
        "gnt-node list-storage --format json -o name,allocatable",
        FakeMaster(jobs=[Job(result=[["/srv", True]])]),
    )
    assert json.loads(ran.out) == [{"name": "/srv", "allocatable": True}]


def test_volumes() -> None:
    ran = run("gnt-node volumes", FakeMaster(jobs=[Job(result=VOLUMES)]))
    assert ran.out.splitlines() == [
        "Node  PhysDev   VG    Name       Size Instance",
        "node1 /dev/sda7 xenvg web1.disk0 1.0G web1.example.com",
        "node1 /dev/sdb1 xenvg left.over   64M -",
    ]


def test_modify_storage() -> None:
    master = FakeMaster()
    assert run("gnt-node modify-storage --allocatable no node1 lvm-pv /dev/sdb1", master).code == 0
    op = master.ops[0]
    assert (op["storage_type"], op["name"], op["changes"]) == (
        "lvm-pv",
        "/dev/sdb1",
        {"allocatable": False},
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("modify-storage node1 lvm-pv /dev/sdb1", "at least one of the parameters"),
        ("modify-storage --allocatable no node1 lvm-vg xenvg", "lvm-vg"),
        ("repair-storage node1 lvm-pv /dev/sdb1", "lvm-pv"),
    ],
)
def test_refuses_before_anything_is_sent(line: str, said: str) -> None:
    master = FakeMaster()
    ran = run(f"gnt-node {line}", master)
    assert ran.code != 0
    assert said in ran.err
    assert master.ops == []


def test_repair_storage() -> None:
    master = FakeMaster()
    run("gnt-node repair-storage --ignore-consistency node1 lvm-vg xenvg", master)
    op = master.ops[0]
    assert (op["name"], op["ignore_consistency"]) == ("xenvg", True)


def disk(number: int, primary: str, minors: tuple[int, int]) -> dict[str, object]:
    info = {
        "primary_node": primary,
        "primary_minor": minors[0],
        "secondary_node": "node2" if primary == "node1" else "node1",
        "secondary_minor": minors[1],
    }
    return {"iv_name": f"disk/{number}", "drbd_info": info}


def test_list_drbd_tells_whose_minors_they_are() -> None:
    found = {
        "web1": {"name": "web1", "pnode": "node1", "disks": [disk(0, "node1", (2, 0))]},
        "db1": {
            "name": "db1",
            "pnode": "node2",
            "disks": [disk(0, "node2", (1, 0)), {"iv_name": "disk/1", "drbd_info": None}],
        },
    }
    rows = named_rows({"name": "node1", "pinst_list": ["web1"], "sinst_list": ["db1"]})
    master = FakeMaster(jobs=[Job(result=found)], answers={"Query": rows})
    ran = run("gnt-node list-drbd node1", master)
    assert ran.out.splitlines() == [
        "Node  Minor Instance Disk   Role      PeerNode",
        "node1     0 db1      disk/0 secondary node2",
        "node1     2 web1     disk/0 primary   node2",
    ]
    assert (master.ops[0]["instances"], master.ops[0]["static"]) == (["web1", "db1"], True)


def test_list_drbd_of_a_node_without_instances_asks_for_none() -> None:
    rows = named_rows({"name": "node3", "pinst_list": [], "sinst_list": []})
    master = FakeMaster(answers={"Query": rows})
    assert run("gnt-node list-drbd --no-headers node3", master).out == ""
    assert master.ops == []
