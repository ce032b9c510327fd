"""Command lines and records of guests that have UEFI firmware, a TPM, or neither."""

import json
from typing import Any

import msgspec
import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm import params, runtime
from pyganeti.node.hypervisor.kvm.command import Machine, base_command
from pyganeti.node.hypervisor.kvm.firmware import Firmware
from pyganeti.node.hypervisor.kvm.layout import KvmLayout

from .instances import disk, instance

PATHS = KvmLayout("/run/kvm").guest("web1")
THERE = KvmLayout("/srv/kvm").guest("web1")
OVMF = Firmware("/usr/share/OVMF/CODE.fd", "/usr/share/OVMF/VARS.fd", 540672)
PLAIN = Machine("/usr/bin/kvm", "pc-i440fx-7.2", "tcg")
UEFI = Machine("/usr/bin/kvm", "pc-i440fx-7.2", "tcg", firmware=OVMF)
KERNEL: dict[str, Any] = {"kernel_path": "/boot/k", "root_path": "/dev/vda"}


def state(name: str, index: int) -> GuestDisk:
    found = disk(index)
    return GuestDisk(msgspec.structs.replace(found.spec, name=f"ganeti-{name}"), found.link)


VARS, TPM = state("uefi-vars", 1), state("tpm-state", 2)


def planned(machine: Machine = UEFI, *disks: GuestDisk, **hvparams: Any) -> runtime.Runtime:
    return runtime.plan(instance(**hvparams), disks, PATHS, machine)


def nodes(argv: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    values = [argv[at + 1] for at, word in enumerate(argv) if word == "-blockdev"]
    return {node["node-name"]: node for node in map(json.loads, values)}


def devices(argv: tuple[str, ...]) -> list[str]:
    return [argv[at + 1] for at, word in enumerate(argv) if word == "-device"]


def test_firmware_gets_its_part_of_its_disk_and_no_device() -> None:
    argv = runtime.full_command(planned(UEFI, disk(), VARS, boot_type="uefi"), (), vhost=False)
    assert "pc-i440fx-7.2,acpi=on,pflash0=firmware-code,pflash1=firmware-vars" in argv
    found = nodes(argv)
    code, store = found["firmware-code"], found["firmware-vars"]
    assert (code["read-only"], code["file"]["filename"]) == (True, OVMF.code)
    assert (store["offset"], store["size"]) == (0, OVMF.store_size)
    assert (store["file"]["filename"], store["file"]["read-only"]) == (VARS.link, False)
    assert sum("virtio-blk-pci" in device for device in devices(argv)) == 1
    # Defined before the machine that refers to it.
    assert argv.index("-blockdev") < argv.index("-machine")


def test_a_tpm_has_a_socket_and_no_block_node() -> None:
    argv = runtime.full_command(planned(PLAIN, disk(), TPM, tpm="2.0"), (), vhost=False)
    assert "socket,id=chrtpm,path=/run/kvm/ctrl/web1.tpm" in argv
    assert "tpm-crb,tpmdev=tpm" in devices(argv)
    assert not any(TPM.link in word for word in argv)
    assert planned(PLAIN, TPM, tpm="2.0").unseen_disk("swtpm") == TPM


def test_disks_of_the_guest_come_first_whatever_their_order() -> None:
    both = planned(UEFI, VARS, TPM, disk(), boot_type="uefi", tpm="2.0", disk_type="scsi-hd")
    assert [one.spec.name for one, _info in both.disks] == [None, VARS.spec.name, TPM.spec.name]
    assert both.disks[0][1]["scsi-id"] == 0
    argv = runtime.full_command(both, (), vhost=False)
    assert any('"bootindex":0' in device for device in devices(argv))


def test_those_that_are_not_needed_are_left_out() -> None:
    assert planned(PLAIN, disk(), VARS, TPM, boot_type="bios", tpm="none").disks == (
        planned(PLAIN, disk()).disks
    )


@pytest.mark.parametrize(
    ("machine", "changes", "name"),
    [(UEFI, {"boot_type": "uefi"}, "uefi-vars"), (PLAIN, {"tpm": "2.0"}, "tpm-state")],
)
def test_one_that_is_missing_is_named(machine: Machine, changes: dict[str, Any], name: str) -> None:
    with pytest.raises(HypervisorError, match=f"web1 has .*, but no disk ganeti-{name}"):
        planned(machine, disk(), **changes)


@pytest.mark.parametrize(
    ("boot_type", "boots"), [(None, True), ("", True), ("direct_kernel", True), ("bios", False)]
)
def test_a_kernel_counts_unless_something_else_is_booted(boot_type: str, boots: bool) -> None:
    changes = {**KERNEL, **({} if boot_type is None else {"boot_type": boot_type})}
    argv = base_command(instance(**changes), PATHS, PLAIN)
    assert ("-kernel" in argv) is boots
    whole = runtime.full_command(planned(PLAIN, disk(), **changes), (), vhost=False)
    assert any("bootindex" in device for device in devices(whole)) is not boots


def test_the_files_of_a_kernel_that_is_not_booted_need_not_be_there() -> None:
    hvp = instance(kvm_path="/bin/sh", **KERNEL).hvparams
    with pytest.raises(HypervisorError, match="kernel_path"):
        params.check_files(hvp)
    params.check_files({**hvp, "boot_type": "uefi"})
    params.check_combinations({**hvp, "boot_type": "bios", "root_path": ""})


def test_the_record_keeps_what_they_are_for_and_goes_to_other_nodes() -> None:
    both = planned(UEFI, disk(), VARS, TPM, boot_type="uefi", tpm="2.0")
    found = runtime.decode(runtime.encode(both))
    assert [info for _disk, info in found.unseen] == [info for _disk, info in both.unseen]
    here = tuple(GuestDisk(one.spec, f"/there{n}") for n, one in enumerate((TPM, disk(), VARS)))
    arrived = runtime.received(found, instance(), here, THERE, "/usr/bin/kvm")
    argv = runtime.full_command(arrived, (), vhost=False, incoming=True)
    assert "socket,id=chrtpm,path=/srv/kvm/ctrl/web1.tpm" in argv
    assert nodes(argv)["firmware-vars"]["file"]["filename"] == "/there2"
    tpm = arrived.unseen_disk("swtpm")
    assert tpm is not None
    assert tpm.link == "/there0"
