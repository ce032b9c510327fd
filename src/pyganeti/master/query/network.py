"""Fields of networks."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Final

from pyganeti.model.names import nice_sort_key
from pyganeti.model.network import Network
from pyganeti.model.view import ClusterView

from .fields import Compare, Field, FieldKind, Need, or_unavail, table
from .objects import object_fields, tags_field
from .sources import Sources

NetworkField = Field[Network, ClusterView]
_NUMBER, _OTHER, _TEXT = FieldKind.NUMBER, FieldKind.OTHER, FieldKind.TEXT

TAKEN: Final = "X"
FREE: Final = "."


def _pool(network: Network) -> str:
    """One character an address, ``1`` for one that is taken, inside the cluster or outside."""
    size = IPv4Network(network.network).num_addresses
    own = (network.reservations or "").ljust(size, "0")
    outside = (network.ext_reservations or "").ljust(size, "0")
    return "".join("1" if "1" in pair else "0" for pair in zip(own, outside, strict=False))


def _map(network: Network, _view: ClusterView) -> str:
    return _pool(network).replace("1", TAKEN).replace("0", FREE)


def _external(network: Network, _view: ClusterView) -> str:
    first = IPv4Network(network.network).network_address
    bits = network.ext_reservations or ""
    return ", ".join(str(first + offset) for offset, bit in enumerate(bits) if bit == "1")


def _connections(network: Network, view: ClusterView) -> list[list[object]]:
    """``[group, mode, link, vlan]`` for each connected group."""
    found = []
    for group in view.groups.values():
        params = group.networks.get(network.uuid)
        if params is not None:
            found.append([group.name, *(params.get(key, "") for key in ("mode", "link", "vlan"))])
    return sorted(found, key=lambda row: nice_sort_key(str(row[0])))


_CONFIG: Final[Sequence[NetworkField]] = [
    Field("name", "Network", _TEXT, "Name", lambda n, _: n.name),
    Field("network", "Subnet", _TEXT, "IPv4 network", lambda n, _: n.network),
    Field("gateway", "Gateway", _OTHER, "IPv4 gateway", lambda n, _: or_unavail(n.gateway)),
    Field("network6", "IPv6Subnet", _OTHER, "IPv6 network", lambda n, _: or_unavail(n.network6)),
    Field("gateway6", "IPv6Gateway", _OTHER, "IPv6 gateway", lambda n, _: or_unavail(n.gateway6)),
    Field(
        "mac_prefix",
        "MacPrefix",
        _OTHER,
        "Beginning of MAC addresses",
        lambda n, _: or_unavail(n.mac_prefix),
    ),
]

_ADDRESSES: Final[Sequence[NetworkField]] = [
    Field("free_count", "FreeCount", _NUMBER, "Free addresses", lambda n, _: _pool(n).count("0")),
    Field(
        "reserved_count",
        "ReservedCount",
        _NUMBER,
        "Taken addresses",
        lambda n, _: _pool(n).count("1"),
    ),
    Field("map", "Map", _TEXT, "Addresses in order: X taken, . free", _map),
    Field(
        "external_reservations",
        "ExternalReservations",
        _TEXT,
        "Addresses taken outside the cluster",
        _external,
    ),
]

_RELATED: Final[Sequence[NetworkField]] = [
    Field(
        "group_cnt",
        "NodeGroups",
        _NUMBER,
        "Number of connected groups",
        lambda n, view: len(_connections(n, view)),
    ),
    Field(
        "group_list",
        "GroupList",
        _OTHER,
        "Connected groups, each with mode, link and vlan",
        _connections,
    ),
    Field(
        "inst_cnt",
        "Instances",
        _NUMBER,
        "Number of instances in it",
        lambda n, view: len(view.instances_of_network(n.uuid)),
    ),
    Field(
        "inst_list",
        "InstanceList",
        _OTHER,
        "Names of instances in it",
        lambda n, view: [instance.name for instance in view.instances_of_network(n.uuid)],
        compare=Compare.HOSTNAME,
    ),
]


_FIELDS: Final[Sequence[NetworkField]] = [
    *_CONFIG,
    *_ADDRESSES,
    *_RELATED,
    *object_fields("network", Network),
    tags_field("network", Network),
]


class NetworkResource:
    """Queries of networks."""

    name_field = "name"
    fields = table(_FIELDS)

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[Network]:
        """See :class:`~.engine.Resource`."""
        view = sources.view
        if names is None:
            return view.all_networks()
        return [view.network(str(name)) for name in names]

    async def context(
        self, sources: Sources, items: list[Network], needs: frozenset[Need]
    ) -> ClusterView:
        """See :class:`~.engine.Resource`."""
        return sources.view


NETWORKS: Final = NetworkResource()
