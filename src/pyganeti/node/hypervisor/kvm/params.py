"""Checks of kvm's parameters on a node. Types and allowed values were checked by the master.

Pure but for :func:`check_files`. Every refusal names the parameter, its value and what was
expected.
"""

import os
import pwd
from ipaddress import ip_address
from typing import Final

from pyganeti.model.errors import HypervisorError
from pyganeti.model.params import checks
from pyganeti.model.params.hv_kvm import boots_kernel
from pyganeti.wire.noderpc.struct import Params

from .devices import SCSI_MODELS, nic_model
from .extras import sound_cards, usb_models
from .facts import QemuFacts
from .sending import parse_capabilities
from .trace import SHUTDOWN_EVENTS

DEFAULT_KVM_PATH: Final = "/usr/bin/kvm"
# Where Debian's qemu-system-x86 without the compatibility link, and other distributions, have it.
FALLBACK_KVM_PATH: Final = "/usr/bin/qemu-system-x86_64"
SERIAL_SPEEDS: Final = (9600, 19200, 38400, 57600, 115200)
_OF_KERNEL: Final = ("kernel_path", "initrd_path")
_FILES: Final = (
    *_OF_KERNEL,
    "cdrom_image_path",
    "cdrom2_image_path",
    "floppy_image_path",
    "spice_password_file",
    "vnc_password_file",
)
# Names are QEMU's.
_VNC_FILES: Final = ("ca-cert.pem", "server-cert.pem", "server-key.pem")
_DIRECTORIES: Final = ("mem_path", "vnc_x509_path")

CpuSet = frozenset[int]


def _refuse(hvp: Params, name: str, expected: str) -> HypervisorError:
    return HypervisorError(f"hypervisor parameter {name}: {hvp[name]!r}, expected {expected}")


def refused_by_qemu(hvp: Params, name: str, version: str, reason: str) -> HypervisorError:
    """A value that QEMU ``version`` does not take, for a ``reason`` in its own words."""
    return _refuse(hvp, name, f"one that QEMU {version} takes, which says: {reason}")


def qemu_path(hvp: Params) -> str:
    """The program to run; the default stands for QEMU where that has its other name only."""
    path = str(hvp["kvm_path"])
    if path == DEFAULT_KVM_PATH and not os.path.exists(path):
        return FALLBACK_KVM_PATH
    return path


def check_combinations(hvp: Params) -> None:
    """Refuse what contradicts itself.

    Raises:
        HypervisorError: two parameters do not go together, or a value is none of the known ones.
    """
    if hvp["serial_console"] and hvp["serial_speed"] not in SERIAL_SPEEDS:
        speeds = ", ".join(map(str, SERIAL_SPEEDS))
        raise _refuse(hvp, "serial_speed", f"one of {speeds}")
    if boots_kernel(hvp) and not hvp["root_path"]:
        raise _refuse(hvp, "root_path", "a root device, because kernel_path is set")
    if hvp["boot_order"] == "cdrom" and not hvp["cdrom_image_path"]:
        raise _refuse(hvp, "boot_order", "another value, because cdrom_image_path is empty")
    if hvp["boot_order"] == "floppy" and not hvp["floppy_image_path"]:
        raise _refuse(hvp, "boot_order", "another value, because floppy_image_path is empty")
    if hvp["disk_aio"] == "native" and hvp["disk_cache"] != "none":
        raise _refuse(hvp, "disk_aio", "threads or io_uring, because disk_cache is not none")
    if hvp["virtio_net_queues"] > 1 and hvp["nic_type"] != "paravirtual":
        raise _refuse(hvp, "virtio_net_queues", "1, because nic_type is not paravirtual")
    if (hvp["security_model"] == "user") != bool(hvp["security_domain"]):
        raise _refuse(hvp, "security_domain", "a user exactly if security_model is user")
    if hvp["disk_type"] in ("mtd", "pflash", "sd"):
        raise _refuse(hvp, "disk_type", "ide, paravirtual or one of the scsi kinds")
    _check_vnc_address(hvp)
    parse_cpu_mask(str(hvp["cpu_mask"]))
    sound_cards(hvp)
    usb_models(hvp)


def _check_vnc_address(hvp: Params) -> None:
    place = str(hvp["vnc_bind_address"])
    if not place or place.startswith("/"):
        return
    try:
        ip_address(place)
    except ValueError as err:
        raise _refuse(hvp, "vnc_bind_address", "an IP address or an absolute path") from err


def check_facts(hvp: Params, facts: QemuFacts) -> None:
    """Refuse what the installed QEMU does not have.

    Raises:
        HypervisorError: no such machine type or device model.
    """
    machine = str(hvp["machine_version"])
    if machine and machine not in facts.machines:
        raise _refuse(hvp, "machine_version", f"a machine type of QEMU {facts.version}")
    if nic_model(hvp) not in facts.devices:
        raise _refuse(hvp, "nic_type", f"a NIC that QEMU {facts.version} has")
    if hvp["spice_bind"] and "spice" not in facts.options:
        raise _refuse(hvp, "spice_bind", f"nothing: QEMU {facts.version} has no SPICE")
    parse_capabilities(str(hvp["migration_caps"]), facts.capabilities)
    if hvp["user_shutdown"] and not (facts.guest_shutdown and facts.events >= SHUTDOWN_EVENTS):
        text = f"False: QEMU {facts.version} does not tell who shuts a guest down"
        raise _refuse(hvp, "user_shutdown", text)
    kind = str(hvp["disk_type"])
    if kind in SCSI_MODELS and hvp["scsi_controller_type"] not in facts.devices:
        raise _refuse(hvp, "scsi_controller_type", f"one that QEMU {facts.version} has")


def check_cpus(hvp: Params, online: CpuSet) -> None:
    """Refuse CPUs that this node does not have; the kernel would leave them out silently.

    Raises:
        HypervisorError: ``cpu_mask`` has others than those that are online.
    """
    for cpus in parse_cpu_mask(str(hvp["cpu_mask"])):
        if cpus is not None and not cpus <= online:
            there = ",".join(map(str, sorted(online)))
            raise _refuse(hvp, "cpu_mask", f"CPUs of this node, which has {there}")


def check_files(hvp: Params) -> None:
    """Refuse what names missing files, directories or users.

    Raises:
        HypervisorError: something is not there.
    """
    for name in _FILES:
        if name in _OF_KERNEL and not boots_kernel(hvp):
            continue
        value = str(hvp[name])
        is_url = "://" in value and name.startswith("cdrom")
        if value and not is_url and not os.path.isfile(value):
            raise _refuse(hvp, name, "an existing file on this node")
    for name in _DIRECTORIES:
        if hvp[name] and not os.path.isdir(str(hvp[name])):
            raise _refuse(hvp, name, "an existing directory on this node")
    if str(hvp["vnc_bind_address"]).startswith("/") and not os.path.isdir(hvp["vnc_bind_address"]):
        raise _refuse(hvp, "vnc_bind_address", "an existing directory on this node")
    _check_vnc_certificates(hvp)
    path = qemu_path(hvp)
    if not os.access(path, os.X_OK):
        raise _refuse(hvp, "kvm_path", f"an executable program on this node ({path} is none)")
    if hvp["security_model"] == "user":
        try:
            pwd.getpwnam(str(hvp["security_domain"]))
        except KeyError as err:
            raise _refuse(hvp, "security_domain", "a user of this node") from err


def _check_vnc_certificates(hvp: Params) -> None:
    directory = str(hvp["vnc_x509_path"])
    if not hvp["vnc_tls"] or not directory:
        return
    for name in _VNC_FILES:
        if not os.path.isfile(f"{directory}/{name}"):
            raise _refuse(hvp, "vnc_x509_path", f"a directory with {name} in it on this node")


def check_certificates(*paths: str) -> None:
    """Refuse TLS without certificates.

    Raises:
        HypervisorError: one of the files is missing.
    """
    for path in paths:
        if not os.path.isfile(path):
            text = f"True, expected False, because {path} is missing on this node"
            raise HypervisorError(f"hypervisor parameter spice_use_tls: {text}")


def parse_cpu_mask(text: str) -> tuple[CpuSet | None, ...]:
    """CPUs each vCPU may run on; ``None`` for all. One entry stands for all vCPUs.

    ``0-3,^2`` is one set, ``0:1-2:all`` one for each vCPU.

    Raises:
        HypervisorError: it is no such list.
    """
    return tuple(None if part == "all" else _parse_cpu_set(part, text) for part in text.split(":"))


def _parse_cpu_set(part: str, text: str) -> CpuSet:
    try:
        return frozenset(checks.parse_cpu_mask(part))
    except ValueError as err:
        expected = "'all' or lists like 0-3,^2, separated by colons"
        name = "hypervisor parameter cpu_mask"
        raise HypervisorError(f"{name}: {text!r}, expected {expected}") from err
