"""Whether a node may get another secondary address: what ``gnt-node modify -s`` refuses.

Source: gnt-node(8) MODIFY. The cluster is single-homed as long as its master is.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address

from pyganeti.master.instances.guests import guest_info
from pyganeti.master.nodes import NODED_PORT, NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.node import NodeHasIpAddressCall, NodeVerifyCall


def check_address(text: str) -> str:
    """A secondary address.

    Raises:
        OpPrereqError: it is none of IPv4, as secondary ones are.
    """
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    if not isinstance(address, IPv4Address):
        raise OpPrereqError(f"secondary ip {text!r} is not an IPv4 address", ECode.INVAL)
    return str(address)


def users_of_secondary_ip(view: ClusterView, node: Node) -> list[Instance]:
    """Instances whose mirrors connect over the node's secondary address."""
    there = (*view.primary_instances(node.uuid), *view.secondary_instances(node.uuid))
    return [
        instance
        for instance in there
        if any(disk.dev_type in INTERNALLY_MIRRORED for disk in view.disks_of(instance))
    ]


async def check_change(
    view: ClusterView, nodes: NodeReader, node: Node, address: str, *, force: bool
) -> list[str]:
    """Refuse what would cut mirrors or mix kinds of networks; what the user must know else.

    Raises:
        OpPrereqError: says why.
    """
    _check_free(view, node, address)
    notes = _check_homing(view, node, address, force=force)
    users = users_of_secondary_ip(view, node)
    if node.offline:
        if users:
            text = f"node {node.name} is offline and instances replicate over its address"
            raise OpPrereqError(f"{text}: {_names(users)}", ECode.STATE)
        return notes
    for instance in users:
        await _check_down(view, nodes, instance)
    await _check_reachable(view, nodes, node, address)
    return notes


def _names(instances: Sequence[Instance]) -> str:
    return ", ".join(instance.name for instance in instances)


def _check_free(view: ClusterView, node: Node, address: str) -> None:
    for other in view.nodes.values():
        if other.uuid != node.uuid and address in (other.primary_ip, other.secondary_ip):
            text = f"address {address} belongs to node {other.name}"
            raise OpPrereqError(text, ECode.NOTUNIQUE)
    if address == view.cluster.master_ip:
        raise OpPrereqError(f"address {address} belongs to the cluster itself", ECode.NOTUNIQUE)


def _check_homing(view: ClusterView, node: Node, address: str, *, force: bool) -> list[str]:
    """All nodes of a cluster have a secondary address of their own, or none has."""
    master = view.master_node
    was_single = master.primary_ip == master.secondary_ip
    if was_single == (address == node.primary_ip):
        return []
    if not (force and view.is_master(node)):
        kind = "single-homed" if was_single else "multi-homed"
        text = f"the cluster is {kind}: to change that, begin with the master and --force"
        raise OpPrereqError(text, ECode.INVAL)
    if was_single:
        return ["the cluster becomes multi-homed: give all other nodes a secondary address, too"]
    return ["the cluster becomes single-homed: take the secondary addresses of other nodes away"]


async def _check_down(view: ClusterView, nodes: NodeReader, instance: Instance) -> None:
    text = f"instance {instance.name} replicates over the address"
    if instance.admin_state is AdminState.UP:
        raise OpPrereqError(f"{text} and is marked to be up: shut it down", ECode.STATE)
    if instance.disks_active:
        raise OpPrereqError(f"{text} and its disks are active: deactivate them", ECode.STATE)
    if view.node(instance.primary_node).offline:
        return
    if await guest_info(nodes, view, instance) is not None:
        raise OpPrereqError(f"{text} and is running: shut it down", ECode.STATE)


async def _check_reachable(view: ClusterView, nodes: NodeReader, node: Node, address: str) -> None:
    if not await nodes.call(node.uuid, NodeHasIpAddressCall(address=address)):
        text = f"node {node.name} does not have the address {address}"
        raise OpPrereqError(text, ECode.ENVIRON)
    if view.is_master(node):
        return
    call = NodeVerifyCall(
        cluster_name=view.cluster.cluster_name, reach={node.name: (address, NODED_PORT)}
    )
    found = await nodes.call(view.cluster.master_node, call)
    if found.unreachable:
        why = "; ".join(found.unreachable.values())
        raise OpPrereqError(f"the master does not reach {address}: {why}", ECode.ENVIRON)
