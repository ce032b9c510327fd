"""Every parameter of kvm does what it says on the installed QEMU, or is refused with the reason.

A table by parameter: what is set, and what then is seen of the guest, by QEMU's own words or the
kernel's; or what the refusal says.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.threads import in_thread
from pyganeti.kit.tls import issue_node_certificate, make_ca
from pyganeti.model.errors import HypervisorError
from tests.needs import skip_without_interfaces

from .effects import (
    DISK,
    NIC,
    See,
    agent_has_a_socket,
    answers_on_serial_line,
    at_slot_20,
    cached,
    can_be_sent,
    ends_when_it_reboots,
    has_cirrus,
    has_its_own_user,
    has_kind,
    image_of,
    is_emulated,
    is_nobody,
    is_shut_in,
    is_the_program,
    kind,
    max_cpu,
    memory_in_directory,
    pinned,
    prop,
    says,
    spice,
    sub_auth,
    tap_flag,
    topology,
    uses_io_uring,
    uses_native_aio,
    vhost_where_there_is,
    vnc,
)
from .qemu_guests import HVPARAMS, QEMU, needs_qemu, skip_without_spice
from .seen_guest import DISK_UUID, PERIPHERAL, running

pytestmark = needs_qemu

Case = tuple[dict[str, Any], See | str]
# Files are made below the test's directory, in place of these.
FILE, DIRECTORY, CERTIFICATES, KERNEL = "@file", "@directory", "@certificates", "@kernel"
WITHOUT_NIC = {"boot_order": "network"}


VNC = {"vnc_bind_address": "127.0.0.1"}
SPICE = {"spice_bind": "127.0.0.1", "serial_console": False}
LINUX = {"kernel_path": KERNEL, "root_path": "/dev/vda7"}
SENT = {"migration_bandwidth": 7, "migration_caps": "xbzrle", "migration_downtime": 70}
ASKED = "expected one that QEMU .* takes, which says"
VNET_HDR, MULTI_QUEUE = 0x4000, 0x100

TABLE: dict[str, list[Case]] = {
    "acpi": [({"acpi": False}, prop("/machine", "acpi", "off"))],
    "boot_order": [
        ({}, prop(f"{PERIPHERAL}/{DISK}", "bootindex", 0)),
        (WITHOUT_NIC, prop(f"{PERIPHERAL}/{NIC}", "bootindex", 0)),
        (
            {"boot_order": "cdrom", "cdrom_image_path": FILE},
            prop(f"{PERIPHERAL}/cdrom0-dev", "bootindex", 0),
        ),
    ],
    "cdrom2_image_path": [({"cdrom2_image_path": FILE}, image_of("cdrom1"))],
    "cdrom_disk_type": [
        (
            {"cdrom_image_path": FILE, "cdrom_disk_type": "paravirtual"},
            kind("cdrom0-dev", "virtio-blk-pci"),
        )
    ],
    "cdrom_image_path": [({"cdrom_image_path": FILE}, image_of("cdrom0"))],
    "cpu_cores": [({"cpu_cores": 2}, topology("core-id"))],
    "cpu_mask": [
        ({"cpu_mask": "0"}, pinned),
        ({"cpu_mask": "0-8191"}, "cpu_mask: '0-8191', expected CPUs of this node"),
    ],
    "cpu_sockets": [({"cpu_sockets": 2}, topology("socket-id"))],
    "cpu_threads": [({"cpu_threads": 2}, topology("thread-id"))],
    "cpu_type": [
        ({"cpu_type": "max"}, max_cpu),
        ({"cpu_type": "abacus"}, f"{ASKED}.*abacus"),
    ],
    "disk_aio": [
        ({"disk_aio": "io_uring"}, uses_io_uring),
        ({"disk_aio": "native", "disk_cache": "none"}, uses_native_aio),
        ({"disk_aio": "native"}, "disk_aio: 'native', expected threads"),
    ],
    "disk_cache": [
        ({"disk_cache": "none"}, cached(direct=True, writeback=True)),
        ({"disk_cache": "writeback"}, cached(direct=False, writeback=True)),
        ({"disk_cache": "writethrough"}, cached(direct=False, writeback=False)),
    ],
    "disk_discard": [({"disk_discard": "unmap"}, says("-blockdev", '"discard":"unmap"'))],
    "disk_type": [
        ({}, kind(DISK, "virtio-blk-pci")),
        ({"disk_type": "ide"}, kind(DISK, "ide-hd")),
        ({"disk_type": "scsi-hd"}, kind(DISK, "scsi-hd")),
        ({"disk_type": "sd"}, "disk_type: 'sd', expected"),
    ],
    "floppy_image_path": [({"floppy_image_path": FILE}, image_of("floppy0"))],
    "initrd_path": [({**LINUX, "initrd_path": FILE}, says("-initrd", "/a-file"))],
    "kernel_args": [({**LINUX, "kernel_args": "quiet 3"}, says("-append", " quiet 3 "))],
    "kernel_path": [
        (LINUX, says("-kernel", "/a-kernel")),
        ({"kernel_path": "/no/kernel"}, "kernel_path: '/no/kernel', expected an existing file"),
    ],
    "keymap": [
        ({**VNC, "keymap": "de"}, says("-k", "de")),
        ({**VNC, "keymap": "xx"}, f"{ASKED}.*xx"),
    ],
    "kvm_extra": [({"kvm_extra": "-device usb-ehci,id=mine"}, kind("mine", "usb-ehci"))],
    "kvm_flag": [({"kvm_flag": "disabled"}, is_emulated)],
    "kvm_path": [
        ({"kvm_path": QEMU}, is_the_program),
        ({"kvm_path": "/no/kvm"}, "kvm_path: '/no/kvm', expected an executable program"),
    ],
    "kvm_pci_reservations": [({"kvm_pci_reservations": 20}, at_slot_20)],
    "machine_version": [
        ({"machine_version": "q35"}, says("-machine", "q35")),
        ({"machine_version": "z80"}, "machine_version: 'z80', expected a machine type of QEMU"),
    ],
    "mem_path": [({"mem_path": DIRECTORY}, memory_in_directory)],
    "migration_bandwidth": [(SENT, can_be_sent)],
    "migration_caps": [
        (SENT, can_be_sent),
        ({"migration_caps": "xbzrle:foo"}, "migration_caps: 'foo', expected of"),
    ],
    "migration_downtime": [(SENT, can_be_sent)],
    "nic_type": [
        ({}, kind(NIC, "virtio-net-pci")),
        ({"nic_type": "e1000"}, kind(NIC, "e1000")),
    ],
    "reboot_behavior": [({"reboot_behavior": "exit"}, ends_when_it_reboots)],
    "root_path": [(LINUX, says("-append", "root=/dev/vda7"))],
    "scsi_controller_type": [
        ({"disk_type": "scsi-hd"}, kind("scsi", "lsi53c895a")),
        (
            {"disk_type": "scsi-hd", "scsi_controller_type": "megasas"},
            kind("scsi", "megasas"),
        ),
    ],
    "security_domain": [
        ({"security_model": "user", "security_domain": "nobody"}, is_nobody),
        ({"security_model": "user", "security_domain": "no-one"}, "a user of this node"),
    ],
    "security_model": [({"security_model": "pool"}, has_its_own_user)],
    "serial_console": [({}, answers_on_serial_line)],
    "serial_speed": [({**LINUX, "serial_speed": 9600}, says("-append", "console=ttyS0,9600"))],
    "soundhw": [({"soundhw": "ac97"}, has_kind("AC97"))],
    "spice_bind": [(SPICE, spice("host", "127.0.0.1"))],
    "spice_image_compression": [
        ({**SPICE, "spice_image_compression": "glz"}, says("-spice", "image-compression=glz"))
    ],
    "spice_ip_version": [
        ({**SPICE, "spice_ip_version": 4}, says("-spice", "ipv4=on")),
        ({**SPICE, "spice_ip_version": 6}, "spice_bind: '127.0.0.1', expected an IPv6 address"),
    ],
    "spice_jpeg_wan_compression": [
        (
            {**SPICE, "spice_jpeg_wan_compression": "never"},
            says("-spice", "jpeg-wan-compression=never"),
        )
    ],
    "spice_password_file": [({**SPICE, "spice_password_file": FILE}, spice("auth", "spice"))],
    "spice_playback_compression": [
        ({**SPICE, "spice_playback_compression": False}, says("-spice", "playback-compression=off"))
    ],
    "spice_streaming_video": [
        ({**SPICE, "spice_streaming_video": "all"}, says("-spice", "streaming-video=all"))
    ],
    "spice_tls_ciphers": [
        ({**SPICE, "spice_use_tls": True, "spice_tls_ciphers": "HIGH"}, "/no/spice.pem is missing")
    ],
    "spice_use_tls": [({**SPICE, "spice_use_tls": True}, "/no/spice.pem is missing")],
    "spice_use_vdagent": [(SPICE, has_kind("virtserialport"))],
    "spice_zlib_glz_wan_compression": [
        (
            {**SPICE, "spice_zlib_glz_wan_compression": "always"},
            says("-spice", "zlib-glz-wan-compression=always"),
        )
    ],
    "usb_devices": [({"usb_devices": "keyboard"}, has_kind("usb-kbd"))],
    "usb_mouse": [({"usb_mouse": "tablet"}, has_kind("usb-tablet"))],
    "use_chroot": [({"use_chroot": True}, is_shut_in)],
    "use_guest_agent": [({"use_guest_agent": True}, agent_has_a_socket)],
    "use_localtime": [({"use_localtime": True}, says("-rtc", "base=localtime"))],
    "user_shutdown": [({"user_shutdown": True}, says("-trace", "qemu_system_shutdown_request"))],
    "vga": [({"vga": "cirrus"}, has_cirrus), ({"vga": "foo"}, f"{ASKED}.*vga type")],
    "vhost_net": [({}, vhost_where_there_is)],
    "virtio_net_queues": [
        ({"virtio_net_queues": 4}, tap_flag(MULTI_QUEUE, True)),
        ({"virtio_net_queues": 1}, tap_flag(MULTI_QUEUE, False)),
        ({"virtio_net_queues": 2, "nic_type": "e1000"}, "virtio_net_queues: 2, expected 1"),
    ],
    "vnc_bind_address": [
        (VNC, vnc(enabled=True, host="127.0.0.1")),
        ({"vnc_bind_address": "/no/directory"}, "vnc_bind_address: '/no/directory', expected"),
    ],
    "vnc_password_file": [({**VNC, "vnc_password_file": FILE}, vnc(auth="vnc"))],
    "vnc_tls": [({**VNC, "vnc_tls": True}, sub_auth("tls-none"))],
    "vnc_x509_path": [
        ({**VNC, "vnc_tls": True, "vnc_x509_path": CERTIFICATES}, sub_auth("x509-none")),
        ({**VNC, "vnc_tls": True, "vnc_x509_path": DIRECTORY}, "a directory with ca-cert.pem"),
        ({**VNC, "vnc_tls": True, "vnc_x509_path": "/no/x"}, "an existing directory"),
    ],
    "vnc_x509_verify": [
        (
            {**VNC, "vnc_tls": True, "vnc_x509_path": CERTIFICATES, "vnc_x509_verify": True},
            says("-object", "verify-peer=on"),
        )
    ],
    "vnet_hdr": [
        ({"vnet_hdr": True}, tap_flag(VNET_HDR, True)),
        ({"vnet_hdr": False}, tap_flag(VNET_HDR, False)),
    ],
}
# What the target and the master act on.
ELSEWHERE = {
    "migration_mode": "tests/sim/instance/test_migrate.py",
    "migration_port": "tests/contract/node/test_migration.py",
}


def test_every_parameter_is_here_or_somewhere_else() -> None:
    assert TABLE.keys() | ELSEWHERE.keys() == HVPARAMS.keys()
    root = Path(__file__).parents[3]
    for name, place in ELSEWHERE.items():
        assert name.removeprefix("migration_") in (root / place).read_text()


def placed(directory: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """``changes`` with the files that they name."""
    marks = (FILE, DIRECTORY, CERTIFICATES, KERNEL)
    file, other, certificates, kernel = (directory / f"a-{mark[1:]}" for mark in marks)
    file.write_bytes(b"secret\n".ljust(1 << 20, b"\0"))
    other.mkdir()
    certificates.mkdir()
    authority = make_ca("cluster", SystemClock().now())
    (certificates / "ca-cert.pem").write_bytes(authority.certificate)
    both = issue_node_certificate(authority, "node1", DISK_UUID, SystemClock().now())
    for name in ("server-cert.pem", "server-key.pem"):
        (certificates / name).write_bytes(both)
    # As much of a kernel as QEMU looks at; nobody runs it. Protocol 2.4, for its initial RAM disk.
    header = b"HdrS\x04\x02".ljust(0x2A, b"\0") + b"\xff\xff\xff\x37"
    kernel.write_bytes(bytes(0x202) + header.ljust(1 << 16, b"\0"))
    known = dict(zip(marks, map(str, (file, other, certificates, kernel)), strict=True))
    return {
        name: known.get(value, value) if isinstance(value, str) else value
        for name, value in changes.items()
    }


CASES = [
    pytest.param(changes, see, id=f"{name}-{json.dumps(changes)}")
    for name, cases in TABLE.items()
    for changes, see in cases
]


@pytest.mark.parametrize(("changes", "see"), CASES)
async def test_it_does_what_it_says(
    directory: Path, changes: dict[str, Any], see: See | str
) -> None:
    wants_topology = any(name.startswith("cpu_") and changes[name] == 2 for name in changes)
    changes = await in_thread(placed, directory, changes)
    if isinstance(see, str):
        with pytest.raises(HypervisorError, match=see):
            async with running(directory, changes, vcpus=1):
                pass
        return
    if changes.get("spice_bind"):
        await skip_without_spice(directory, {**HVPARAMS, **changes})
    if any(word in str(changes) for word in ("net", "nic", "vhost")):
        skip_without_interfaces()
    async with running(directory, changes, vcpus=2 if wants_topology else 1) as guest:
        await see(guest)
