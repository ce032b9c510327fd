"""What is refused, and that the refusal says what and why."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import facts, params, probe
from pyganeti.node.hypervisor.kvm.attempts import Attempt, attempts, refusal
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.schema import QmpSchema, parse_schema

from .golden import facts_of
from .instances import defaults

PENDING_TOML = Path(__file__).parents[3] / "spec" / "pending.toml"
FACTS = facts_of("7.2")


def hvp(**changes: Any) -> dict[str, Any]:
    return {**defaults(), "kernel_path": "", **changes}


def test_what_qemu_says_is_read() -> None:
    assert FACTS.version.startswith("7.2")
    assert FACTS.default_machine == "pc-i440fx-7.2"
    assert {"pc", "q35", "pc-i440fx-6.2"} <= FACTS.machines
    assert {"virtio-net-pci", "virtio-blk", "lsi"} <= FACTS.devices
    assert {"machine", "cpu", "accel"} <= FACTS.options
    assert {"device_add", "blockdev-add", "query-cpus-fast"} <= FACTS.schema.commands
    assert {"node-name", "device", "size"} == FACTS.schema.arguments("block_resize")
    assert FACTS.guest_shutdown == 6


@pytest.mark.parametrize("text", ["", "Supported machines are:\nnone  empty\n"])
def test_nonsense_from_qemu_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(HypervisorError):
        facts.parse_machines(text)
    with pytest.raises(HypervisorError):
        facts.parse_version(text)


@pytest.mark.parametrize("text", ["", "x", "{}", '{"return": {}}', '{"return": [{}]}', "[]"])
def test_a_qemu_that_describes_no_qmp(text: str) -> None:
    with pytest.raises(HypervisorError, match="describes no QMP"):
        parse_schema(text)


def test_defaults_are_accepted() -> None:
    params.check_combinations(hvp())
    params.check_facts(hvp(), FACTS)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"serial_speed": 1234}, "serial_speed"),
        ({"kernel_path": "/k", "root_path": ""}, "root_path"),
        ({"boot_order": "cdrom"}, "boot_order"),
        ({"boot_order": "floppy"}, "boot_order"),
        ({"disk_aio": "native"}, "disk_aio"),
        ({"virtio_net_queues": 2, "nic_type": "e1000"}, "virtio_net_queues"),
        ({"security_model": "user"}, "security_domain"),
        ({"disk_type": "pflash"}, "disk_type"),
        ({"cpu_mask": "0-"}, "cpu_mask"),
        ({"vnc_bind_address": "999.1"}, "vnc_bind_address"),
        ({"soundhw": "ac97,loud"}, "soundhw"),
        ({"soundhw": "all,ac97"}, "soundhw"),
        ({"usb_devices": "disk:/etc/shadow"}, "usb_devices"),
        ({"usb_devices": "host:1.2,guest-reset"}, "usb_devices"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(HypervisorError, match=f"hypervisor parameter {name}"):
        params.check_combinations(hvp(**changes))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"machine_version": "pc-1.0"}, "machine_version"),
        ({"nic_type": "ne2k_isa"}, "nic_type"),
        ({"disk_type": "scsi-hd", "scsi_controller_type": "dc390"}, "scsi_controller_type"),
        ({"migration_caps": "xbzrle:foo-7.2"}, "migration_caps"),
    ],
)
def test_what_this_qemu_lacks_is_refused(changes: dict[str, Any], name: str) -> None:
    # Debian's has all of them; others are built with fewer.
    less = replace(FACTS, devices=FACTS.devices - {"ne2k_isa", "dc390"})
    with pytest.raises(HypervisorError, match=f"hypervisor parameter {name}.*7.2"):
        params.check_facts(hvp(**changes), less)


@pytest.mark.parametrize("lack", [{"events": frozenset()}, {"schema": QmpSchema()}])
def test_a_qemu_that_does_not_tell_who_shuts_a_guest_down(lack: dict[str, Any]) -> None:
    with pytest.raises(HypervisorError, match="user_shutdown: True, expected False"):
        params.check_facts(hvp(user_shutdown=True), replace(FACTS, **lack))
    params.check_facts(hvp(user_shutdown=True), FACTS)
    params.check_facts(hvp(), replace(FACTS, **lack))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"kernel_path": "/no/kernel"}, "kernel_path"),
        ({"cdrom_image_path": "/no/iso"}, "cdrom_image_path"),
        ({"mem_path": "/no/dir"}, "mem_path"),
        ({"vnc_bind_address": "/no/dir"}, "vnc_bind_address"),
        ({"kvm_path": "/no/kvm"}, "kvm_path"),
        ({"security_model": "user", "security_domain": "no-such-user"}, "security_domain"),
    ],
)
def test_what_is_not_on_the_node_is_refused(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(HypervisorError, match=f"hypervisor parameter {name}"):
        params.check_files(
            hvp(kvm_path="/bin/sh", **changes) if name != "kvm_path" else hvp(**changes)
        )


def test_images_from_the_network_are_not_looked_for() -> None:
    params.check_files(hvp(kvm_path="/bin/sh", cdrom_image_path="http://example.com/x.iso"))


def asked(**changes: Any) -> dict[str, Attempt]:
    return {one.name: one for one in attempts(hvp(**changes), "q35", "tcg")}


def test_what_only_qemu_can_judge() -> None:
    assert asked() == {}
    found = asked(cpu_type="qemu64,+vmx", vga="std", keymap="de", cdrom_image_path="/x.iso")
    assert found["cpu_type"].arguments[-1] == "qemu64,+vmx"
    assert list(found) == ["cpu_type", "vga", "keymap"]


def test_no_host_is_asked_for_an_image() -> None:
    image = asked(cdrom2_image_path="https://example.com/x.iso")["cdrom2_image_path"]
    assert "example.com" not in str(image.arguments)
    lacking = "qemu: module block-block-curl not found\nqemu: -blockdev x: Unknown driver 'https'\n"
    assert refusal(image, lacking) == "-blockdev x: Unknown driver 'https'"
    assert refusal(image, "qemu: -blockdev x: CURL: no host part in the URL\n") is None


def test_the_last_complaint_is_the_reason() -> None:
    said = "qemu: warning: slow\nqemu: unable to find CPU model 'x'\n"
    assert refusal(asked(cpu_type="x")["cpu_type"], said) == "unable to find CPU model 'x'"


def test_cpus_that_the_node_has_not() -> None:
    online = frozenset({0, 1})
    for mask in ("all", "0", "0-1", "1:all"):
        params.check_cpus(hvp(cpu_mask=mask), online)
    for mask in ("9", "0-63", "0:2"):
        with pytest.raises(HypervisorError, match=f"cpu_mask: '{mask}', expected.*has 0,1"):
            params.check_cpus(hvp(cpu_mask=mask), online)


def test_cpu_masks() -> None:
    assert params.parse_cpu_mask("all") == (None,)
    assert params.parse_cpu_mask("0-2,5") == (frozenset({0, 1, 2, 5}),)
    assert params.parse_cpu_mask("0-2,^1") == (frozenset({0, 2}),)
    assert params.parse_cpu_mask("1:all:3-4") == (frozenset({1}), None, frozenset({3, 4}))


@pytest.mark.parametrize("text", ["", "x", "3-1", "1,,2"])
def test_wrong_cpu_masks(text: str) -> None:
    with pytest.raises(HypervisorError, match="cpu_mask"):
        params.parse_cpu_mask(text)


@pytest.mark.parametrize("name", ["", "../x", ".hidden"])
def test_names_cannot_leave_the_directory(name: str) -> None:
    with pytest.raises(HypervisorError, match="no name"):
        KvmLayout("/run").guest(name)


def test_the_probe_starts_where_the_processor_does() -> None:
    rom = probe.rom()
    assert len(rom) == 65536
    assert rom[0xFFF0] == 0xEA
    assert rom[0xF000] == 0xFA
