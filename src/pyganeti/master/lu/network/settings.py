"""What a network is made of, and what can be changed of it. Pure.

Source: gnt-network(8) ADD and MODIFY.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeVar

import msgspec

from pyganeti.master.initial import check_mac_prefix
from pyganeti.model.address_pool import (
    is_reserved_outside,
    is_taken,
    lies_in,
    new_pool,
    with_outside,
)
from pyganeti.model.errors import AddressPoolError, ECode, OpPrereqError
from pyganeti.model.names import check_tags
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.addresses import NONE
from pyganeti.opcodes.network import OpNetworkAdd, OpNetworkSetParams

T = TypeVar("T")

_EMPTY: Final = frozenset({NONE, ""})


def new_network(op: OpNetworkAdd, view: ClusterView) -> tuple[Network, Sequence[str]]:
    """The network that ``op`` asks for, without a UUID, and what is to be said of it.

    Addresses of nodes and of the master are reserved in it, unless that is not wanted.

    Raises:
        OpPrereqError, TagError: a value is not acceptable.
    """
    network = Network(
        uuid="",
        name=op.network_name,
        network=op.network,
        gateway=op.gateway,
        network6=op.network6,
        gateway6=op.gateway6,
        mac_prefix=check_mac_prefix(op.mac_prefix) if op.mac_prefix else None,
        tags=check_tags(op.tags),
    )
    _check_gateway(network)
    _check_gateway6(network)
    try:
        made = new_pool(network)
    except AddressPoolError as err:
        raise OpPrereqError(str(err), ECode.INVAL) from err
    lines = []
    if op.conflicts_check:
        for address, whose in _infrastructure(view):
            if lies_in(made, address) and not is_reserved_outside(made, address):
                made = with_outside(made, [address], ())
                lines.append(f"Reserved the address of {whose}, {address}")
    for address in op.add_reserved_ips or ():
        _check_inside(made, address)
        if is_reserved_outside(made, address):
            raise OpPrereqError(f"address {address} is reserved already", ECode.INVAL)
        made = with_outside(made, [address], ())
    return made, lines


def _infrastructure(view: ClusterView) -> Iterator[tuple[str, str]]:
    """Addresses that no guest may have, and whose they are."""
    for node in view.all_nodes():
        for address in dict.fromkeys((node.primary_ip, node.secondary_ip)):
            yield address, f"node {node.name}"
    yield view.cluster.master_ip, "the master"


def _check_gateway(network: Network) -> None:
    """Refuse a gateway that is no address of a host in the network.

    Raises:
        OpPrereqError: ``ECode.INVAL``.
    """
    if network.gateway is None:
        return
    _check_inside(network, network.gateway)
    part = IPv4Network(network.network)
    if network.gateway in (str(part.network_address), str(part.broadcast_address)):
        text = f"gateway {network.gateway} is the first or the last address of {part}"
        raise OpPrereqError(text, ECode.INVAL)


def _check_gateway6(network: Network) -> None:
    """Refuse an IPv6 gateway that nobody in the network could reach.

    Raises:
        OpPrereqError: ``ECode.INVAL``.
    """
    if network.gateway6 is None or network.network6 is None:
        return
    gateway6 = IPv6Address(network.gateway6)
    if gateway6 not in IPv6Network(network.network6) and not gateway6.is_link_local:
        text = f"IPv6 gateway {gateway6} does not lie in {network.network6}"
        raise OpPrereqError(f"{text}, and is no link-local address", ECode.INVAL)


def _check_inside(network: Network, address: str) -> None:
    if not lies_in(network, address):
        text = f"address {address} does not lie in network {network.network}"
        raise OpPrereqError(text, ECode.INVAL)


def changed_network(
    network: Network, op: OpNetworkSetParams, view: ClusterView
) -> tuple[Network, Sequence[str]]:
    """``network`` with what ``op`` asks for, and what is to be said of it.

    Raises:
        OpPrereqError: a value is not acceptable, or taken.
    """
    reserved = [*(op.add_reserved_ips or ()), *(op.remove_reserved_ips or ())]
    if op.gateway is not None and reserved:
        text = "the gateway and reserved addresses cannot be changed at once"
        raise OpPrereqError(text, ECode.INVAL)
    for address in reserved:
        _check_inside(network, address)
    after = msgspec.structs.replace(
        network,
        network6=_given(op.network6, network.network6),
        gateway6=_given(op.gateway6, network.gateway6),
        mac_prefix=_given(op.mac_prefix, network.mac_prefix),
    )
    # What is not changed is not judged: Ganeti takes more than we do.
    if op.mac_prefix is not None and after.mac_prefix is not None:
        after = msgspec.structs.replace(after, mac_prefix=check_mac_prefix(after.mac_prefix))
    if op.network6 is not None or op.gateway6 is not None:
        _check_gateway6(after)
    after, lines = _with_gateway(after, op, view)
    for address in op.add_reserved_ips or ():
        lines += _reserving(after, address, view)
        after = with_outside(after, [address], ())
    for address in op.remove_reserved_ips or ():
        if address == after.gateway:
            lines.append(f"Warning: {address} is the gateway's address, it stays reserved")
            continue
        if not is_reserved_outside(after, address):
            lines.append(f"Warning: {address} was not reserved")
        after = with_outside(after, (), [address])
    return after, lines


def _given(value: str | None, before: str | None) -> str | None:
    """A new value, the one of before, or none."""
    if value is None:
        return before
    return None if value in _EMPTY else value


def _with_gateway(
    network: Network, op: OpNetworkSetParams, view: ClusterView
) -> tuple[Network, list[str]]:
    """The network with another gateway, whose address is reserved in place of the old one's.

    Raises:
        OpPrereqError: ``ECode.STATE``, the address has another use; ``ECode.INVAL``, it lies
            outside.
    """
    gateway = _given(op.gateway, network.gateway)
    if gateway == network.gateway:
        known = op.gateway is not None
        return network, [f"Warning: the gateway is {gateway or NONE} already"] if known else []
    if gateway is not None:
        _check_gateway(msgspec.structs.replace(network, gateway=gateway))
        if is_taken(network, gateway):
            users = ", ".join(one.name for one in view.owners_of_ip(network.uuid, gateway))
            raise OpPrereqError(f"{gateway} is the address of instance {users}", ECode.STATE)
        if is_reserved_outside(network, gateway):
            raise OpPrereqError(f"address {gateway} is reserved, release it first", ECode.STATE)
    released = [network.gateway] if network.gateway else []
    after = with_outside(network, [gateway] if gateway else [], released)
    return msgspec.structs.replace(after, gateway=gateway), []


def _reserving(network: Network, address: str, view: ClusterView) -> Iterator[str]:
    if is_reserved_outside(network, address):
        yield f"Warning: {address} is reserved already"
    for instance in view.owners_of_ip(network.uuid, address):
        text = f"instance {instance.name} has {address} and keeps it"
        yield f"Warning: {text}; it is reserved once the instance has not"
