"""The form of info commands, and what cluster, node, group, network and OS show."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.cli.info import params, quoted, render
from pyganeti.cli.roman import roman, romanized

from .fake_master import FakeMaster, Job, named_rows, run


def test_nesting() -> None:
    data = [
        [("Name", "x"), ("List", ["a", "b"]), ("Empty", []), ("Map", {"b": 2, "a": None})],
        [("Name", "y"), ("Deep", [[("k", "v"), ("l", "w")]])],
    ]
    assert render(data).splitlines() == [
        "- Name: x",
        "  List: ",
        "    - a",
        "    - b",
        "  Empty: ",
        "  Map: ",
        "    a: None",
        "    b: 2",
        "- Name: y",
        "  Deep: ",
        "    - k: v",
        "      l: w",
    ]


def test_quoting_where_text_would_not_stay_in_its_line() -> None:
    for text in ("plain (text), aa:bb", "a: b", "#x", 'say "hi": x', "[x", "", " * x"):
        assert quoted(text) == text
    assert quoted('two\n"lines"') == '"two\\n\\"lines\\""'


@given(st.text(max_size=30))
def test_a_scalar_stays_in_its_line(text: str) -> None:
    assert len(render([("k", text)]).split("\n")) == 2


def test_inherited_parameters_are_marked() -> None:
    assert params({"a": 1, "d": {"x": 1}}, {"a": 1, "b": 2, "d": {"x": 1, "y": 2}}) == {
        "a": "1",
        "b": "default (2)",
        "d": {"x": "1", "y": "default (2)"},
    }


def test_roman() -> None:
    assert [roman(number) for number in (1, 4, 9, 1994, 0, 5000)] == [
        "I",
        "IV",
        "IX",
        "MCMXCIV",
        "0",
        "5000",
    ]
    assert romanized([("a", 2), ("b", {"c": True, "d": [3]})]) == [
        ("a", "II"),
        ("b", {"c": True, "d": ["III"]}),
    ]


POLICY = {
    "minmax": [{"min": {"cpu-count": 1}, "max": {"cpu-count": 8}}],
    "std": {"cpu-count": 1},
    "disk-templates": ["file", "plain"],
    "vcpu-ratio": 4.0,
    "spindle-ratio": 32.0,
}

CLUSTER: dict[str, Any] = {
    "name": "demo", "uuid": "u", "ctime": 0, "mtime": 0, "master": "node1",
    "architecture": ["64bit", "x86_64"], "tags": [], "default_hypervisor": "kvm",
    "enabled_hypervisors": ["kvm"], "hvparams": {"kvm": {"acpi": True}}, "os_hvp": {},
    "osparams": {}, "hidden_os": [], "blacklisted_os": [], "uid_pool": [[1, 2], [5, 5]],
    "candidate_pool_size": 10, "max_running_jobs": 20, "max_tracked_jobs": 25,
    "mac_prefix": "aa:00:00", "master_netdev": "lo", "master_netmask": 32,
    "use_external_mip_script": False, "volume_group_name": None, "reserved_lvs": [],
    "drbd_usermode_helper": None, "file_storage_dir": "/srv", "shared_file_storage_dir": "",
    "gluster_storage_dir": "", "maintain_node_health": False, "default_iallocator": "",
    "default_iallocator_params": {}, "primary_ip_version": 4, "prealloc_wipe_disks": False,
    "enabled_disk_templates": ["file"], "install_image": "",
    "instance_communication_network": "", "zeroing_image": "", "compression_tools": ["gzip"],
    "enabled_user_shutdown": False, "modify_ssh_setup": False, "ssh_key_type": "rsa",
    "ssh_key_bits": 2048, "ndparams": {}, "beparams": {"default": {"vcpus": 1}},
    "nicparams": {"default": {"link": "br0"}}, "diskparams": {}, "ipolicy": POLICY,
    "enabled_data_collectors": {"lv": True}, "data_collector_interval": {"lv": 5_000_000},
    "software_version": "3.1.0", "protocol_version": 3010000, "config_version": 3010000,
    "os_api_version": 20, "export_version": 0, "vcs_version": "v",
}  # fmt: skip


def test_cluster() -> None:
    ran = run("gnt-cluster info", FakeMaster(answers={"QueryClusterInfo": CLUSTER}))
    lines = ran.out.splitlines()
    for line in (
        "Cluster name: demo",
        "Architecture (this node): 64bit (x86_64)",
        "Tags: (none)",
        "  kvm: ",
        "    acpi: True",
        "  uid pool: 1-2, 5",
        "  mac prefix: aa:00:00",
        "Instance policy - limits for instances: ",
        "    - max/0: ",
        "        cpu-count: 8",
        "  allowed disk templates: file, plain",
        "    interval: 5.000s",
    ):
        assert line in lines


def test_version() -> None:
    ran = run("gnt-cluster version", FakeMaster(answers={"QueryClusterInfo": CLUSTER}))
    assert ran.out.splitlines()[0] == "Software version: 3.1.0"
    assert len(ran.out.splitlines()) == 6


NODE = {
    "name": "node1", "pip": "127.0.0.1", "sip": "127.0.0.1", "pinst_list": ["web1"],
    "sinst_list": [], "master_candidate": True, "drained": False, "offline": False,
    "master_capable": True, "vm_capable": True, "powered": None,
    "ndparams": {"ssh_port": 22}, "custom_ndparams": {},
}  # fmt: skip


def test_node() -> None:
    ran = run("gnt-node info node1", FakeMaster(answers={"Query": named_rows(NODE)}))
    assert ran.out.splitlines() == [
        "- Node name: node1",
        "  primary ip: 127.0.0.1",
        "  secondary ip: 127.0.0.1",
        "  master candidate: True",
        "  drained: False",
        "  offline: False",
        "  master_capable: True",
        "  vm_capable: True",
        "  primary for instances: ",
        "    - web1",
        "  secondary for instances: ",
        "  node parameters: ",
        "    ssh_port: default (22)",
    ]


def test_group() -> None:
    group = {
        "name": "default", "ndparams": {}, "custom_ndparams": {}, "diskparams": {"rbd": {"p": 1}},
        "custom_diskparams": {}, "ipolicy": POLICY, "custom_ipolicy": {"vcpu-ratio": 4.0},
    }  # fmt: skip
    ran = run("gnt-group info", FakeMaster(answers={"Query": named_rows(group)}))
    lines = ran.out.splitlines()
    assert "      p: default (1)" in lines
    assert "        cpu-count: default (8)" in [line[2:] for line in lines]
    assert "    vcpu-ratio: 4.0" in lines
    assert "    spindle-ratio: default (32.0)" in lines


def test_network() -> None:
    network: dict[str, Any] = {
        "name": "net", "uuid": "u", "serial_no": 1, "network": "192.0.2.0/30", "gateway": None,
        "network6": None, "gateway6": None, "mac_prefix": None, "free_count": 1,
        "reserved_count": 3, "map": "X.XX", "group_list": [["default", "bridged", "br0", ""]],
        "inst_list": ["web1"], "external_reservations": "192.0.2.0, 192.0.2.3",
    }  # fmt: skip
    web1 = {"name": "web1", "nic.ips": ["192.0.2.9", None, "192.0.2.1"],
            "nic.networks.names": [None, "net", "net"]}  # fmt: skip
    answers = {"network": named_rows(network), "instance": named_rows(web1)}
    master = FakeMaster(answers={"Query": lambda what, *args: answers[what](what, *args)})
    assert run("gnt-network info", master).out.splitlines() == [
        "Network name: net",
        "UUID: u",
        "Serial number: 1",
        "  Subnet: 192.0.2.0/30",
        "  Gateway: None",
        "  IPv6 Subnet: None",
        "  IPv6 Gateway: None",
        "  Mac Prefix: None",
        "  Size: 4",
        "  Free: 1 (25.00%)",
        "  Usage map:",
        f"        0 X.XX{' ' * 60} 63",
        "         (X) used    (.) free",
        "  externally reserved IPs:",
        "    192.0.2.0, 192.0.2.3",
        "  connected to node groups:",
        "    default (mode:bridged link:br0 vlan:)",
        "  used by 1 instances:",
        "    web1: 1:None, 2:192.0.2.1",
    ]


def test_a_network_that_nobody_uses() -> None:
    network: dict[str, Any] = {
        "name": "net", "uuid": "u", "serial_no": 1, "network": "10.0.0.0/25", "gateway": None,
        "network6": None, "gateway6": None, "mac_prefix": None, "free_count": 127,
        "reserved_count": 1, "map": "X" + 127 * ".", "group_list": [],
        "inst_list": [], "external_reservations": None,
    }  # fmt: skip
    master = FakeMaster(answers={"Query": named_rows(network)})
    lines = run("gnt-network info", master).out.splitlines()
    assert [line.split() for line in lines[11:13]] == [
        ["0", "X" + 63 * ".", "63"],
        ["64", 64 * ".", "127"],
    ]
    assert lines[-2:] == ["  not connected to any node group", "  not used by any instances"]
    assert len(master.of("Query")) == 1


def os_rows(**changes: object) -> Job:
    found = ["/os/micro", True, "", ["default"], [["dns", "servers"]], [20], True]
    row = {
        "name": "micro", "valid": True, "hidden": False, "blacklisted": False,
        "variants": ["default"], "parameters": [["dns", "servers"]], "api_versions": [20],
        "node_status": {"node1": [found], "node2": []}, "os_hvp": {}, "osparams": {},
        "trusted": True,
    }  # fmt: skip
    return Job(result=[list({**row, **changes}.values())])


def test_os_list_shows_what_can_be_used() -> None:
    assert run("gnt-os list", FakeMaster(jobs=[os_rows()])).out == (
        "Name         \nmicro+default\n"
    )
    assert run("gnt-os list", FakeMaster(jobs=[os_rows(hidden=True)])).out == "Name\n"
    bare = FakeMaster(jobs=[os_rows(variants=[])])
    assert run("gnt-os list --no-headers", bare).out == "micro\n"


def test_os_diagnose() -> None:
    ran = run("gnt-os diagnose", FakeMaster(jobs=[os_rows(valid=False)]))
    assert ran.code == 1
    assert ran.out.splitlines()[:4] == [
        "OS: micro [global status: invalid]",
        "  Variants: [default]",
        "  Node: node1, status: valid (path: /os/micro) [API versions: 20] [variants: default]"
        " [parameters: dns] [trusted]",
        "  Node: node2, status: invalid - not found",
    ]


def test_os_info() -> None:
    ran = run("gnt-os info micro other", FakeMaster(jobs=[os_rows()]))
    assert (ran.code, ran.err) == (1, "OS 'other' unknown\n")
    assert ran.out.splitlines()[:2] == ["micro:", "  - valid: True"]
    assert "  - parameters:\n    - dns: servers\n" in ran.out
    assert ran.out.endswith("  - trusted: True\n\n")


def test_os_info_of_a_variant_shows_what_the_cluster_sets() -> None:
    row = os_rows(osparams={"micro+default": {"dns": "192.0.2.1"}})
    ran = run("gnt-os info micro+default", FakeMaster(jobs=[row]))
    assert (ran.code, ran.out.splitlines()) == (0, [
        "micro+default: ",
        "  OS-specific hypervisor parameters: ",
        "  OS parameters: ",
        "    dns: 192.0.2.1",
        "",
    ])  # fmt: skip


def providers(*rows: list[Any]) -> FakeMaster:
    """A master whose nodes know these storage providers."""
    return FakeMaster(jobs=[Job(result=[list(row) for row in rows])])


SAN: list[Any] = [
    "san",
    {"node1": [["/es/san", True, "", [["pool", "of volumes"]]]], "node2": []},
    {"default": False, "racks": True},
    [["pool", "of volumes"]],
]


def test_storage_diagnose() -> None:
    ran = run("gnt-storage diagnose", providers(SAN))
    assert (ran.code, ran.out.splitlines()) == (1, [
        "Provider: san [global status: invalid]",
        "  Node: node1, status: valid (path: /es/san) [parameters: pool]",
        "  Node: node2, status: invalid - not found",
        "  Nodegroup: default, status: invalid",
        "  Nodegroup: racks, status: valid",
        "",
    ])  # fmt: skip
    assert run("gnt-storage diagnose", providers(["san", {}, {"default": True}, []])).code == 0


def test_storage_info() -> None:
    ran = run("gnt-storage info san other", providers(SAN))
    assert (ran.code, ran.err) == (1, "ExtStorage provider 'other' unknown\n")
    assert ran.out == (
        "san:\n  - valid for groups: racks\n  - parameters:\n    - pool: of volumes\n\n"
    )


@pytest.mark.parametrize("command", ["diagnose", "info"])
def test_without_storage_providers_that_is_said(command: str) -> None:
    ran = run(f"gnt-storage {command}", providers())
    assert (ran.code, ran.out) == (1, "")
    assert "Can't get the" in ran.err


def test_os_modify() -> None:
    master = FakeMaster()
    ran = run(
        "gnt-os modify -H kvm:acpi=false -O dns=x,-old --os-parameters-private key=y"
        " --hidden=yes --blacklisted=no micro",
        master,
    )
    assert ran.code == 0
    (op,) = master.ops
    assert {key: op[key] for key in op if key.endswith(("_os", "os_hvp", "params", "cluster"))} == {
        "os_hvp": {"micro": {"kvm": {"acpi": "false"}}},
        "osparams": {"micro": {"dns": "x", "old": None}},
        "osparams_private_cluster": {"micro": {"key": "y"}},
        "hidden_os": [["add", "micro"]],
        "blacklisted_os": [["remove", "micro"]],
    }


def test_os_modify_wants_a_change() -> None:
    ran = run("gnt-os modify micro", FakeMaster())
    assert (ran.code, ran.out) == (1, "")
    assert "at least one of the parameters" in ran.err
