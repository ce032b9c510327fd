"""Instances' communication with their nodes, as opcodes ask for it. Pure.

Source: gnt-cluster(8) MODIFY, gnt-instance(8) ADD and MODIFY; design page 0016.
"""

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.naming import check_new_name
from pyganeti.model import communication
from pyganeti.model.change import Change, Kind
from pyganeti.model.communication import CONNECTION, is_communication, nic_name
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.instance import Instance
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceSetParams


def check_network(name: str | None, view: ClusterView) -> None:
    """Refuse a network that cannot be made, or in which instances could not communicate.

    Raises:
        OpPrereqError: its name is not acceptable, or it has other addresses.
    """
    if not name:
        return
    network = view.find_network(name)
    if network is None:
        check_new_name(Kind.NETWORK, name, view)
    elif network.name != name:
        raise OpPrereqError(f"name the network {network.name}, not by its UUID", ECode.INVAL)
    elif not communication.is_fit(network):
        wanted = f"{communication.NETWORK4} without a gateway"
        text = f"network {name} has {network.network}, communication needs {wanted}"
        raise OpPrereqError(text, ECode.STATE)


def enabled(view: ClusterView, name: str, ids: Ids) -> Change:
    """Make the network ``name`` if there is none, and connect it to all node groups."""
    network = view.find_network(name)
    made: tuple[Network, ...] = ()
    if network is None:
        network = msgspec.structs.replace(communication.new_network(name), uuid=ids.uuid())
        made = (network,)
    uuid = network.uuid
    groups = (_connected(group, uuid) for group in view.all_groups() if uuid not in group.networks)
    return Change(puts=(*made, *groups))


def with_communication(group: NodeGroup, view: ClusterView) -> NodeGroup:
    """A new node group, connected to the cluster's network for communication if it has one."""
    network = view.find_network(view.cluster.instance_communication_network or "")
    return group if network is None else _connected(group, network.uuid)


def _connected(group: NodeGroup, network: str) -> NodeGroup:
    return msgspec.structs.replace(group, networks={**group.networks, network: CONNECTION})


def with_nic(op: OpInstanceCreate, view: ClusterView) -> OpInstanceCreate:
    """``op`` with the communication NIC that it asks for; one that it names itself is kept.

    Raises:
        OpPrereqError: the cluster has no network for communication.
    """
    if not op.instance_communication:
        return op
    name = nic_name(op.instance_name)
    nics = op.nics or ()
    if any(nic.get("name") == name for nic in nics):
        return op
    return msgspec.structs.replace(op, nics=(*nics, _request(op.instance_name, view)))


def with_nic_change(
    op: OpInstanceSetParams, instance: Instance, view: ClusterView
) -> OpInstanceSetParams:
    """``op`` with the change of NICs that it needs to switch communication on or off.

    Raises:
        OpPrereqError: the cluster has no network for communication.
    """
    mine = [nic for nic in instance.nics if is_communication(nic.name)]
    changes: list[tuple[object, ...]] = []
    if op.instance_communication is False:
        changes = [("remove", nic.uuid, {}) for nic in mine]
    elif op.instance_communication and not mine:
        changes = [("add", -1, _request(instance.name, view))]
    return msgspec.structs.replace(op, nics=(*op.nics, *changes))


def _request(instance: str, view: ClusterView) -> dict[str, object]:
    network = view.cluster.instance_communication_network
    if not network:
        text = "instances cannot communicate, the cluster has no network for it: choose one with"
        raise OpPrereqError(
            f"{text} gnt-cluster modify --instance-communication-network", ECode.STATE
        )
    return {"name": nic_name(instance), "mac": "generate", "ip": "pool", "network": network}
