"""gnt-instance info."""

from .fake_master import FakeMaster, Job, refusal, run

DATA = {
    "name": "web1", "uuid": "u1", "serial_no": 2, "ctime": None, "mtime": None,
    "config_state": "up", "run_state": "down", "pnode": "node1", "pnode_group_name": "default",
    "pnode_group_uuid": "g1", "snodes": ["node2"], "snodes_group_names": ["default"],
    "snodes_group_uuids": ["g1"], "os": "micro", "os_instance": {}, "os_actual": {"a": "b"},
    "network_port": 5901, "hypervisor": "kvm", "hv_instance": {"acpi": True},
    "hv_actual": {"acpi": True, "vnc_bind_address": "0.0.0.0"}, "be_instance": {},
    "be_actual": {"maxmem": 128}, "disk_template": "drbd",
    "nics": [["eth", "n1", None, "aa:00:00:00:00:01", "bridged", "br0", "", None, None]],
    "disks": [{
        "iv_name": "disk/0", "dev_type": "drbd", "size": 1024, "mode": "rw", "name": None,
        "uuid": "d1", "spindles": None, "logical_id": ["a", "b", 11000, 0, 1, "s"],
        "drbd_info": {"primary_node": "node1", "primary_minor": 0, "secondary_node": "node2",
                      "secondary_minor": 1, "port": 11000},
        "pstatus": ["/dev/drbd0", 147, 0, 50.0, 30, True, 1],
        "sstatus": ["/dev/drbd1", 147, 1, None, None, True, 4],
        "children": [{
            "iv_name": None, "dev_type": "plain", "size": 1024, "mode": "rw", "name": None,
            "uuid": "d2", "logical_id": ["xenvg", "x.disk0"], "pstatus": None, "sstatus": None,
            "children": []}],
    }],
}  # fmt: skip


def test_info() -> None:
    ran = run("gnt-instance info web1", FakeMaster(jobs=[Job(result={"web1": DATA})]))
    lines = ran.out.splitlines()
    for line in (
        "- Instance name: web1",
        "  State: configured to be up, actual state is down",
        "    - primary: node1",
        "      group: default (UUID g1)",
        "    - secondaries: node2 (group default, group UUID g1)",
        "  console connection: vnc to node1:5901 (display :1)",
        "    acpi: True",
        "    maxmem: default (128)",
        "      MAC: aa:00:00:00:00:01",
        "    - disk/0: drbd, size 1.0G",
        "      nodeA: node1, minor=0",
        "      on primary: /dev/drbd0 (147:0) *RECOVERING* 50.00%, ETA 30s, status *DEGRADED*",
        "      on secondary: /dev/drbd1 (147:1) in sync, status *DEGRADED* *MISSING DISK*",
        "      child devices: ",
        "        - child 0: plain, size 1.0G",
        "          logical_id: xenvg/x.disk0",
    ):
        assert line in lines


def test_static_info_asks_no_node() -> None:
    master = FakeMaster(jobs=[Job(result={"web1": DATA})])
    ran = run("gnt-instance info -s web1", master)
    assert master.ops[0]["static"] is True
    assert "actual state" not in ran.out
    assert "on primary" not in ran.out


def test_info_in_roman() -> None:
    master = FakeMaster(jobs=[Job(result={"web1": DATA})])
    assert "Serial number: II\n" in run("gnt-instance info --roman web1", master).out


def test_info_needs_a_choice() -> None:
    assert "no instance selected" in refusal("gnt-instance info")
    assert "--all takes no names" in refusal("gnt-instance info --all web1")
