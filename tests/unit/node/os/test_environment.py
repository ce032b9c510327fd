"""The environment of OS scripts, against the names of the interface."""

import msgspec

from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.os.definition import OsDefinition
from pyganeti.node.os.environment import core, for_instance
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
    NetworkSpec,
    NicSpec,
)

OS = OsDefinition("deb", "/srv/os/deb", (10, 20), variants=("default", "small"))
NETWORK = NetworkSpec(
    name="net",
    uuid="net-u",
    network="192.0.2.0/24",
    gateway="192.0.2.1",
    network6="2001:db8::/64",
    gateway6="2001:db8::1",
    mac_prefix="aa:bb:cc",
    tags=("t",),
)
INSTANCE = InstanceSpec(
    name="web1",
    uuid="i-u",
    primary_node="n-u",
    primary_node_name="node1",
    secondary_nodes=("node2", "node3"),
    hypervisor="kvm",
    os="deb+small",
    hvparams={"disk_type": "paravirtual", "nic_type": "e1000", "acpi": True, "root_path": None},
    beparams={"maxmem": 512, "vcpus": 2},
    osparams={"dhcp": "no"},
    osparams_private={"password": "secret"},
    ctime=1.5,
    nics=(
        NicSpec(
            mac="aa:00:00:01:02:03",
            ip="192.0.2.5",
            link="br0",
            name="first",
            uuid="nic-u",
            network=NETWORK,
        ),
    ),
)
DISK = GuestDisk(
    DiskSpec(dev_type="file", logical_id=("loop", "/d"), size=1024, uuid="d-u", name="root"),
    "/srv/d",
    "kvm:uri",
)
# Every variable that a script may read on creation, as the interface's inventory lists them.
EXPECTED = {
    "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
    "OS_API_VERSION": "20",
    "OS_NAME": "deb",
    "OS_VARIANT": "small",
    "DEBUG_LEVEL": "3",
    "OSP_DHCP": "no",
    "OSP_PASSWORD": "secret",
    "INSTANCE_NAME": "web1",
    "INSTANCE_OS": "deb+small",
    "INSTANCE_UUID": "i-u",
    "INSTANCE_CTIME": "1.5",
    "INSTANCE_MTIME": "0.0",
    "INSTANCE_PRIMARY_NODE": "node1",
    "INSTANCE_SECONDARY_NODES": "node2 node3",
    "HYPERVISOR": "kvm",
    "DISK_COUNT": "1",
    "NIC_COUNT": "1",
    "DISK_0_PATH": "/srv/d",
    "DISK_0_URI": "kvm:uri",
    "DISK_0_ACCESS": "rw",
    "DISK_0_UUID": "d-u",
    "DISK_0_NAME": "root",
    "DISK_0_SIZE": "1024",
    "DISK_0_FRONTEND_TYPE": "paravirtual",
    "DISK_0_BACKEND_TYPE": "file:loop",
    "NIC_0_MAC": "aa:00:00:01:02:03",
    "NIC_0_UUID": "nic-u",
    "NIC_0_NAME": "first",
    "NIC_0_IP": "192.0.2.5",
    "NIC_0_MODE": "bridged",
    "NIC_0_LINK": "br0",
    "NIC_0_BRIDGE": "br0",
    "NIC_0_FRONTEND_TYPE": "e1000",
    "NIC_0_NETWORK_NAME": "net",
    "NIC_0_NETWORK_UUID": "net-u",
    "NIC_0_NETWORK_SUBNET": "192.0.2.0/24",
    "NIC_0_NETWORK_GATEWAY": "192.0.2.1",
    "NIC_0_NETWORK_SUBNET6": "2001:db8::/64",
    "NIC_0_NETWORK_GATEWAY6": "2001:db8::1",
    "NIC_0_NETWORK_MAC_PREFIX": "aa:bb:cc",
    "NIC_0_NETWORK_TAGS": "t",
    "INSTANCE_BE_maxmem": "512",
    "INSTANCE_BE_vcpus": "2",
    "INSTANCE_HV_disk_type": "paravirtual",
    "INSTANCE_HV_nic_type": "e1000",
    "INSTANCE_HV_acpi": "True",
    "INSTANCE_HV_root_path": "",
}


def test_every_variable() -> None:
    assert for_instance(OS, INSTANCE, (DISK,), debug=3) == EXPECTED


def test_the_first_variant_is_the_default() -> None:
    assert core(OS, "deb", {}, 0)["OS_VARIANT"] == "default"


def test_without_variants_there_is_no_variable() -> None:
    assert "OS_VARIANT" not in core(OsDefinition("deb", "/x", (20,)), "deb", {}, 0)


def test_block_devices_are_told_apart_from_files() -> None:
    disk = GuestDisk(DiskSpec(dev_type="plain", logical_id=("vg", "lv"), size=1), "/dev/vg/lv")
    env = for_instance(OS, INSTANCE, (disk,))
    assert env["DISK_0_BACKEND_TYPE"] == "block"
    assert "DISK_0_URI" not in env


def test_disks_of_firmware_and_tpm_are_not_counted() -> None:
    state = GuestDisk(msgspec.structs.replace(DISK.spec, name="ganeti-tpm-state"), "/srv/t")
    found = for_instance(OS, INSTANCE, (state, DISK))
    assert found == for_instance(OS, INSTANCE, (DISK,))
    assert (found["DISK_COUNT"], found["DISK_0_PATH"]) == ("1", "/srv/d")
