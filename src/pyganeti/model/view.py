"""The configuration as everybody reads it: one immutable snapshot.

Data flow: store -> :meth:`ClusterView.from_config` -> readers; a :class:`~.change.Change` makes the
next one (:meth:`ClusterView.apply`). A view never changes: readers need no locks and may keep it.
"""

from collections.abc import Hashable, KeysView
from dataclasses import dataclass
from typing import Any

from . import index
from .change import Kind
from .disk import Disk, drbd_id
from .enums import MIXED_TEMPLATES, DiskTemplate, NodeRole
from .errors import ECode, OpPrereqError
from .group import NodeGroup
from .instance import Instance
from .lookup import Lookup
from .names import nice_sort_key
from .nic import Nic
from .node import Node
from .params import be, hv, nd
from .params import nic as nics
from .params.be import BeParams
from .params.disk import fill_diskparams
from .params.ipolicy import FilledIPolicy, fill_ipolicy
from .params.kinds import filled
from .params.nd import NdParams
from .params.nic import NicParams
from .params.state import fill_disk_state, fill_hv_state

_DEFAULT = "default"
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class ClusterView(Lookup):
    """A snapshot, what follows from it, and every parameter with its inheritance."""

    # Relations

    @property
    def master_node(self) -> Node:
        """The node the cluster's settings name as master.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is no such node.
        """
        return self.node(self.cluster.master_node)

    def is_master(self, node: Node) -> bool:
        """Whether ``node`` is the master."""
        return node.uuid == self.cluster.master_node

    def node_role(self, node: Node) -> NodeRole:
        """What lists show as the node's role."""
        if self.is_master(node):
            return NodeRole.MASTER
        if node.master_candidate:
            return NodeRole.CANDIDATE
        if node.drained:
            return NodeRole.DRAINED
        return NodeRole.OFFLINE if node.offline else NodeRole.REGULAR

    def master_candidates(self) -> list[Node]:
        """Nodes that hold the configuration, the master among them, in natural order."""
        return [n for n in self.all_nodes() if n.master_candidate or self.is_master(n)]

    def online_nodes(self) -> list[Node]:
        """Nodes not marked offline, in natural order."""
        return [node for node in self.all_nodes() if not node.offline]

    def nodes_of_group(self, group_uuid: str) -> list[Node]:
        """Members of a node group in natural order."""
        uuids = self._index(index.NODE_GROUP).get(group_uuid, _NONE)
        return sorted((self.nodes[u] for u in uuids), key=lambda n: nice_sort_key(n.name))

    def primary_instance_uuids(self, node_uuid: str) -> frozenset[str]:
        """Instances whose primary node this is."""
        return self._index(index.INSTANCE_PRIMARY).get(node_uuid, _NONE)

    def secondary_instance_uuids(self, node_uuid: str) -> frozenset[str]:
        """Instances that have this node as a secondary."""
        return self._index(index.INSTANCE_SECONDARY).get(node_uuid, _NONE)

    def primary_instances(self, node_uuid: str) -> list[Instance]:
        """Instances whose primary node this is, in natural order."""
        return self.sorted_instances(self.primary_instance_uuids(node_uuid))

    def secondary_instances(self, node_uuid: str) -> list[Instance]:
        """Instances that have this node as a secondary, in natural order."""
        return self.sorted_instances(self.secondary_instance_uuids(node_uuid))

    def instances_of_group(self, group_uuid: str) -> list[Instance]:
        """Instances whose primary node is a member of a node group, in natural order."""
        members = self._index(index.NODE_GROUP).get(group_uuid, _NONE)
        uuids = (uuid for node in members for uuid in self.primary_instance_uuids(node))
        return self.sorted_instances(frozenset(uuids))

    def instances_of_network(self, network_uuid: str) -> list[Instance]:
        """Instances with a NIC in a network, in natural order."""
        return self.sorted_instances(self._index(index.INSTANCE_NETWORK).get(network_uuid, _NONE))

    def sorted_instances(self, uuids: frozenset[str]) -> list[Instance]:
        """The instances with these UUIDs in natural order."""
        return sorted((self.instances[u] for u in uuids), key=lambda i: nice_sort_key(i.name))

    def disks_of(self, instance: Instance) -> list[Disk]:
        """The instance's disks in order.

        Raises:
            OpPrereqError: ``ECode.NOENT``, the configuration has no such disk.
        """
        return [self.disk(uuid) for uuid in instance.disks]

    def disk(self, uuid: str) -> Disk:
        """The disk of this UUID.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is none.
        """
        try:
            return self.disks[uuid]
        except KeyError:
            raise OpPrereqError(f"Disk '{uuid}' not known", ECode.NOENT) from None

    def owner_of_disk(self, disk_uuid: str) -> Instance | None:
        """The instance a disk belongs to; ``None`` when it is detached."""
        owners = self._index(index.INSTANCE_DISK).get(disk_uuid, _NONE)
        return self.instances[next(iter(owners))] if owners else None

    def disk_template(self, instance: Instance) -> str:
        """A :class:`DiskTemplate`, or ``mixed``."""
        disks = self.disks
        found = {disks[uuid].dev_type for uuid in instance.disks if uuid in disks}
        if not found:
            return DiskTemplate.DISKLESS
        return found.pop() if len(found) == 1 else MIXED_TEMPLATES

    def secondary_nodes(self, instance: Instance) -> list[Node]:
        """Nodes other than the primary that hold its disks, in order."""
        return [self.node(uuid) for uuid in self.secondary_node_uuids(instance)]

    def instance_nodes(self, instance: Instance) -> list[Node]:
        """The primary node, then the secondaries."""
        return [self.node(instance.primary_node), *self.secondary_nodes(instance)]

    def group_of(self, node: Node) -> NodeGroup:
        """The node's group.

        Raises:
            OpPrereqError: ``ECode.NOENT``, there is none of that UUID.
        """
        return self.group(node.group)

    # What is taken

    def used_macs(self) -> KeysView[Hashable]:
        """MAC addresses of all NICs, in lower case."""
        return self._index(index.INSTANCE_MAC).keys()

    def used_ips(self) -> KeysView[Hashable]:
        """Addresses of all NICs as ``(network UUID, or link outside of networks, address)``."""
        return self._index(index.INSTANCE_IP).keys()

    def owners_of_ip(self, scope: str, address: str) -> list[Instance]:
        """Instances with this address in a network (UUID) or on a link."""
        return self.sorted_instances(self._index(index.INSTANCE_IP).get((scope, address), _NONE))

    def owners_of_mac(self, mac: str) -> list[Instance]:
        """Instances with this MAC address."""
        return self.sorted_instances(self._index(index.INSTANCE_MAC).get(mac.lower(), _NONE))

    def used_ports(self) -> frozenset[Hashable]:
        """TCP ports of displays and of DRBD devices."""
        displays, drbds = self._index(index.INSTANCE_PORT), self._index(index.DISK_PORT)
        return frozenset(displays.keys() | drbds.keys())

    def volumes_on(self, node_uuid: str) -> frozenset[tuple[str, str]]:
        """Volume group and name of each logical volume that disks have on a node."""
        disks = (self.disks[uuid] for uuid in self._index(index.DISK_NODE).get(node_uuid, _NONE))
        return frozenset(
            (str(volume.logical_id[0]), str(volume.logical_id[1]))
            for disk in disks
            for volume in (disk, *disk.children)
            if volume.dev_type is DiskTemplate.PLAIN
        )

    def used_minors(self, node_uuid: str) -> dict[int, Disk]:
        """DRBD minors taken on a node."""
        result: dict[int, Disk] = {}
        for uuid in self._index(index.DISK_DRBD_NODE).get(node_uuid, _NONE):
            found = drbd_id(self.disks[uuid])
            minor = found.minor_on(node_uuid) if found else None
            if minor is not None:
                result[minor] = self.disks[uuid]
        return result

    # Parameters with their inheritance

    # Any: the values are JSON, each of the type its parameter set declares.

    def filled_hvparams(self, instance: Instance, *, skip_globals: bool = False) -> dict[str, Any]:
        """Built-in, cluster, OS, instance.

        Args:
            instance: whose.
            skip_globals: leave out those that only the cluster can set.
        """
        kind, cluster = instance.hypervisor, self.cluster
        os_level = cluster.os_hvp.get(instance.os, {}).get(kind, {})
        result = hv.fill_hvparams(kind, cluster.hvparams.get(kind, {}), os_level, instance.hvparams)
        if skip_globals:
            for name in hv.CLUSTER_ONLY:
                result.pop(name, None)
        return result

    def filled_beparams(self, instance: Instance) -> BeParams:
        """Built-in, cluster, instance."""
        return be.fill_beparams(self.cluster.beparams.get(_DEFAULT, {}), instance.beparams)

    def filled_nicparams(self, nic: Nic) -> NicParams:
        """Built-in, cluster, NIC."""
        return nics.fill_nicparams(self.cluster.nicparams.get(_DEFAULT, {}), nic.nicparams)

    def filled_ndparams(self, node: Node) -> NdParams:
        """Built-in, cluster, node group, node."""
        group = self.groups.get(node.group)
        above = group.ndparams if group else {}
        return nd.fill_ndparams(self.cluster.ndparams, above, node.ndparams)

    def group_ndparams(self, group: NodeGroup) -> NdParams:
        """Built-in, cluster, node group."""
        return nd.fill_ndparams(self.cluster.ndparams, group.ndparams, {})

    def filled_osparams(self, instance: Instance) -> dict[str, Any]:
        """The cluster's for the OS, then for its variant, then the instance's; public ones."""
        levels = self.cluster.osparams
        base = levels.get(instance.os.partition("+")[0], {})
        return filled(base, levels.get(instance.os, {}), instance.osparams)

    def filled_osparams_private(self, instance: Instance) -> dict[str, Any]:
        """As :meth:`filled_osparams`, the private ones: never to be logged or shown."""
        levels = self.cluster.osparams_private_cluster
        base = levels.get(instance.os.partition("+")[0], {})
        return filled(base, levels.get(instance.os, {}), instance.osparams_private)

    def ipolicy(self, group: NodeGroup) -> FilledIPolicy:
        """Built-in, cluster, node group."""
        return fill_ipolicy(self.cluster.ipolicy, group.ipolicy)

    def diskparams(self, group: NodeGroup) -> dict[DiskTemplate, dict[str, Any]]:
        """Built-in, cluster, node group; by disk template, in template form."""
        return fill_diskparams(self.cluster.diskparams, group.diskparams)

    def hv_state(self, node: Node) -> dict[str, dict[str, object]]:
        """Static hypervisor state: built-in, cluster, node group, node."""
        group = self.groups.get(node.group)
        middle = group.hv_state_static if group else {}
        return fill_hv_state(self.cluster.hv_state_static, middle, node.hv_state_static)

    def disk_state(self, node: Node) -> dict[str, dict[str, dict[str, object]]]:
        """Static disk state: built-in, cluster, node group, node."""
        group = self.groups.get(node.group)
        middle = group.disk_state_static if group else {}
        return fill_disk_state(self.cluster.disk_state_static, middle, node.disk_state_static)

    def objects_named(self, kind: Kind) -> list[str]:
        """Names of all objects of a kind, in natural order."""
        objects = self.objects(kind)
        return [str(getattr(objects[uuid], "name", "")) for uuid in self.order(kind)]
