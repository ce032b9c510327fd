"""Parameters of the Xen hypervisors, one set for each kind of guest.

Source: gnt-instance(8), hypervisor parameters; defaults and allowed values of Ganeti 3.1.
"""

from typing import Final

from .checks import (
    absolute_path,
    at_least,
    between,
    cpu_mask_list,
    ipv4_address,
    letters_of,
    port,
)
from .kinds import Kind, NodeCheck, Param, param_set

_HVM: Final = (
    Param("acpi", Kind.BOOL, True, title="ACPI"),
    Param("blockdev_prefix", Kind.STRING, "hd"),
    Param(
        "boot_order", Kind.STRING, "cd", required=True, check=letters_of("acdn"), title="Boot_order"
    ),
    Param(
        "cdrom_image_path",
        Kind.STRING,
        "",
        check=absolute_path,
        node_check=NodeCheck.FILE,
        title="CDROM_image_path",
    ),
    Param("cpu_cap", Kind.INT, 0),
    Param("cpu_mask", Kind.STRING, "all", check=cpu_mask_list),
    Param("cpu_weight", Kind.INT, 256, check=between(1, 65534)),
    Param("cpuid", Kind.STRING, ""),
    Param(
        "device_model",
        Kind.STRING,
        "/usr/lib/xen/bin/qemu-dm",
        required=True,
        check=absolute_path,
        node_check=NodeCheck.FILE,
    ),
    Param(
        "disk_type",
        Kind.STRING,
        "paravirtual",
        required=True,
        allowed=(
            "ioemu",
            "paravirtual",
        ),
        title="Disk_type",
    ),
    Param(
        "kernel_path",
        Kind.STRING,
        "/usr/lib/xen/boot/hvmloader",
        required=True,
        check=absolute_path,
        node_check=NodeCheck.FILE,
        title="Kernel_path",
    ),
    Param(
        "migration_mode",
        Kind.STRING,
        "non-live",
        required=True,
        allowed=(
            "live",
            "non-live",
        ),
        cluster_only=True,
    ),
    Param("migration_port", Kind.INT, 8002, required=True, check=port, cluster_only=True),
    Param(
        "nic_type",
        Kind.STRING,
        "rtl8139",
        required=True,
        allowed=(
            "e1000",
            "ne2k_isa",
            "ne2k_pci",
            "paravirtual",
            "rtl8139",
        ),
        title="NIC_type",
    ),
    Param("pae", Kind.BOOL, True, title="PAE"),
    Param("pci_pass", Kind.STRING, "", title="pci_pass"),
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
    Param("soundhw", Kind.STRING, ""),
    Param("use_localtime", Kind.BOOL, False),
    Param("vif_script", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.FILE),
    Param(
        "vif_type",
        Kind.STRING,
        "ioemu",
        allowed=(
            "ioemu",
            "vif",
        ),
    ),
    Param("viridian", Kind.BOOL, False),
    Param(
        "vnc_bind_address",
        Kind.STRING,
        "0.0.0.0",  # noqa: S104  Ganeti's default
        check=ipv4_address,
        title="VNC_bind_address",
    ),
    Param(
        "vnc_password_file",
        Kind.STRING,
        "/etc/ganeti/vnc-cluster-password",
        required=True,
        check=absolute_path,
        node_check=NodeCheck.FILE,
    ),
)

_PVM: Final = (
    Param("blockdev_prefix", Kind.STRING, "sd"),
    Param("bootloader_args", Kind.STRING, ""),
    Param("bootloader_path", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.FILE),
    Param("cpu_cap", Kind.INT, 0, check=at_least(0)),
    Param("cpu_mask", Kind.STRING, "all", check=cpu_mask_list),
    Param("cpu_weight", Kind.INT, 256, check=between(1, 65535)),
    Param("cpuid", Kind.STRING, ""),
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
        "/boot/vmlinuz-3-xenU",
        required=True,
        check=absolute_path,
        node_check=NodeCheck.FILE,
        title="Kernel_path",
    ),
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
    Param("migration_port", Kind.INT, 8002, required=True, check=port, cluster_only=True),
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
    Param("root_path", Kind.MAYBE_STRING, "/dev/xvda1"),
    Param("soundhw", Kind.STRING, ""),
    Param("use_bootloader", Kind.BOOL, False),
    Param("vif_script", Kind.STRING, "", check=absolute_path, node_check=NodeCheck.FILE),
)

XEN_HVM: Final = param_set("hypervisor xen-hvm", _HVM)
XEN_PVM: Final = param_set("hypervisor xen-pvm", _PVM)
