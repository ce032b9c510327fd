"""Small, valid config objects for tests; every field can be overridden."""

from typing import Any

import msgspec

from pyganeti.model.cluster import Cluster
from pyganeti.model.config import ConfigData
from pyganeti.model.disk import Disk
from pyganeti.model.enums import (
    AdminState,
    AdminStateSource,
    AllocPolicy,
    DiskTemplate,
    Hypervisor,
    SshKeyType,
)
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.params.ipolicy import DEFAULTS as IPOLICY
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.model.view import ClusterView

CLUSTER = Cluster(
    uuid="c0000000-0000-4000-8000-000000000001",
    cluster_name="cluster.example.com",
    rsahostkeypub="",
    highest_used_port=11010,
    tcpudp_port_pool=(),
    mac_prefix="aa:00:00",
    reserved_lvs=(),
    master_node="node-1",
    master_ip="192.0.2.1",
    master_netdev="lo",
    master_netmask=32,
    use_external_mip_script=False,
    file_storage_dir="/srv/ganeti/file-storage",
    shared_file_storage_dir="",
    gluster_storage_dir="",
    enabled_hypervisors=(Hypervisor.FAKE, Hypervisor.KVM),
    hvparams={"kvm": {"kernel_path": "/boot/vmlinuz", "acpi": False}},
    os_hvp={"micro+default": {"kvm": {"boot_order": "network"}}},
    beparams={"default": {"maxmem": 256}},
    osparams={"micro": {"a": "os", "b": "os"}, "micro+default": {"b": "variant"}},
    osparams_private_cluster={},
    nicparams={"default": {"mode": "bridged", "link": "br0"}},
    ndparams={"ssh_port": 2222},
    diskparams={},
    candidate_pool_size=10,
    modify_etc_hosts=False,
    modify_ssh_setup=False,
    maintain_node_health=False,
    uid_pool=((1000, 1009), (2000, 2000)),
    default_iallocator="hail",
    default_iallocator_params={},
    hidden_os=(),
    blacklisted_os=(),
    primary_ip_family=2,
    prealloc_wipe_disks=False,
    ipolicy=IPOLICY,
    enabled_disk_templates=(DiskTemplate.FILE, DiskTemplate.DISKLESS),
    candidate_certs={"node-1": "digest1"},
    max_running_jobs=20,
    max_tracked_jobs=25,
    install_image="",
    instance_communication_network="",
    zeroing_image="",
    compression_tools=("gzip",),
    enabled_user_shutdown=False,
    data_collectors={},
    ssh_key_type=SshKeyType.RSA,
    ssh_key_bits=2048,
    tags=("prod",),
)


def node(number: int, **fields: Any) -> Node:
    """``node<number>.example.com``, UUID ``node-<number>``."""
    made = Node(
        uuid=f"node-{number}",
        name=f"node{number}.example.com",
        primary_ip=f"192.0.2.{number}",
        secondary_ip=f"192.0.2.{number}",
        master_candidate=number == 1,
        offline=False,
        drained=False,
        group="group-1",
        master_capable=True,
        vm_capable=True,
        powered=True,
    )
    return msgspec.structs.replace(made, **fields)


def group(**fields: Any) -> NodeGroup:
    """``default``, UUID ``group-1``."""
    made = NodeGroup(uuid="group-1", name="default", alloc_policy=AllocPolicy.PREFERRED)
    return msgspec.structs.replace(made, **fields)


def network(**fields: Any) -> Network:
    """``lan``, UUID ``network-1``."""
    made = Network(uuid="network-1", name="lan", network="198.51.100.0/29")
    return msgspec.structs.replace(made, **fields)


def nic(number: int, **fields: Any) -> Nic:
    """A NIC with its own MAC address."""
    made = Nic(uuid=f"nic-{number}", mac=f"aa:00:00:00:00:{number:02x}")
    return msgspec.structs.replace(made, **fields)


def disk(number: int, **fields: Any) -> Disk:
    """A file disk of 1 GiB on node-1, UUID ``disk-<number>``."""
    made = Disk(
        uuid=f"disk-{number}",
        dev_type=DiskTemplate.FILE,
        logical_id=("loop", f"/srv/ganeti/file-storage/{number}"),
        size=1024,
        nodes=("node-1",),
        iv_name="disk/0",
    )
    return msgspec.structs.replace(made, **fields)


def drbd(number: int, *, port: int = 11001, minors: tuple[int, int] = (0, 0)) -> Disk:
    """A DRBD disk on node-1 and node-2."""
    parts = tuple(
        Disk(
            uuid=f"disk-{number}-{part}",
            dev_type=DiskTemplate.PLAIN,
            logical_id=("xenvg", f"{number}.{part}"),
            size=size,
            nodes=("node-1", "node-2"),
        )
        for part, size in (("data", 1024), ("meta", 128))
    )
    return disk(
        number,
        dev_type=DiskTemplate.DRBD,
        logical_id=("node-1", "node-2", port, *minors, "secret"),
        nodes=("node-1", "node-2"),
        children=parts,
    )


def instance(number: int, **fields: Any) -> Instance:
    """``web<number>.example.com`` on node-1, diskless, UUID ``instance-<number>``."""
    made = Instance(
        uuid=f"instance-{number}",
        name=f"web{number}.example.com",
        primary_node="node-1",
        os="micro+default",
        hypervisor=Hypervisor.KVM,
        admin_state=AdminState.UP,
        admin_state_source=AdminStateSource.ADMIN,
        disks_active=True,
    )
    return msgspec.structs.replace(made, **fields)


def view(*objects: Any, cluster: Cluster = CLUSTER, serial: int = 7) -> ClusterView:
    """A snapshot of ``objects``; without any node or group, node-1 and the default group."""
    every = list(objects)
    if not any(isinstance(obj, Node) for obj in every):
        every.append(node(1))
    if not any(isinstance(obj, NodeGroup) for obj in every):
        every.append(group())
    return ClusterView.from_objects([cluster, *every], serial=serial)


def config(*objects: Any) -> ConfigData:
    """The same as a whole configuration."""
    made = view(*objects).to_config()
    assert made.version == CONFIG_VERSION
    return made
