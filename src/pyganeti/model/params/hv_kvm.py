"""Parameters of the KVM hypervisor.

Source: gnt-instance(8), hypervisor parameters; defaults and allowed values of Ganeti 3.1.
"""

import math
from collections.abc import Iterator
from typing import Final

from .checks import absolute_path, at_least, between, cpu_mask_list, one_of, path_or_url, port
from .kinds import Kind, NodeCheck, Param, Values, param_set

_PARAMS: Final = (
    Param("acpi", Kind.BOOL, True, title="ACPI"),
    Param(
        "boot_order",
        Kind.STRING,
        "disk",
        required=True,
        allowed=(
            "cdrom",
            "disk",
            "floppy",
            "network",
        ),
        title="Boot_order",
    ),
    Param(
        "boot_type",
        Kind.STRING,
        "",
        allowed=("bios", "direct_kernel", "uefi"),
        ours=True,
    ),
    Param(
        "cdrom2_image_path", Kind.STRING, "", check=path_or_url, node_check=NodeCheck.FILE_OR_URL
    ),
    Param(
        "cdrom_disk_type",
        Kind.STRING,
        "",
        allowed=(
            "ide",
            "mtd",
            "paravirtual",
            "pflash",
            "scsi",
            "scsi-block",
            "scsi-cd",
            "scsi-generic",
            "scsi-hd",
            "sd",
        ),
    ),
    Param(
        "cdrom_image_path",
        Kind.STRING,
        "",
        check=path_or_url,
        node_check=NodeCheck.FILE_OR_URL,
        title="CDROM_image_path",
    ),
    Param("cpu_cores", Kind.INT, 0, check=at_least(0)),
    Param("cpu_mask", Kind.STRING, "all", check=cpu_mask_list),
    Param("cpu_sockets", Kind.INT, 0, check=at_least(0)),
    Param("cpu_threads", Kind.INT, 0, check=at_least(0)),
    Param("cpu_type", Kind.STRING, "", title="cpu_type"),
    Param(
        "disk_aio",
        Kind.STRING,
        "threads",
        allowed=(
            "io_uring",
            "native",
            "threads",
        ),
    ),
    Param(
        "disk_cache",
        Kind.STRING,
        "default",
        required=True,
        allowed=(
            "default",
            "none",
            "writeback",
            "writethrough",
        ),
    ),
    Param(
        "disk_discard",
        Kind.STRING,
        "ignore",
        allowed=(
            "ignore",
            "unmap",
        ),
    ),
    Param(
        "disk_type",
        Kind.STRING,
        "paravirtual",
        required=True,
        allowed=(
            "ide",
            "mtd",
            "paravirtual",
            "pflash",
            "scsi",
            "scsi-block",
            "scsi-cd",
            "scsi-generic",
            "scsi-hd",
            "sd",
        ),
        title="Disk_type",
    ),
    Param("floppy_image_path", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.FILE),
    Param(
        "initrd_path",
        Kind.STRING,
        "",
        check=absolute_path,
        node_check=NodeCheck.FILE,
        title="Initrd_path",
    ),
    Param("kernel_args", Kind.STRING, "ro"),
    Param(
        "kernel_path",
        Kind.STRING,
        "/boot/vmlinuz-3-kvmU",
        check=absolute_path,
        node_check=NodeCheck.FILE,
        title="Kernel_path",
    ),
    Param("keymap", Kind.STRING, ""),
    Param("kvm_extra", Kind.STRING, ""),
    Param(
        "kvm_flag",
        Kind.STRING,
        "",
        allowed=(
            "disabled",
            "enabled",
        ),
    ),
    Param(
        "kvm_path",
        Kind.STRING,
        "/usr/bin/kvm",
        required=True,
        check=absolute_path,
        node_check=NodeCheck.FILE,
    ),
    Param("kvm_pci_reservations", Kind.INT, 12, check=between(0, 32)),
    Param("machine_version", Kind.STRING, ""),
    Param("mem_path", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.DIRECTORY),
    Param("migration_bandwidth", Kind.INT, 32, required=True, check=at_least(0), cluster_only=True),
    Param("migration_caps", Kind.STRING, ""),
    Param("migration_downtime", Kind.INT, 30, required=True, check=at_least(0)),
    Param(
        "migration_mode",
        Kind.STRING,
        "live",
        required=True,
        allowed=(
            "live",
            "non-live",
        ),
        cluster_only=True,
    ),
    Param("migration_port", Kind.INT, 8102, required=True, check=port, cluster_only=True),
    Param(
        "nic_type",
        Kind.STRING,
        "paravirtual",
        required=True,
        allowed=(
            "e1000",
            "i82551",
            "i82557b",
            "i82559er",
            "ne2k_isa",
            "ne2k_pci",
            "paravirtual",
            "pcnet",
            "rtl8139",
        ),
        title="NIC_type",
    ),
    Param(
        "reboot_behavior",
        Kind.STRING,
        "reboot",
        required=True,
        allowed=(
            "exit",
            "reboot",
        ),
    ),
    Param("root_path", Kind.MAYBE_STRING, "/dev/vda1"),
    Param(
        "scsi_controller_type",
        Kind.STRING,
        "lsi",
        required=True,
        allowed=(
            "lsi",
            "megasas",
            "virtio-scsi-pci",
        ),
    ),
    Param("security_domain", Kind.STRING, ""),
    Param(
        "security_model",
        Kind.STRING,
        "none",
        required=True,
        allowed=(
            "none",
            "pool",
            "user",
        ),
    ),
    Param("serial_console", Kind.BOOL, True),
    Param("serial_speed", Kind.INT, 38400),
    Param("soundhw", Kind.STRING, ""),
    Param("spice_bind", Kind.STRING, ""),
    Param(
        "spice_image_compression",
        Kind.STRING,
        "",
        allowed=(
            "auto_glz",
            "auto_lz",
            "glz",
            "lz",
            "off",
            "quic",
        ),
    ),
    Param("spice_ip_version", Kind.INT, 0, check=one_of(0, 4, 6)),
    Param(
        "spice_jpeg_wan_compression",
        Kind.STRING,
        "",
        allowed=(
            "always",
            "auto",
            "never",
        ),
    ),
    Param("spice_password_file", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.FILE),
    Param("spice_playback_compression", Kind.BOOL, True),
    Param(
        "spice_streaming_video",
        Kind.STRING,
        "",
        allowed=(
            "all",
            "filter",
            "off",
        ),
    ),
    Param("spice_tls_ciphers", Kind.STRING, "HIGH:-DES:-3DES:-EXPORT:-DH"),
    Param("spice_use_tls", Kind.BOOL, False),
    Param("spice_use_vdagent", Kind.BOOL, True),
    Param(
        "spice_zlib_glz_wan_compression",
        Kind.STRING,
        "",
        allowed=(
            "always",
            "auto",
            "never",
        ),
    ),
    Param("tpm", Kind.STRING, "", allowed=("2.0", "none"), ours=True),
    Param("usb_devices", Kind.STRING, ""),
    Param(
        "usb_mouse",
        Kind.STRING,
        "",
        allowed=(
            "mouse",
            "tablet",
        ),
    ),
    Param("use_chroot", Kind.BOOL, False),
    Param("use_guest_agent", Kind.BOOL, False),
    Param("use_localtime", Kind.BOOL, False),
    Param("user_shutdown", Kind.BOOL, False),
    Param("vga", Kind.STRING, ""),
    Param("vhost_net", Kind.BOOL, True),
    Param("virtio_net_queues", Kind.INT, 1, check=between(1, 32)),
    Param("vnc_bind_address", Kind.STRING, "", title="VNC_bind_address"),
    Param("vnc_password_file", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.FILE),
    Param("vnc_tls", Kind.BOOL, False),
    Param("vnc_x509_path", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.DIRECTORY),
    Param("vnc_x509_verify", Kind.BOOL, False),
    Param("vnet_hdr", Kind.BOOL, True),
)

_SERIAL_SPEEDS: Final = frozenset(
    {75, 110, 300, 600, 1200, 1800, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600}
    | {115200, 230400, 345600, 460800}
)
_TOPOLOGY: Final = ("cpu_cores", "cpu_threads", "cpu_sockets")
# These say how SPICE works and so mean nothing while it is off; the ones with a default that is on
# are let pass, because nobody asked for them.
_ONLY_WITH_SPICE: Final = (
    "spice_image_compression",
    "spice_ip_version",
    "spice_jpeg_wan_compression",
    "spice_password_file",
    "spice_streaming_video",
    "spice_use_tls",
    "spice_zlib_glz_wan_compression",
)


def boots_kernel(values: Values) -> bool:
    """Whether a guest is started with a kernel of its node; unset, ``kernel_path`` says it."""
    return bool(values["kernel_path"]) and values.get("boot_type") in (None, "", "direct_kernel")


def boots_uefi(values: Values) -> bool:
    """Whether a guest has UEFI firmware, which keeps variables."""
    return values.get("boot_type") == "uefi"


def has_tpm(values: Values) -> bool:
    """Whether a guest has a TPM."""
    return values.get("tpm") == "2.0"


def misfit_topology(values: Values, vcpus: int) -> str | None:
    """Why so many CPUs cannot be arranged so; what is not given, or 0, QEMU works out."""
    given = {name: int(str(values[name])) for name in _TOPOLOGY if values.get(name)}
    product = math.prod(given.values())
    if vcpus % product or (len(given) == len(_TOPOLOGY) and vcpus != product):
        words = ", ".join(f"{name}={number}" for name, number in given.items())
        return f"{vcpus} CPUs of the instance cannot be arranged as {words}"
    return None


def contradictions(values: Values) -> Iterator[str]:
    """What in a complete mapping cannot be true together."""
    yield from _boot(values)
    yield from _security(values)
    yield from _displays(values)


def _boot(values: Values) -> Iterator[str]:
    if values.get("boot_type") == "direct_kernel" and not values["kernel_path"]:
        yield "boot_type is direct_kernel, but kernel_path is empty"
    if boots_kernel(values) and not values["root_path"]:
        yield "a kernel is given (kernel_path), so root_path must be given too"
    if values["boot_order"] == "cdrom" and not values["cdrom_image_path"]:
        yield "boot_order is cdrom, but cdrom_image_path is empty"
    if values["serial_console"] and values["serial_speed"] not in _SERIAL_SPEEDS:
        speeds = ", ".join(str(speed) for speed in sorted(_SERIAL_SPEEDS))
        yield f"serial_speed is {values['serial_speed']}, expected one of {speeds}"


def _security(values: Values) -> Iterator[str]:
    model, domain = values["security_model"], values["security_domain"]
    if model == "user" and not domain:
        yield "security_model is user, so security_domain must name one"
    if model != "user" and domain:
        yield f"security_domain is {domain!r}, which only security_model user takes, not {model}"


def _displays(values: Values) -> Iterator[str]:
    if values["vnc_x509_verify"] and not values["vnc_x509_path"]:
        yield "vnc_x509_verify needs the certificates at vnc_x509_path"
    if values["spice_bind"]:
        if values["vnc_bind_address"]:
            yield "spice_bind and vnc_bind_address exclude each other"
        return
    for name in _ONLY_WITH_SPICE:
        if values[name]:
            yield f"{name} is set, but spice_bind is empty"


KVM: Final = param_set("hypervisor kvm", _PARAMS, contradictions)
