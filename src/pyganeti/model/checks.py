"""Does the configuration contradict itself?

Run at load, after every change in debug mode, and by ``gnt-cluster verify``. Each finding is one
line that names the object. Nothing here raises or asks a node.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_address

from .address_pool import LONGEST_PREFIX, SHORTEST_PREFIX
from .disk import Disk, drbd_id, typed_id
from .enums import DiskTemplate
from .errors import ConfigurationError, GenericError
from .instance import Instance
from .node import Node
from .params import be, hv, nd, nic
from .params.ipolicy import check_complete_ipolicy, fill_ipolicy
from .params.kinds import stored_errors
from .view import ClusterView


def verify_config(view: ClusterView) -> list[str]:
    """All contradictions found; empty when there are none."""
    return [
        *_cluster(view),
        *_unique_names(view),
        *_nodes(view),
        *_groups(view),
        *_instances(view),
        *_disks(view),
        *_ports(view),
        *_minors(view),
        *_addresses(view),
        *_networks(view),
    ]


def _cluster(view: ClusterView) -> Iterator[str]:
    cluster = view.cluster
    master = view.nodes.get(cluster.master_node)
    if master is None:
        yield f"cluster: master node {cluster.master_node} does not exist"
    elif master.offline or master.drained or not master.master_capable:
        yield f"node {master.name}: is the master, but offline, drained or not master capable"
    if not cluster.enabled_hypervisors:
        yield "cluster: no hypervisor is enabled"
    if not cluster.enabled_disk_templates:
        yield "cluster: no disk template is enabled"
    for kind in cluster.enabled_hypervisors:
        for error in stored_errors(hv.SETS[kind], cluster.hvparams.get(kind, {})):
            yield f"cluster: {error}"
    defaults = (
        (be.BE, cluster.beparams.get("default", {})),
        (nic.NIC, cluster.nicparams.get("default", {})),
        (nd.ND, cluster.ndparams),
    )
    for params, values in defaults:
        for error in stored_errors(params, values):
            yield f"cluster: {error}"
    try:
        check_complete_ipolicy(fill_ipolicy(cluster.ipolicy, {}))
    except GenericError as err:
        yield f"cluster: {err}"


def _twice(items: Iterable[str]) -> list[str]:
    return sorted(item for item, count in Counter(items).items() if count > 1)


def _unique_names(view: ClusterView) -> Iterator[str]:
    named: dict[str, Iterable[str]] = {
        "node": (node.name for node in view.nodes.values()),
        "node group": (group.name for group in view.groups.values()),
        "instance": (i.name for i in view.instances.values() if i.name),
        "network": (network.name for network in view.networks.values()),
    }
    for what, names in named.items():
        for name in _twice(names):
            yield f"{what} {name}: two have this name"
    every = (
        *view.nodes, *view.groups, *view.instances, *view.disks, *view.networks, *view.filters
    )  # fmt: skip
    for uuid in _twice(every):
        yield f"UUID {uuid}: two objects have it"


def _nodes(view: ClusterView) -> Iterator[str]:
    for address in _twice(node.primary_ip for node in view.nodes.values()):
        yield f"IP address {address}: primary address of two nodes"
    for uuid, node in view.nodes.items():
        yield from _node(view, uuid, node)


def _node(view: ClusterView, uuid: str, node: Node) -> Iterator[str]:
    if uuid != node.uuid:
        yield f"node {node.name}: stands under UUID {uuid}, but has {node.uuid}"
    if node.group not in view.groups:
        yield f"node {node.name}: its group {node.group} does not exist"
    flags = [f for f in ("master_candidate", "drained", "offline") if getattr(node, f)]
    if len(flags) > 1:
        yield f"node {node.name}: is {' and '.join(flags)} at once"
    if node.master_candidate and not node.master_capable:
        yield f"node {node.name}: is a master candidate, but not master capable"
    for error in stored_errors(nd.ND, node.ndparams):
        yield f"node {node.name}: {error}"


def _groups(view: ClusterView) -> Iterator[str]:
    if not view.groups:
        yield "cluster: there is no node group"
    for uuid, group in view.groups.items():
        if uuid != group.uuid:
            yield f"node group {group.name}: stands under UUID {uuid}, but has {group.uuid}"
        for network, params in group.networks.items():
            if network not in view.networks:
                yield f"node group {group.name}: connected network {network} does not exist"
            for error in stored_errors(nic.NIC, params):
                yield f"node group {group.name}: connection to network {network}: {error}"
        for error in stored_errors(nd.ND, group.ndparams):
            yield f"node group {group.name}: {error}"
        try:
            check_complete_ipolicy(view.ipolicy(group), for_group=True)
        except GenericError as err:
            yield f"node group {group.name}: {err}"


def _instances(view: ClusterView) -> Iterator[str]:
    for uuid, instance in view.instances.items():
        where = f"instance {instance.name or uuid}"
        if uuid != instance.uuid:
            yield f"{where}: stands under UUID {uuid}, but has {instance.uuid}"
        for error in _instance(view, instance):
            yield f"{where}: {error}"


def _instance(view: ClusterView, instance: Instance) -> Iterator[str]:
    if instance.primary_node not in view.nodes and not instance.forthcoming:
        yield f"its primary node {instance.primary_node} does not exist"
    for uuid in instance.disks:
        if uuid not in view.disks:
            yield f"its disk {uuid} does not exist"
    if instance.hypervisor not in view.cluster.enabled_hypervisors:
        yield f"hypervisor {instance.hypervisor} is not enabled"
    yield from stored_errors(hv.SETS[instance.hypervisor], instance.hvparams)
    yield from stored_errors(be.BE, instance.beparams)
    for number, each in enumerate(instance.nics):
        if each.network is not None and each.network not in view.networks:
            yield f"network {each.network} of nic/{number} does not exist"
        for error in stored_errors(nic.NIC, each.nicparams):
            yield f"nic/{number}: {error}"


def _disks(view: ClusterView) -> Iterator[str]:
    for uuid in _twice(u for instance in view.instances.values() for u in instance.disks):
        yield f"disk {uuid}: belongs to two instances"
    for uuid, disk in view.disks.items():
        if uuid != disk.uuid:
            yield f"disk {disk.uuid}: stands under UUID {uuid}"
        for error in _disk(view, disk):
            yield f"disk {uuid}: {error}"


def _disk(view: ClusterView, disk: Disk) -> Iterator[str]:
    for node in disk.nodes:
        if node not in view.nodes:
            yield f"its node {node} does not exist"
    if disk.forthcoming:
        return
    try:
        typed_id(disk)
    except ConfigurationError as err:
        yield str(err)
    if disk.dev_type is DiskTemplate.DRBD and len(disk.children) not in (0, 2):
        yield f"has {len(disk.children)} children, DRBD has a data and a metadata volume"


def _ports(view: ClusterView) -> Iterator[str]:
    ports = [str(i.network_port) for i in view.instances.values() if i.network_port]
    for disk in view.disks.values():
        found = _drbd(disk)
        ports += [str(found[2])] if found else []
    for port in _twice(ports):
        yield f"port {port}: in use twice"
    pool = {str(port) for port in view.cluster.tcpudp_port_pool}
    for port in sorted(pool & set(ports)):
        yield f"port {port}: in use, but in the pool of free ports"
    highest = view.cluster.highest_used_port
    for number in sorted({int(port) for port in ports if int(port) > highest}):
        yield f"port {number}: above the highest used port, {highest}"


def _drbd(disk: Disk) -> tuple[str, str, int, int, int, str] | None:
    try:
        return drbd_id(disk)
    except ConfigurationError:
        return None  # named by _disks


def _minors(view: ClusterView) -> Iterator[str]:
    taken = []
    for disk in view.disks.values():
        found = _drbd(disk)
        if found:
            node_a, node_b, _, minor_a, minor_b, _ = found
            taken += [f"{minor_a} on node {node_a}", f"{minor_b} on node {node_b}"]
    for minor in _twice(taken):
        yield f"DRBD minor {minor}: in use twice"


def _addresses(view: ClusterView) -> Iterator[str]:
    nics = [each for instance in view.instances.values() for each in instance.nics]
    for mac in _twice(each.mac.lower() for each in nics):
        yield f"MAC address {mac}: in use twice"
    scoped = (f"{each.ip} on {each.network or view.link_of(each)}" for each in nics if each.ip)
    for address in _twice(scoped):
        yield f"IP address {address}: in use twice"


def _networks(view: ClusterView) -> Iterator[str]:
    for uuid, network in view.networks.items():
        where = f"network {network.name}"
        if uuid != network.uuid:
            yield f"{where}: stands under UUID {uuid}, but has {network.uuid}"
        try:
            parsed = IPv4Network(network.network)
            if not SHORTEST_PREFIX <= parsed.prefixlen <= LONGEST_PREFIX:
                yield f"{where}: {parsed} is no /{SHORTEST_PREFIX} to /{LONGEST_PREFIX} network"
            if network.gateway and ip_address(network.gateway) not in parsed:
                yield f"{where}: gateway {network.gateway} lies outside of {network.network}"
        except ValueError as err:
            yield f"{where}: {err}"
            continue
        for pool in (network.reservations, network.ext_reservations):
            if pool is not None and len(pool) != parsed.num_addresses:
                yield f"{where}: {len(pool)} reservations for {parsed.num_addresses} addresses"
