"""A configuration of ten thousand instances, written straight to the database.

They lie on a hundred nodes, or on a thousand for what grows with nodes.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks.bed import Bed
from pyganeti.kit.ids import Ids, SystemIds
from pyganeti.master.config import config_writes, load_view
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, AdminStateSource, DiskTemplate, Hypervisor
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.store.interface import CONFIG_SERIAL, SEQ, Put, Table, Transaction
from pyganeti.store.sqlite import SqliteBackend

NODES: Final = 100
MANY_NODES: Final = 1000
INSTANCES: Final = 10_000
MEMORY_MIB: Final = 128
_CTIME: Final = 1_700_000_000.0


def node_name(number: int) -> str:
    """Name of the simulated node ``number``, from 0."""
    return f"sim{number:03}.example.com"


def instance_name(number: int) -> str:
    """Name of instance ``number``, from 0."""
    return f"instance{number:05}.example.com"


def fill(bed: Bed, network: str, nodes: int = NODES) -> None:
    """Add nodes, instances, a disk and a NIC each; the master daemon must be down.

    Args:
        bed: whose database.
        network: first two bytes of the nodes' addresses.
        nodes: how many.
    """
    backend = SqliteBackend(bed.paths().database)
    try:
        contents = backend.load()
        view = load_view(contents)
        change = Change(puts=tuple(_objects(view, SystemIds(), network, nodes)))
        serial = Put(Table.META, CONFIG_SERIAL, str(view.serial + 1).encode())
        seq = int(contents[Table.META][SEQ]) + 1
        backend.apply(Transaction(seq, (*config_writes(change), serial)))
    finally:
        backend.close()


def _objects(
    view: ClusterView, ids: Ids, network: str, count: int
) -> Iterator[Node | Disk | Instance]:
    group = view.master_node.group
    nodes = [_node(number, ids.uuid(), group, network) for number in range(count)]
    yield from nodes
    for number in range(INSTANCES):
        node = nodes[number % count].uuid
        disk = _disk(number, ids.uuid(), node)
        yield disk
        yield _instance(number, ids, node, disk.uuid)


def _node(number: int, uuid: str, group: str, network: str) -> Node:
    address = f"{network}.{200 + number // 50}.{1 + number % 50}"
    return Node(
        uuid=uuid,
        name=node_name(number),
        primary_ip=address,
        secondary_ip=address,
        master_candidate=False,
        offline=False,
        drained=False,
        group=group,
        master_capable=False,
        vm_capable=True,
        powered=True,
        ctime=_CTIME,
        mtime=_CTIME,
    )


def _disk(number: int, uuid: str, node: str) -> Disk:
    return Disk(
        uuid=uuid,
        dev_type=DiskTemplate.FILE,
        logical_id=("loop", f"/srv/ganeti/file-storage/{instance_name(number)}/{uuid}.disk0"),
        size=10240,
        nodes=(node,),
        iv_name="disk/0",
        ctime=_CTIME,
        mtime=_CTIME,
    )


def _instance(number: int, ids: Ids, node: str, disk: str) -> Instance:
    mac = f"aa:00:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}"
    return Instance(
        uuid=ids.uuid(),
        name=instance_name(number),
        primary_node=node,
        os="noop",
        hypervisor=Hypervisor.FAKE,
        hvparams={},
        beparams={"maxmem": MEMORY_MIB, "minmem": MEMORY_MIB},
        admin_state=AdminState.UP,
        admin_state_source=AdminStateSource.ADMIN,
        nics=(Nic(mac=f"{mac}:{number & 255:02x}", uuid=ids.uuid(), nicparams={"link": "br0"}),),
        disks=(disk,),
        disks_active=True,
        ctime=_CTIME,
        mtime=_CTIME,
    )
