"""What a simulated cluster stands on: its nodes, and its configuration before a master starts.

Used by :class:`~pyganeti.testing.cluster.SimCluster`, whose first master begins with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pyganeti.kit.clock import LoopClock
from pyganeti.kit.ids import SeededIds
from pyganeti.kit.paths import Paths
from pyganeti.model.change import Change
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.testing.beginning import (
    GROUP,
    START,
    first_view,
    pool_network,
    stopped_instance,
)
from pyganeti.testing.certificates import AUTHORITY_KEY, certify
from pyganeti.testing.copies import Copies, WatchedRecords
from pyganeti.testing.directories import directory_of
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.testing.nodes import SimNode
from pyganeti.testing.providers import Array


class Foundation:
    """Machines, what they share, and the first configuration.

    Args:
        nodes: how many nodes; ``node1`` is the master, all are candidates.
        seed: of all identifiers.
        options: further settings as for ``gnt-cluster init``.

    Attributes:
        nodes: simulated nodes by name.
        hosts: host names that resolve, nodes included, with their addresses.
        replication: what DRBD devices connect over.
        shared: files that all nodes see.
        array: volumes of external storage that all nodes see.
        copies: which nodes run a guest; knows if two ever did at once.
    """

    # Any: values of many types.
    def __init__(self, nodes: int, *, seed: int, options: Mapping[str, Any]) -> None:
        # Tests need not close a cluster: its files go when it does.
        self._directory = directory_of(self, "sim-")
        self.ids = SeededIds(seed)
        self.clock = LoopClock(START)
        self.hosts: dict[str, str] = {}
        self.shared = FakeDriver(storage_type="sharedfile")
        self.replication = DrbdNetwork(self.clock)
        self.array = Array()
        self.copies = Copies()
        self.nodes: dict[str, SimNode] = {}
        self._initial = first_view(nodes, options, self.ids)
        for node in self._initial.all_nodes():
            self._make_sim_node(node.name, node.uuid, node.primary_ip)
        self._trust_candidates()
        # What another master gets from the distributor, the first one has made itself.
        self.nodes[self._initial.master_node.name].put_file(Paths().ca_key, AUTHORITY_KEY)

    def _make_sim_node(self, name: str, uuid: str, address: str) -> SimNode:
        root = f"{self._directory}/{name}"
        seen = (self.shared, self.replication, self.array)
        node = SimNode(name, uuid, root, self.clock, self._reach, *seen)
        node.guests = WatchedRecords(name, self.copies)
        node.others = self.nodes
        self.nodes[name] = node
        self.hosts[name] = address
        return node

    async def _reach(self, address: str, port: int) -> str | None:
        """Whether a node at ``address`` answers; nothing else here has an address."""
        names = [name for name, other in self.hosts.items() if other == address]
        if any(self.nodes[name].reachable for name in names if name in self.nodes):
            return None
        return f"{address} port {port}: connection refused"

    def _trust_candidates(self) -> None:
        candidates = self._initial.master_candidates()
        certs = {node.uuid: self.nodes[node.name].digest for node in candidates}
        cluster = msgspec.structs.replace(self._initial.cluster, candidate_certs=certs)
        self._initial = self._initial.apply(Change(puts=(cluster,)))

    def prepare_node(self, name: str, address: str = "192.0.2.99") -> SimNode:
        """A machine whose daemon runs with certificates of this cluster; not a member yet."""
        return self._make_sim_node(name, self.ids.uuid(), address)

    def set_node(self, name: str, **fields: object) -> None:
        """Change the record of a node: ``offline=True``."""
        node = msgspec.structs.replace(self._initial.node(name), **fields)
        self._initial = self._initial.apply(Change(puts=(node,)))
        self._trust_candidates()

    def certify(self) -> None:
        """Give the nodes certificates that hold, and the master the key that signs them."""
        certify(self.nodes.values(), self.nodes["node1"])
        self._trust_candidates()

    def add_group(self, name: str, **fields: object) -> str:
        """Put a node group into the configuration, as the first one but for ``fields``."""
        uuid = self.ids.uuid()
        first = self._initial.group(GROUP)
        group = msgspec.structs.replace(first, name=name, uuid=uuid, **fields)
        self._initial = self._initial.apply(Change(puts=(group,)))
        return uuid

    def add_instance(
        self,
        name: str,
        *,
        admin_state: AdminState = AdminState.DOWN,
        node: str = "node1",
        disks: Sequence[int] = (1024,),
        shared: bool = False,
    ) -> None:
        """Put an instance with file disks (MiB) into the configuration and on its node."""
        primary = self._initial.node(node).uuid
        template = DiskTemplate.SHAREDFILE if shared else DiskTemplate.FILE
        instance, made = stopped_instance(
            name, primary, disks, self.ids, admin_state=admin_state, template=template
        )
        books = self.shared if shared else self.nodes[node].disks
        self._initial = self._initial.apply(Change(puts=(instance, *made)))
        for disk in made:
            place = str(disk.logical_id[1])
            books.disks[place] = (disk.size, disk.uuid)
            books.directories.add(place.rpartition("/")[0])

    def add_network(
        self, name: str, subnet: str, *, link: str | None = "br0", **fields: Any
    ) -> None:  # Any: fields of the network
        """Put a network into the configuration, connected to the node group by a bridge."""
        network = pool_network(name, subnet, self.ids, **fields)
        self._initial = self._initial.apply(Change(puts=(network,)))
        if link is None:
            return
        (group,) = self._initial.groups.values()
        params = {"mode": "bridged", "link": link, "vlan": ""}
        group = msgspec.structs.replace(group, networks={**group.networks, network.uuid: params})
        self._initial = self._initial.apply(Change(puts=(group,)))
