"""What connecting and disconnecting a network have in common. Pure."""

from collections.abc import Callable

from pyganeti.master.lu.base import HookContext
from pyganeti.master.network_env import network_env
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.network import Network
from pyganeti.model.nic import Nic
from pyganeti.model.params.kinds import Values
from pyganeti.model.view import ClusterView


def connection_hooks(
    network: Network, group: NodeGroup, params: Values, view: ClusterView
) -> HookContext:
    """On the members of the group."""
    env = {
        "GROUP_NAME": group.name,
        "GROUP_NETWORK_MODE": str(params.get("mode", "")),
        "GROUP_NETWORK_LINK": str(params.get("link", "")),
        "GROUP_NETWORK_VLAN": str(params.get("vlan", "")),
        **network_env(network),
    }
    nodes = tuple(node.uuid for node in view.nodes_of_group(group.uuid))
    return HookContext("NETWORK", network.name, env, pre=nodes, post=nodes)


def check_nics(
    group: NodeGroup, view: ClusterView, is_in_the_way: Callable[[Nic], bool], why: str
) -> None:
    """Refuse, for the sake of NICs of instances in the group.

    Args:
        group: whose instances are looked at.
        view: the newest configuration.
        is_in_the_way: whether a NIC is.
        why: what is wrong with them, for the message.

    Raises:
        OpPrereqError: ``ECode.STATE``; names instances, NICs and addresses.
    """
    found = [
        f"{instance.name} nic/{index} ({nic.ip or 'no address'})"
        for instance in view.instances_of_group(group.uuid)
        for index, nic in enumerate(instance.nics)
        if is_in_the_way(nic)
    ]
    if found:
        raise OpPrereqError(f"{why}: {', '.join(found)}", ECode.STATE)
