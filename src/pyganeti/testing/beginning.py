"""What a simulated cluster begins with: its objects, as config records. Pure."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, Final

from pyganeti.kit.ids import Ids
from pyganeti.master.config import config_writes
from pyganeti.master.initial import initial_objects
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.enums import (
    AdminState,
    AdminStateSource,
    DiskTemplate,
    FileDriver,
    Hypervisor,
)
from pyganeti.model.instance import Instance
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import CONFIG_SERIAL, Delete, Put, Table

GROUP: Final = "default"
START: Final = 1_700_000_000.0
_OPTIONS: Final[Mapping[str, Any]] = {
    "cluster_name": "cluster",
    "enabled_hypervisors": ["fake"],
    "enabled_disk_templates": ["file", "sharedfile", "diskless"],
    "nicparams": {"mode": "bridged", "link": "br0"},
}


def first_view(count: int, options: Mapping[str, Any], ids: Ids) -> ClusterView:
    """A cluster of ``count`` nodes, all of them candidates, ``node1`` the master.

    Args:
        count: how many nodes.
        options: settings as for ``gnt-cluster init``, on top of those of every simulation.
        ids: identifiers.
    """
    view = initial_objects(
        {**_OPTIONS, **options},
        node_name="node1",
        node_ip="192.0.2.1",
        master_ip="192.0.2.250",
        ids=ids,
        now=START,
        host_key="",
    )
    group = view.group(GROUP)
    more = tuple(_node(number, group.uuid, ids) for number in range(2, count + 1))
    return view.apply(Change(puts=more))


def _node(number: int, group: str, ids: Ids) -> Node:
    return Node(
        uuid=ids.uuid(),
        name=f"node{number}",
        primary_ip=f"192.0.2.{number}",
        secondary_ip=f"192.0.2.{number}",
        master_candidate=True,
        offline=False,
        drained=False,
        group=group,
        master_capable=True,
        vm_capable=True,
        powered=True,
    )


def stopped_instance(
    name: str,
    node: str,
    sizes: Sequence[int],
    ids: Ids,
    *,
    admin_state: AdminState,
    template: DiskTemplate = DiskTemplate.FILE,
) -> tuple[Instance, tuple[Disk, ...]]:
    """An instance on the node with UUID ``node``, with disks of ``sizes`` (MiB).

    They are files, shared or not.
    """
    uuid = ids.uuid()
    disks = tuple(
        Disk(
            uuid=ids.uuid(),
            dev_type=template,
            logical_id=(FileDriver.LOOP, f"/srv/ganeti/file-storage/{name}/{index}"),
            size=size,
            nodes=(node,),
            iv_name=f"disk/{index}",
        )
        for index, size in enumerate(sizes)
    )
    instance = Instance(
        uuid=uuid,
        name=name,
        primary_node=node,
        os="noop+default",
        hypervisor=Hypervisor.FAKE,
        admin_state=admin_state,
        admin_state_source=AdminStateSource.ADMIN,
        nics=(Nic(mac=ids.mac("aa:00:00"), uuid=ids.uuid()),),
        disks=tuple(disk.uuid for disk in disks),
        disks_active=False,
    )
    return instance, disks


def pool_network(name: str, subnet: str, ids: Ids, **fields: Any) -> Network:
    """A network with all its addresses free. Any: fields of the network."""
    free = "0" * IPv4Network(subnet).num_addresses
    made = {"reservations": free, "ext_reservations": free, **fields}
    return Network(uuid=ids.uuid(), name=name, network=subnet, **made)


def records(view: ClusterView) -> tuple[Put | Delete, ...]:
    """``view`` as the records of an empty store."""
    everything = Change(
        puts=(
            view.cluster,
            *view.groups.values(),
            *view.nodes.values(),
            *view.instances.values(),
            *view.disks.values(),
            *view.networks.values(),
        )
    )
    serial = Put(Table.META, CONFIG_SERIAL, str(view.serial).encode())
    return (*config_writes(everything), serial)
