"""Which addresses of a network are taken. Pure.

A network keeps one character an address in each of two maps: ``reservations`` for the NICs of
instances, ``ext_reservations`` for what is taken outside of them (the gateway, what administrators
reserved). Source: gnt-network(8).
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import msgspec

from .errors import AddressPoolError
from .network import Network

SHORTEST_PREFIX: Final = 16
LONGEST_PREFIX: Final = 30
_TAKEN: Final = "1"
# A network of two addresses, as between two routers, has none to spare.
_POINT_TO_POINT: Final = 2


def lies_in(network: Network, address: str) -> bool:
    """Whether ``address`` belongs to the network, to its IPv4 or its IPv6 part."""
    parsed = ip_address(address)
    parts = (network.network, network.network6)
    return any(_contains(ip_network(part), parsed) for part in parts if part)


def _contains(part: IPv4Network | IPv6Network, address: IPv4Address | IPv6Address) -> bool:
    return part.version == address.version and address in part


def is_reserved_outside(network: Network, address: str) -> bool:
    """Whether ``address`` is taken by something that is no instance."""
    offset = _offset(network, address)
    return offset is not None and _bits(network, network.ext_reservations)[offset] == _TAKEN


def is_taken(network: Network, address: str) -> bool:
    """Whether an instance has ``address``."""
    offset = _offset(network, address)
    return offset is not None and _bits(network, network.reservations)[offset] == _TAKEN


def new_pool(network: Network) -> Network:
    """``network`` with a pool of which its own, its broadcast and the gateway's address are taken.

    Raises:
        AddressPoolError: it is too small or too large for a pool.
    """
    part = IPv4Network(network.network)
    if not LONGEST_PREFIX >= part.prefixlen >= SHORTEST_PREFIX:
        text = f"network {network.network} has {part.num_addresses} addresses"
        limits = f"from a /{SHORTEST_PREFIX} to a /{LONGEST_PREFIX} network"
        raise AddressPoolError(f"{text}, expected {limits}")
    own = [str(part.network_address), str(part.broadcast_address)]
    free = "0" * part.num_addresses
    empty = msgspec.structs.replace(network, reservations=free, ext_reservations=free)
    return with_outside(empty, [*own, *([network.gateway] if network.gateway else [])], ())


def with_outside(network: Network, taken: Iterable[str], released: Iterable[str]) -> Network:
    """The network with other addresses taken by what is no instance.

    Raises:
        AddressPoolError: an address lies outside.
    """
    bits = bytearray(_bits(network, network.ext_reservations), "ascii")
    for addresses, bit in ((released, "0"), (taken, _TAKEN)):
        for address in addresses:
            offset = _offset(network, address)
            if offset is None:
                raise AddressPoolError(f"{address} does not lie in network {network.network}")
            bits[offset] = ord(bit)
    return msgspec.structs.replace(network, ext_reservations=bits.decode("ascii"))


def with_addresses(
    network: Network, released: Iterable[str], taken: Iterable[str], wanted: int
) -> tuple[Network, Sequence[str]]:
    """The network with other addresses taken, and ``wanted`` free ones, which are taken then too.

    Args:
        network: as it is.
        released: addresses that are not used any more.
        taken: addresses that are used from now on.
        wanted: how many of its choice.

    Raises:
        AddressPoolError: it has not so many left.
    """
    bits = bytearray(_bits(network, network.reservations), "ascii")
    for addresses, bit in ((released, "0"), (taken, _TAKEN)):
        for address in addresses:
            offset = _offset(network, address)
            if offset is not None:
                bits[offset] = ord(bit)
    outside = _bits(network, network.ext_reservations)
    free = (i for i in _usable(network) if bits[i] != ord(_TAKEN) and outside[i] != _TAKEN)
    first = IPv4Network(network.network).network_address
    chosen = []
    for offset in _first(free, wanted, network):
        bits[offset] = ord(_TAKEN)
        chosen.append(str(first + offset))
    text = bits.decode("ascii")
    if _TAKEN not in text and not network.reservations:
        return network, chosen
    return msgspec.structs.replace(network, reservations=text), chosen


def _usable(network: Network) -> range:
    """Places of addresses that a NIC may have: not those of the network itself and of all in it."""
    count = IPv4Network(network.network).num_addresses
    return range(count) if count <= _POINT_TO_POINT else range(1, count - 1)


def _first(free: Iterable[int], wanted: int, network: Network) -> list[int]:
    found: list[int] = []
    for offset in free:
        if len(found) == wanted:
            break
        found.append(offset)
    if len(found) < wanted:
        raise AddressPoolError(f"network {network.name} has no free address left")
    return found


def _bits(network: Network, pool: str | None) -> str:
    return (pool or "").ljust(IPv4Network(network.network).num_addresses, "0")


def _offset(network: Network, address: str) -> int | None:
    """Place of an IPv4 address in the maps; ``None`` for one that lies outside."""
    parsed, part = ip_address(address), IPv4Network(network.network)
    if not isinstance(parsed, IPv4Address) or parsed not in part:
        return None
    return int(parsed) - int(part.network_address)
