"""What QEMU is told, parameter by parameter."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import runtime
from pyganeti.node.hypervisor.kvm.command import Machine, base_command
from pyganeti.node.hypervisor.kvm.console import console_info
from pyganeti.node.hypervisor.kvm.display import SpiceServer
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.network.base import Tap
from pyganeti.wire.noderpc.specs import InstanceSpec

from .instances import disk, instance, nic

PATHS = KvmLayout("/run/kvm").guest("web1")
MACHINE = Machine("/usr/bin/kvm", "pc-i440fx-7.2", "tcg")


def argv(spec: InstanceSpec) -> list[str]:
    return base_command(spec, PATHS, MACHINE)


def option(words: list[str], name: str) -> list[str]:
    """Everything that follows ``name`` on the command line."""
    return [words[index + 1] for index, word in enumerate(words[:-1]) if word == name]


def test_the_frame_of_every_command() -> None:
    words = argv(instance())
    assert words[0] == "/usr/bin/kvm"
    assert option(words, "-name") == ["web1"]
    assert option(words, "-m") == ["64"]
    assert option(words, "-smp") == ["1"]
    assert option(words, "-pidfile") == ["/run/kvm/pid/web1"]
    assert option(words, "-machine") == ["pc-i440fx-7.2,acpi=on"]
    assert option(words, "-accel") == ["tcg"]
    assert option(words, "-vga") == ["none"]
    assert option(words, "-display") == ["none"]
    assert "-daemonize" in words
    assert "-S" in words


@pytest.mark.parametrize(
    ("hvparams", "expected"),
    [
        ({"cpu_type": "max"}, ["-cpu", "max"]),
        ({"mem_path": "/hugepages"}, ["-mem-path", "/hugepages", "-mem-prealloc"]),
        ({"reboot_behavior": "exit"}, ["-no-reboot"]),
        ({"use_localtime": True}, ["-rtc", "base=localtime"]),
        ({"acpi": False}, ["-machine", "pc-i440fx-7.2,acpi=off"]),
        ({"usb_mouse": "mouse"}, ["-usb", "-device", "usb-mouse"]),
        ({"keymap": "de"}, ["-k", "de"]),
        ({"vga": "cirrus"}, ["-vga", "cirrus"]),
        ({"security_model": "user", "security_domain": "kvm1"}, ["-runas", "kvm1"]),
        ({"vnc_bind_address": "127.0.0.1"}, ["-vga", "std", "-vnc", "127.0.0.1:5100"]),
        ({"vnc_bind_address": "0.0.0.0"}, ["-vnc", ":5100"]),
        ({"vnc_bind_address": "::1"}, ["-vnc", "[::1]:5100"]),
        ({"vnc_bind_address": "/run/vnc"}, ["-vnc", "unix:/run/vnc/web1.vnc"]),
        ({"use_chroot": True}, ["-chroot", "/run/kvm/chroot/web1"]),
        ({"soundhw": "ac97"}, ["-audiodev", "none,id=snd0", "-device", "AC97,audiodev=snd0"]),
        ({"soundhw": "hda"}, ["-device", "intel-hda,id=hda"]),
        ({"soundhw": "pcspk"}, ["-machine", "pcspk-audiodev=snd0"]),
        ({"usb_devices": "tablet"}, ["-usb", "-device", "usb-tablet"]),
        ({"usb_devices": "host:1.2"}, ["-device", "usb-host,hostbus=1,hostaddr=2"]),
        (
            {"usb_devices": "keyboard,host:046d:C31c", "usb_mouse": "mouse"},
            [
                *("-usb", "-device", "usb-mouse", "-device", "usb-kbd"),
                *("-device", "usb-host,vendorid=0x046d,productid=0xC31c"),
            ],
        ),
        (
            {"use_guest_agent": True},
            ["-chardev", "socket,id=qga0,path=/run/kvm/ctrl/web1.qga,server=on,wait=off"],
        ),
        ({"kvm_extra": "-rtc  base=utc"}, ["-rtc", "base=utc"]),
        (
            {"vnc_bind_address": "127.0.0.1", "vnc_password_file": "/etc/pw"},
            ["-vnc", "127.0.0.1:5100,password=on"],
        ),
        (
            {"vnc_bind_address": "127.0.0.1", "vnc_tls": True},
            [
                "-object",
                "tls-creds-anon,id=vnctls0,endpoint=server",
                "-vnc",
                "127.0.0.1:5100,tls-creds=vnctls0",
            ],
        ),
    ],
)
def test_a_parameter_and_its_arguments(hvparams: dict[str, Any], expected: list[str]) -> None:
    words = argv(instance(**hvparams))
    joined = "\0".join(words)
    assert "\0".join(expected) in joined


def test_newer_qemu_gives_up_privileges_in_one_option() -> None:
    spec = instance(use_chroot=True, security_model="user", security_domain="kvm1")
    words = base_command(spec, PATHS, replace(MACHINE, run_with=True))
    assert option(words, "-run-with") == ["chroot=/run/kvm/chroot/web1", "user=kvm1"]
    assert not {"-chroot", "-runas"} & set(words)


SPICE = SpiceServer("192.0.2.1", "/var/spice.pem", "/var/spice-ca.pem")


def spice(server: SpiceServer = SPICE, **hvparams: Any) -> dict[str, str]:
    """The options of the SPICE server."""
    spec = instance(spice_bind=server.address, **hvparams)
    (value,) = option(base_command(spec, PATHS, replace(MACHINE, spice=server)), "-spice")
    pairs = value.replace(",,", "\0").split(",")
    return dict(pair.replace("\0", ",").split("=", 1) for pair in pairs)


def test_a_spice_server_is_open_unless_it_has_a_password() -> None:
    assert spice() == {
        "addr": "192.0.2.1",
        "ipv4": "on",
        "port": "11000",
        "disable-ticketing": "on",
        "playback-compression": "on",
        "agent-mouse": "on",
    }
    assert "disable-ticketing" not in spice(spice_password_file="/etc/pw")


def test_a_spice_server_with_tls_has_no_other_port() -> None:
    found = spice(spice_use_tls=True, spice_tls_ciphers="HIGH,LOW")
    assert "port" not in found
    assert found["tls-port"] == "11000"
    assert found["tls-ciphers"] == "HIGH,LOW"
    assert found["x509-key-file"] == found["x509-cert-file"] == "/var/spice.pem"
    assert found["x509-cacert-file"] == "/var/spice-ca.pem"


def test_spice_is_told_how_to_compress() -> None:
    found = spice(
        replace(SPICE, address="::1"),
        spice_image_compression="lz",
        spice_jpeg_wan_compression="never",
        spice_zlib_glz_wan_compression="always",
        spice_streaming_video="filter",
        spice_playback_compression=False,
        spice_use_vdagent=False,
    )
    assert found["ipv6"] == "on"
    assert found["image-compression"] == "lz"
    assert found["jpeg-wan-compression"] == "never"
    assert found["zlib-glz-wan-compression"] == "always"
    assert found["streaming-video"] == "filter"
    assert found["playback-compression"] == found["agent-mouse"] == "off"


def test_spice_brings_its_card_its_sound_and_its_agent() -> None:
    spec = instance(spice_bind="192.0.2.1", soundhw="ac97")
    words = base_command(spec, PATHS, replace(MACHINE, spice=SPICE))
    assert option(words, "-vga") == ["qxl"]
    assert option(words, "-audiodev") == ["spice,id=snd0"]
    assert "spicevmc,id=spicechannel0,name=vdagent" in words
    card = instance(spice_bind="192.0.2.1", vga="std", spice_use_vdagent=False)
    words = base_command(card, PATHS, replace(MACHINE, spice=SPICE))
    assert option(words, "-vga") == ["std"]
    assert "spicevmc,id=spicechannel0,name=vdagent" not in words


def test_topology_is_told_where_it_is_given() -> None:
    words = argv(instance(cpu_cores=2, cpu_threads=1, cpu_sockets=3))
    assert option(words, "-smp") == ["1,cores=2,threads=1,sockets=3"]


def test_a_kernel_gets_root_arguments_and_console() -> None:
    words = argv(instance(kernel_path="/boot/k", initrd_path="/boot/i", serial_speed=115200))
    assert option(words, "-kernel") == ["/boot/k"]
    assert option(words, "-initrd") == ["/boot/i"]
    assert option(words, "-append") == ["root=/dev/vda1 ro console=ttyS0,115200"]


def test_without_serial_console_there_is_no_line() -> None:
    words = argv(instance(kernel_path="/boot/k", serial_console=False))
    assert option(words, "-append") == ["root=/dev/vda1 ro"]
    assert "isa-serial,chardev=charserial0" not in words


def test_vnc_needs_a_port() -> None:
    spec = instance(vnc_bind_address="127.0.0.1")
    broken = InstanceSpec(
        **{name: getattr(spec, name) for name in spec.__struct_fields__ if name != "network_port"}
    )
    with pytest.raises(HypervisorError, match="network port"):
        argv(broken)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"serial_console": False, "vnc_bind_address": "0.0.0.0"}, ("vnc", "node1")),
        ({"serial_console": False, "vnc_bind_address": "192.0.2.1"}, ("vnc", "192.0.2.1")),
        ({"serial_console": False, "spice_bind": "192.0.2.1"}, ("spice", "192.0.2.1")),
        ({"serial_console": False, "spice_bind": "br0"}, ("spice", "node1")),
    ],
)
def test_who_connects_to_a_graphical_console_is_told_where_it_listens(
    changes: dict[str, Any], told: tuple[str, str]
) -> None:
    spec = instance(**changes)
    found = console_info(spec, PATHS)
    assert (found.kind, found.host, found.port) == (*told, spec.network_port)


def test_a_console_on_a_socket_says_where_it_is() -> None:
    spec = instance(serial_console=False, vnc_bind_address="/run/vnc")
    found = console_info(spec, PATHS)
    assert found.kind == "msg"
    assert "/run/vnc/web1.vnc of node node1" in (found.message or "")
    assert f"unix:/run/vnc/{spec.name}.vnc" in argv(spec)


def full(spec: InstanceSpec, *disks: Any, taps: tuple[Tap, ...] = (), vhost: bool = False) -> Any:
    planned = runtime.plan(spec, tuple(disks), PATHS, MACHINE)
    return list(runtime.full_command(planned, taps, vhost=vhost))


def devices(words: list[str]) -> list[dict[str, Any]]:
    return [json.loads(word) for word in option(words, "-device") if word.startswith("{")]


def test_disks_and_nics_take_slots_after_the_reserved_ones() -> None:
    tap = Tap("tap0", (5,), vnet_hdr=True)
    words = full(instance(nics=(nic(0),)), disk(0), disk(1), taps=(tap,))
    assert [(found["driver"], found["addr"]) for found in devices(words)] == [
        ("virtio-blk-pci", "0xc"),
        ("virtio-blk-pci", "0xd"),
        ("virtio-net-pci", "0xe"),
    ]
    assert option(words, "-netdev") == ["tap,id=net-nic-nic0,fd=5"]


def test_slots_run_out_with_a_clear_refusal() -> None:
    with pytest.raises(HypervisorError, match="no PCI slot is left"):
        full(instance(kvm_pci_reservations=31), disk(0), disk(1))


def test_a_blockdev_says_cache_aio_and_discard() -> None:
    spec = instance(disk_cache="none", disk_aio="io_uring", disk_discard="unmap")
    (node,) = [json.loads(word) for word in option(full(spec, disk(0)), "-blockdev")]
    assert node["file"]["driver"] == "file"
    assert node["file"]["aio"] == "io_uring"
    assert node["file"]["cache"] == {"direct": True}
    assert node["discard"] == node["file"]["discard"] == "unmap"
    assert len(node["file"]["node-name"]) <= 31


def test_a_disk_with_a_uri_is_reached_there() -> None:
    uris = ("file:/srv/v", "nbd:unix:/run/v")
    found = (replace(disk(n, "ext"), uri=uri, link="") for n, uri in enumerate(uris))
    words = full(instance(disk_aio="threads"), *found)
    nodes = [json.loads(word) for word in option(words, "-blockdev")]
    # Whatever stands on it: it is raw, as the guest writes it.
    assert [node["driver"] for node in nodes] == ["raw", "raw"]
    assert nodes[0]["file"]["filename"] == "/srv/v"
    assert nodes[0]["file"]["aio"] == "threads"
    assert nodes[1]["file"]["server"] == {"type": "unix", "path": "/run/v"}
    assert "aio" not in nodes[1]["file"]


def test_block_devices_shared_files_and_read_only_disks() -> None:
    words = full(instance(), disk(0, "plain"), disk(1, "sharedfile"), disk(2, mode="ro"))
    nodes = [json.loads(word) for word in option(words, "-blockdev")]
    assert nodes[0]["file"]["driver"] == "host_device"
    assert nodes[1]["cache"] == {"direct": True}
    assert [node["read-only"] for node in nodes] == [False, False, True]


def test_writethrough_is_a_property_of_the_device() -> None:
    assert devices(full(instance(disk_cache="writethrough"), disk(0)))[0]["write-cache"] == "off"


@pytest.mark.parametrize(
    ("kind", "driver"),
    [("ide", "ide-hd"), ("scsi-hd", "scsi-hd"), ("paravirtual", "virtio-blk-pci")],
)
def test_kinds_of_disks(kind: str, driver: str) -> None:
    found = devices(full(instance(disk_type=kind), disk(0)))
    assert driver in [device["driver"] for device in found]
    assert ("lsi53c895a" in [device["driver"] for device in found]) == (kind == "scsi-hd")


@pytest.mark.parametrize(
    ("order", "hvparams", "first"),
    [
        ("disk", {}, "virtio-blk-pci"),
        ("network", {}, "virtio-net-pci"),
        ("cdrom", {"cdrom_image_path": "/iso"}, "ide-cd"),
        ("floppy", {"floppy_image_path": "/img"}, "floppy"),
    ],
)
def test_boot_order(order: str, hvparams: dict[str, str], first: str) -> None:
    tap = Tap("tap0", (5,), vnet_hdr=True)
    spec = instance(nics=(nic(0),), boot_order=order, **hvparams)
    found = devices(full(spec, disk(0), taps=(tap,)))
    assert [device["driver"] for device in found if device.get("bootindex") == 0] == [first]


def test_a_kernel_leaves_no_device_to_boot_from() -> None:
    found = devices(full(instance(kernel_path="/boot/vmlinuz", boot_order="disk"), disk(0)))
    assert not any("bootindex" in device for device in found)


def test_a_cdrom_may_come_from_the_network() -> None:
    words = full(instance(cdrom_image_path="https://example.com/x.iso"))
    (node,) = [json.loads(word) for word in option(words, "-blockdev")]
    assert node["file"] == {"driver": "https", "url": "https://example.com/x.iso"}


def test_queues_and_vhost_of_a_paravirtual_nic() -> None:
    tap = Tap("tap0", (5, 6), vnet_hdr=True)
    spec = instance(nics=(nic(0),), virtio_net_queues=2)
    words = full(spec, taps=(tap,), vhost=True)
    assert option(words, "-netdev") == ["tap,id=net-nic-nic0,fds=5:6,vhost=on"]
    assert devices(words)[0]["mq"] is True
    assert devices(words)[0]["vectors"] == 6


def test_vhost_is_for_paravirtual_nics_only() -> None:
    spec = instance(nics=(nic(0),), nic_type="e1000")
    words = full(spec, taps=(Tap("tap0", (5,), vnet_hdr=False),), vhost=True)
    assert option(words, "-netdev") == ["tap,id=net-nic-nic0,fd=5"]
