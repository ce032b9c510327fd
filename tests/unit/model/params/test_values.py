"""How a value that a user gives becomes the one that is stored, and when it is refused."""

from typing import Any

import pytest

from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.errors import ParameterError, TypeEnforcementError
from pyganeti.model.params import be, disk, hv, ipolicy, kinds, nd, nic, state
from pyganeti.model.params.checks import parse_cpu_mask
from pyganeti.model.params.hv_kvm import misfit_topology
from pyganeti.model.params.kinds import Kind, NodeCheck, Param

KVM = Hypervisor.KVM


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (Kind.BOOL, "True", True),
        (Kind.BOOL, "false", False),
        (Kind.BOOL, "", False),
        (Kind.BOOL, 1, True),
        (Kind.INT, "12", 12),
        (Kind.INT, 12.0, 12),
        (Kind.FLOAT, "1.5", 1.5),
        (Kind.FLOAT, 2, 2.0),
        (Kind.SIZE, "1g", 1024),
        (Kind.SIZE, 100, 100),
        (Kind.STRING, "a", "a"),
        (Kind.STRING, False, ""),
        (Kind.MAYBE_STRING, None, None),
        (Kind.MAYBE_STRING, "a", "a"),
    ],
)
def test_values_are_converted(kind: Kind, value: object, stored: object) -> None:
    found = kinds.converted(Param("p", kind, None), value, "test")
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize("link", ["--log-file=/etc/motd", "-x", "br 0", "br0\n", "br\x000"])
def test_a_link_is_never_an_option_of_a_program(link: str) -> None:
    with pytest.raises(ParameterError, match="a name without spaces that does not begin with"):
        nic.check_nicparams({"link": link})
    for name in ("ovs_name", "ovs_link"):
        with pytest.raises(ParameterError, match="a name without spaces"):
            nd.check_ndparams({name: link})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.BOOL, "maybe"),
        (Kind.INT, "1.5"),
        (Kind.INT, None),
        (Kind.INT, 1.5),
        (Kind.FLOAT, "x"),
        (Kind.FLOAT, []),
        (Kind.SIZE, "10x"),
        (Kind.SIZE, {}),
        (Kind.STRING, 5),
        (Kind.STRING, True),
        (Kind.STRING, None),
        (Kind.MAYBE_STRING, 5),
    ],
)
def test_other_values_are_refused(kind: Kind, value: object) -> None:
    with pytest.raises(TypeEnforcementError) as refused:
        kinds.converted(Param("p", kind, None), value, "test")
    for part in ("test", "'p'", repr(value), str(kind)):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"acpii": True}, r"unknown hypervisor kvm parameter 'acpii', known: acpi, "),
        ({"boot_order": "usb"}, r"'boot_order' has the value 'usb', expected one of cdrom, disk"),
        ({"kvm_path": ""}, r"'kvm_path' has the value '', expected a value"),
        ({"kernel_path": "boot/x"}, r"expected a normalized absolute path"),
        ({"kernel_path": "/boot/../x"}, r"expected a normalized absolute path"),
        ({"cdrom_image_path": "gopher://x"}, r"http, https or ftp URL"),
        ({"cpu_mask": "0-"}, r"CPU numbers"),
        ({"cpu_mask": "3-1"}, r"CPU numbers"),
        ({"cpu_mask": "1,^1"}, r"CPU numbers"),
        ({"virtio_net_queues": 0}, r"an integer from 1 to 32"),
        ({"cpu_cores": -1}, r"at least 0"),
        ({"spice_ip_version": 5}, r"one of 0, 4, 6"),
        ({"migration_port": 8102}, r"for the cluster, not for an instance"),
    ],
)
def test_refusal_says_what_was_expected(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        hv.check_instance_hvparams(KVM, values)


def test_empty_is_fine_where_nothing_is_required() -> None:
    values = {"kernel_path": "", "cdrom_image_path": "", "usb_mouse": "", "root_path": None}
    assert hv.check_instance_hvparams(KVM, values) == values


@pytest.mark.parametrize("mask", ["all", "0", "0-3,^2,7", "0-1:all:3"])
def test_cpu_masks(mask: str) -> None:
    assert hv.check_instance_hvparams(KVM, {"cpu_mask": mask}) == {"cpu_mask": mask}


def test_cpu_mask_names_cpus() -> None:
    assert parse_cpu_mask("0-3,^2,7") == [0, 1, 3, 7]


@pytest.mark.parametrize(
    ("cores", "threads", "sockets", "fits"),
    [(0, 0, 0, True), (2, 0, 0, True), (2, 1, 2, True), (3, 0, 0, False), (2, 1, 1, False)],
)
def test_topologies_of_four_cpus(cores: int, threads: int, sockets: int, fits: bool) -> None:
    values = {"cpu_cores": cores, "cpu_threads": threads, "cpu_sockets": sockets}
    said = misfit_topology(values, 4)
    assert (said is None) == fits
    assert fits or f"cpu_cores={cores}" in str(said)


@pytest.mark.parametrize("vlan", ["", "1", ".4094", ":5", ":5:6", ".4:5", "4:5:6"])
def test_vlans(vlan: str) -> None:
    assert nic.check_nicparams({"vlan": vlan}) == {"vlan": vlan}


@pytest.mark.parametrize(
    "vlan",
    [
        "foo",
        "9999",
        "4095",
        ":0",
        "5\n",
        "0",
        ".",
        ":",
        "..5",
        "5:",
        ".5::6",
        ".:5",
        ":.5",
        "-5",
        "+5",
        " 5",
        ".5;reboot",
    ],
)
def test_what_is_no_vlan(vlan: str) -> None:
    with pytest.raises(ParameterError, match=r"vlan.*expected VLANs from 1 to 4094"):
        nic.check_nicparams({"vlan": vlan})
    with pytest.raises(ParameterError, match="vlan"):
        nic.updated_nicparams({}, {"vlan": vlan})


def test_default_forgets_a_value() -> None:
    old = {"acpi": False, "boot_order": "disk"}
    new = hv.updated_instance_hvparams(KVM, old, {"acpi": "default", "serial_speed": "9600"})
    assert new == {"boot_order": "disk", "serial_speed": 9600}
    assert old == {"acpi": False, "boot_order": "disk"}
    assert hv.check_instance_hvparams(KVM, {"acpi": "default"}) == {}
    with pytest.raises(ParameterError, match="unknown"):
        hv.updated_cluster_hvparams(KVM, old, {"nothing": "default"})


def filled(**own: object) -> dict[str, object]:
    """KVM's defaults with some changes."""
    return hv.fill_hvparams(KVM, {}, {}, own)


def test_the_defaults_contradict_nothing() -> None:
    for hypervisor in Hypervisor:
        hv.check_complete_hvparams(hypervisor, hv.DEFAULTS[hypervisor])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"root_path": ""}, "root_path must be given"),
        ({"boot_order": "cdrom"}, "cdrom_image_path is empty"),
        ({"serial_speed": 12345}, "serial_speed is 12345"),
        ({"security_model": "user"}, "security_domain must name one"),
        ({"security_domain": "me"}, "only security_model user"),
        ({"vnc_x509_verify": True}, "vnc_x509_path"),
        ({"spice_bind": "lo", "vnc_bind_address": "::"}, "exclude each other"),
        ({"spice_use_tls": True}, "spice_bind is empty"),
    ],
)
def test_contradictions(own: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        hv.check_complete_hvparams(KVM, filled(**own))


def test_nodes_check_what_only_they_can_see() -> None:
    found = hv.node_checks(KVM, filled(kernel_path="", mem_path="/dev/hugepages"))
    assert found == {"kvm_path": NodeCheck.FILE, "mem_path": NodeCheck.DIRECTORY}


def test_levels_win_in_order() -> None:
    merged = hv.fill_hvparams(
        KVM, {"acpi": 1, "vga": 1, "keymap": 1}, {"vga": 2, "keymap": 2}, {"keymap": 3}
    )
    assert (merged["acpi"], merged["vga"], merged["keymap"]) == (1, 2, 3)
    assert set(merged) == set(hv.DEFAULTS[KVM])


def test_memory_stands_for_both_sizes() -> None:
    assert be.check_beparams({"memory": "1g", "vcpus": "2"}) == {
        "maxmem": 1024,
        "minmem": 1024,
        "vcpus": 2,
    }
    assert be.updated_beparams({"maxmem": 1, "minmem": 1}, {"memory": "default"}) == {}
    with pytest.raises(ParameterError, match="not both"):
        be.check_beparams({"memory": 5, "minmem": 5})
    with pytest.raises(ParameterError, match=r"minmem \(256 MiB\) is higher than maxmem"):
        be.check_complete_beparams(be.fill_beparams({"minmem": 256}, {}))


def test_stored_nonsense_is_named() -> None:
    with pytest.raises(ParameterError, match="stored backend parameters"):
        be.fill_beparams({}, {"vcpus": "two"})
    with pytest.raises(ParameterError, match="stored NIC parameters"):
        nic.fill_nicparams({"mode": "magic"}, {})
    with pytest.raises(ParameterError, match="stored node parameters"):
        nd.fill_ndparams({"ssh_port": None}, {}, {})


def test_nics_need_a_link_unless_routed() -> None:
    nic.check_complete_nicparams(nic.fill_nicparams({}, {"mode": "routed", "link": ""}))
    for values, message in (
        ({"link": ""}, "link must name"),
        ({"mode": "routed", "vlan": "5"}, "mode is routed"),
    ):
        with pytest.raises(ParameterError, match=message):
            nic.check_complete_nicparams(nic.fill_nicparams({}, values))
    assert nic.updated_nicparams({"vlan": "5"}, {"vlan": "default", "link": "br1"}) == {
        "link": "br1"
    }
    with pytest.raises(ParameterError, match="one of bridged"):
        nic.check_nicparams({"mode": "pool"})


def test_exclusive_storage_is_not_for_a_node() -> None:
    assert nd.check_ndparams({"exclusive_storage": "true"}) == {"exclusive_storage": True}
    with pytest.raises(ParameterError, match="not for a node"):
        nd.updated_ndparams({}, {"exclusive_storage": True}, for_node=True)


def test_disk_parameters_by_template() -> None:
    new = disk.updated_diskparams(
        {DiskTemplate.DRBD: {"metavg": "a", "protocol": "A"}},
        {"drbd": {"metavg": "default", "resync-rate": "5"}, "plain": {"stripes": 2}},
    )
    assert new == {
        DiskTemplate.DRBD: {"protocol": "A", "resync-rate": 5},
        DiskTemplate.PLAIN: {"stripes": 2},
    }
    merged = disk.fill_diskparams(new, {DiskTemplate.PLAIN: {"stripes": 3}})
    assert merged[DiskTemplate.PLAIN] == {"stripes": 3}
    disk.check_complete_diskparams(merged)
    assert disk.drbd_volume_params(merged[DiskTemplate.DRBD]) == ({"stripes": 1}, {"stripes": 1})
    bad: list[tuple[dict[str, Any], str]] = [
        ({"drdb": {}}, "unknown disk template"),
        ({"plain": 5}, "expected a mapping"),
        ({"drbd": {"protocol": "D"}}, "one of A, B, C"),
        ({"file": {"stripes": 1}}, "known: none"),
    ]
    for values, message in bad:
        with pytest.raises(ParameterError, match=message):
            disk.check_diskparams(values)
    own = {DiskTemplate.DRBD: {"dynamic-resync": True, "c-min-rate": 9, "c-max-rate": 5}}
    with pytest.raises(ParameterError, match="c-min-rate"):
        disk.check_complete_diskparams(disk.fill_diskparams(own, {}))


def test_states_are_kept_by_hypervisor_and_unit() -> None:
    assert state.updated_hv_state({}, {"kvm": {"mem_node": "1g"}}) == {"kvm": {"mem_node": 1024}}
    new = state.updated_disk_state({}, {"plain": {"xenvg": {"disk_reserved": 5}}})
    assert new == {"plain": {"xenvg": {"disk_reserved": 5}}}
    full = state.fill_disk_state({}, new, {"plain": {"other": {}}})
    assert sorted(full["plain"]) == ["other", "xenvg"]
    assert full["plain"]["xenvg"] == {"disk_overhead": 0, "disk_reserved": 5, "disk_total": 0}
    assert state.fill_hv_state({"kvm": {"mem_hv": 1}}, {"kvm": {"mem_hv": 2}})["kvm"]["mem_hv"] == 2
    with pytest.raises(ParameterError, match="'qemu'"):
        state.updated_hv_state({}, {"qemu": {}})
    with pytest.raises(ParameterError, match="'drbd'"):
        state.updated_disk_state({}, {"drbd": {}})
    with pytest.raises(ParameterError, match="expected a mapping"):
        state.updated_hv_state({}, {"kvm": 5})


SPEC = {
    "memory-size": "1g",
    "cpu-count": 1,
    "disk-count": 1,
    "disk-size": 1024,
    "nic-count": 1,
    "spindle-use": 1,
}


def test_policies_are_filled_and_checked() -> None:
    policy = ipolicy.fill_ipolicy({"std": {"cpu-count": 2}}, {"vcpu-ratio": 2})
    assert (policy.std.cpu_count, policy.std.memory_size, policy.vcpu_ratio) == (2, 128, 2.0)
    ipolicy.check_complete_ipolicy(policy)
    checked = ipolicy.check_ipolicy({"minmax": [{"min": SPEC, "max": SPEC}]}, for_group=True)
    assert checked["minmax"] == [
        {"min": {**SPEC, "memory-size": 1024}, "max": {**SPEC, "memory-size": 1024}}
    ]
    of_group = ipolicy.fill_ipolicy({}, checked)
    ipolicy.check_complete_ipolicy(of_group, for_group=True)
    with pytest.raises(ParameterError, match="lies in no range"):
        ipolicy.check_complete_ipolicy(of_group)


def test_std_changes_key_by_key_and_default_forgets() -> None:
    old = {"std": {"cpu-count": 2, "nic-count": 1}, "vcpu-ratio": 3.0}
    new = ipolicy.updated_ipolicy(old, {"std": {"cpu-count": 4}, "vcpu-ratio": "default"})
    assert new == {"std": {"cpu-count": 4, "nic-count": 1}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"minmaxx": []}, "unknown key 'minmaxx'"),
        ({"minmax": []}, "expected a list of min and max"),
        ({"minmax": [{"min": SPEC}]}, "expected min and max"),
        ({"minmax": [{"min": {}, "max": SPEC}]}, "has no"),
        ({"std": {"ram": 5}}, "unknown key 'ram'"),
        ({"std": {"cpu-count": -1}}, "expected 0 or more"),
        ({"vcpu-ratio": "many"}, "expected a number"),
        ({"spindle-ratio": 0}, "expected above 0"),
        ({"disk-templates": ["tape"]}, "expected a list of blockdev"),
    ],
)
def test_bad_policies_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ipolicy.check_ipolicy(values)


def test_a_group_has_no_std() -> None:
    with pytest.raises(ParameterError, match="of a group"):
        ipolicy.check_ipolicy({"std": SPEC}, for_group=True)


def test_min_is_not_above_max() -> None:
    policy = ipolicy.fill_ipolicy(
        {}, {"minmax": [{"min": {**SPEC, "memory-size": 9}, "max": {**SPEC, "memory-size": 5}}]}
    )
    with pytest.raises(ParameterError, match="'memory-size': min is 9"):
        ipolicy.check_complete_ipolicy(policy, for_group=True)
