"""What we tell QEMU is understood by each version that was captured: options, devices, QMP."""

import json
import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.kvm import devices, params, runtime
from pyganeti.node.hypervisor.kvm.command import Machine, user_arguments
from pyganeti.node.hypervisor.kvm.facts import QemuFacts
from pyganeti.node.hypervisor.kvm.hotplug import NEEDED
from pyganeti.node.hypervisor.kvm.layout import KvmLayout
from pyganeti.node.hypervisor.kvm.trace import SHUTDOWN_EVENTS, arguments
from pyganeti.node.network.base import Tap

from .golden import VERSIONS, facts_of
from .instances import disk, instance, nic

PATHS = KvmLayout("/run/kvm").guest("web1")
# Each is a guest; together they have all that a command line can have.
GUESTS: list[dict[str, Any]] = [
    {},
    {"kernel_path": "/k", "initrd_path": "/i", "serial_speed": 9600},
    {"acpi": False, "reboot_behavior": "exit", "use_localtime": True, "cpu_type": "max"},
    {"cpu_cores": 2, "mem_path": "/huge", "machine_version": "q35"},
    {"disk_type": "ide", "cdrom_image_path": "/c", "cdrom2_image_path": "http://x/y"},
    {"disk_type": "scsi-hd", "floppy_image_path": "/f", "boot_order": "floppy"},
    {"disk_type": "scsi-block", "scsi_controller_type": "megasas", "cdrom_disk_type": "scsi-cd"},
    {"disk_aio": "io_uring", "disk_cache": "none", "disk_discard": "unmap"},
    {"nic_type": "e1000", "boot_order": "network"},
    {"virtio_net_queues": 4},
    {"use_chroot": True, "security_model": "user", "security_domain": "kvm"},
    {"vnc_bind_address": "0.0.0.0", "vnc_tls": True, "keymap": "de", "usb_mouse": "tablet"},
    {"vnc_bind_address": "/run", "vnc_tls": True, "vnc_x509_path": "/x", "vga": "cirrus"},
    {"soundhw": "ac97,es1370,hda,sb16", "usb_devices": "keyboard mouse wacom-tablet host:1:2"},
    {"use_guest_agent": True, "user_shutdown": True, "security_model": "pool"},
]
# What is said to a QEMU besides, with the arguments it gets.
ORDERS: dict[str, set[str]] = {
    "balloon": {"value"},
    "block_resize": {"node-name", "size"},
    "blockdev-del": {"node-name"},
    "cont": set(),
    "device_del": {"id"},
    "getfd": {"fdname"},
    "migrate": {"uri"},
    "migrate-incoming": {"uri"},
    "migrate-set-capabilities": {"capabilities"},
    "migrate-set-parameters": {"max-bandwidth", "downtime-limit"},
    "migrate-start-postcopy": set(),
    "migrate_cancel": set(),
    "netdev_del": {"id"},
    "qom-list": {"path"},
    "query-balloon": set(),
    "query-cpus-fast": set(),
    "query-migrate": set(),
    "query-named-block-nodes": {"flat"},
    "query-pci": set(),
    "query-status": set(),
    "query-uuid": set(),
    "quit": set(),
    "set_password": {"protocol", "password"},
    "stop": set(),
    "system_powerdown": set(),
    "system_reset": set(),
}

pytestmark = pytest.mark.parametrize("version", VERSIONS)


def argv(changes: dict[str, Any], facts: QemuFacts) -> tuple[str, ...]:
    """All that a QEMU with these facts is started with."""
    spec = instance(nics=(nic(0),), **changes)
    machine = str(spec.hvparams["machine_version"]) or facts.default_machine
    run_with = "run-with" in facts.options
    planned = runtime.plan(
        spec, (disk(0), disk(1)), PATHS, Machine("/usr/bin/kvm", machine, "tcg", run_with)
    )
    fds = tuple(range(10, 10 + int(spec.hvparams["virtio_net_queues"])))
    found = runtime.full_command(planned, (Tap("tap0", fds, True),), vhost=False)
    found += arguments(PATHS, incoming=True, user_shutdown=bool(spec.hvparams["user_shutdown"]))
    return (*found, *user_arguments("nobody", run_with=run_with))


def test_all_of_it_was_captured(version: str) -> None:
    facts = facts_of(version)
    assert facts.version.startswith(version)
    assert facts.default_machine == f"pc-i440fx-{version}"
    assert {"virtio-blk-pci", "virtio-net-pci", "virtio-balloon-pci"} <= facts.devices
    assert facts.events >= {*SHUTDOWN_EVENTS, "runstate_set"}
    assert facts.guest_shutdown is not None


@pytest.mark.parametrize("changes", GUESTS, ids=str)
def test_every_option_and_device_is_known(version: str, changes: dict[str, Any]) -> None:
    facts = facts_of(version)
    try:
        params.check_facts(instance(**changes).hvparams, facts)
    except HypervisorError as err:
        pytest.skip(f"refused by this version: {err}")
    words = argv(changes, facts)
    options = {word[1:] for word in words[1:] if re.fullmatch("-[a-z][a-z-]*", word)}
    assert options <= facts.options
    wanted = {_model(value) for word, value in pairwise(words) if word == "-device"}
    assert wanted <= facts.devices


def _model(value: str) -> str:
    if value.startswith("{"):
        return str(json.loads(value)["driver"])
    return value.partition(",")[0]


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_every_order_is_known_with_its_arguments(version: str, name: str) -> None:
    schema = facts_of(version).schema
    assert name in schema.commands
    assert ORDERS[name] <= schema.arguments(name)


def test_devices_of_a_running_guest_can_be_changed(version: str) -> None:
    schema = facts_of(version).schema
    assert schema.commands >= NEEDED
    hvp = instance(disk_aio="io_uring", disk_cache="none", disk_discard="unmap").hvparams
    node = devices.blockdev(disk(0), 0, hvp)
    assert node.keys() | node["file"].keys() <= schema.arguments("blockdev-add")
    assert {node["driver"], node["file"]["driver"]} <= set(schema.values("blockdev-add", "driver"))
    assert {"off", "on"} & set(schema.values("blockdev-add", "read-only")) == set()
    assert {"threads", "native", "io_uring"} <= set(schema.values("blockdev-add", "aio"))
    assert {"type", "id", "fd", "fds", "vhost"} <= schema.arguments("netdev_add")
    assert "tap" in schema.values("netdev_add", "type")


def test_a_machine_of_another_version_is_refused(version: str) -> None:
    facts = facts_of(version)
    spec = instance(machine_version="pc-i440fx-99.0")
    with pytest.raises(HypervisorError, match=f"a machine type of QEMU {re.escape(facts.version)}"):
        params.check_facts(spec.hvparams, facts)
    kept = msgspec.structs.replace(spec, hvparams={**spec.hvparams, "machine_version": "pc"})
    params.check_facts(kept.hvparams, facts)
