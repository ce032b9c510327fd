"""What an allocator is told of the cluster. Pure.

Source: Ganeti's allocator protocol, version 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.master.instances.forthcoming import reserved_memory, reserved_space
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, DiskTemplate, NicMode
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.node import Node
from pyganeti.model.params.ipolicy import fill_ipolicy, to_dict
from pyganeti.model.templates import DRBD_META_MIB
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.disks import StorageInfo
from pyganeti.wire.noderpc.guests import GuestInfo, HypervisorInfo

VERSION: Final = 2
# Templates whose disks take room on the nodes themselves, and how much more than their size.
_LOCAL: Final = {DiskTemplate.PLAIN: 0, DiskTemplate.FILE: 0, DiskTemplate.DRBD: DRBD_META_MIB}

Json = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a node says of itself.

    Attributes:
        memory: what its hypervisor says; ``None`` where that is not available.
        storage: of the default disk template, where that has a unit.
        guests: by name.
    """

    memory: HypervisorInfo | None
    storage: StorageInfo | None
    guests: Mapping[str, GuestInfo]


def allocator_input(view: ClusterView, states: Mapping[str, NodeState], request: Json) -> Json:
    """All that an allocator is told.

    Args:
        view: the cluster.
        states: of the nodes that answered, by UUID.
        request: what is asked for.
    """
    cluster = view.cluster
    return {
        "version": VERSION,
        "cluster_name": cluster.cluster_name,
        "cluster_tags": list(cluster.tags),
        "enabled_hypervisors": [str(one) for one in cluster.enabled_hypervisors],
        "ipolicy": to_dict(fill_ipolicy(cluster.ipolicy, {})),
        "nodegroups": {uuid: _group(group, view) for uuid, group in view.groups.items()},
        "nodes": {
            node.name: _node(node, states.get(node.uuid), view) for node in view.nodes.values()
        },
        "instances": {one.name: _instance(one, view) for one in view.instances.values()},
        "request": request,
    }


def disk_space(template: DiskTemplate, sizes: Sequence[int]) -> int:
    """MiB that disks take of each of their nodes; none of shared storage."""
    more = _LOCAL.get(template)
    return 0 if more is None else sum(sizes) + more * len(sizes)


def nic_input(nic: Nic, view: ClusterView) -> Json:
    """A NIC as allocators are told of it."""
    params = view.filled_nicparams(nic)
    found: Json = {"mac": nic.mac, "ip": nic.ip, "mode": str(params.mode), "link": params.link}
    if params.mode == NicMode.BRIDGED:
        found["bridge"] = params.link
    return found


def _group(group: NodeGroup, view: ClusterView) -> Json:
    return {
        "name": group.name,
        "alloc_policy": str(group.alloc_policy),
        "networks": sorted(group.networks),
        "ipolicy": to_dict(view.ipolicy(group)),
        "tags": list(group.tags),
    }


def _node(node: Node, state: NodeState | None, view: ClusterView) -> Json:
    ndparams = view.filled_ndparams(node)
    found: Json = {
        "tags": list(node.tags),
        "primary_ip": node.primary_ip,
        "secondary_ip": node.secondary_ip,
        # Nothing can be placed on one that does not answer, and nothing is known of it.
        "offline": node.offline or (node.vm_capable and state is None),
        "drained": node.drained,
        "master_candidate": node.master_candidate,
        "group": node.group,
        "master_capable": node.master_capable,
        "vm_capable": node.vm_capable,
        "ndparams": {name: getattr(ndparams, name) for name in ndparams.__struct_fields__},
    }
    if state is not None and node.vm_capable and not node.offline:
        found.update(_dynamic(node, state, view))
    return found


def _dynamic(node: Node, state: NodeState, view: ClusterView) -> Json:
    primaries = view.primary_instances(node.uuid)
    wanted = {one.name: view.filled_beparams(one).maxmem for one in primaries}
    up = [one.name for one in primaries if one.admin_state is AdminState.UP]
    memory, storage = state.memory, state.storage
    # What guests that should run do not use yet is not free.
    kept = sum(max(0, wanted[name] - _used(state, name)) for name in up)
    kept += reserved_memory(view, node.uuid)
    reserved = sum(reserved_space(view, node.uuid).values())
    return {
        "total_memory": 0 if memory is None else memory.memory_total,
        "reserved_memory": 0 if memory is None else memory.memory_dom0,
        "free_memory": 0 if memory is None else memory.memory_free - kept,
        "total_disk": 0 if storage is None else storage.storage_size or 0,
        "free_disk": 0 if storage is None else max(0, (storage.storage_free or 0) - reserved),
        "total_spindles": 0,
        "free_spindles": 0,
        "total_cpus": 0 if memory is None else memory.cpu_total,
        "reserved_cpus": 0 if memory is None else memory.cpu_dom0,
        "i_pri_memory": sum(wanted.values()),
        "i_pri_up_memory": sum(wanted[name] for name in up),
    }


def _used(state: NodeState, name: str) -> int:
    guest = state.guests.get(name)
    return 0 if guest is None else guest.memory


def _instance(instance: Instance, view: ClusterView) -> Json:
    beparams, disks = view.filled_beparams(instance), view.disks_of(instance)
    template = DiskTemplate(view.disk_template(instance))
    more: Json = {"forthcoming": True} if instance.forthcoming else {}
    return {
        **more,
        "tags": list(instance.tags),
        "admin_state": str(instance.admin_state),
        "vcpus": beparams.vcpus,
        "memory": beparams.maxmem,
        "spindle_use": beparams.spindle_use,
        "os": instance.os,
        "nodes": [node.name for node in view.instance_nodes(instance)],
        "nics": [nic_input(nic, view) for nic in instance.nics],
        "disks": [_disk(disk) for disk in disks],
        "disk_template": str(template),
        "disks_active": instance.disks_active,
        "hypervisor": str(instance.hypervisor),
        "disk_space_total": disk_space(template, [disk.size for disk in disks]),
    }


def _disk(disk: Disk) -> Json:
    return {
        "dev_type": str(disk.dev_type),
        "size": disk.size,
        "mode": str(disk.mode),
        "spindles": disk.spindles,
    }
