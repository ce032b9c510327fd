"""``gnt-network info``: a query, printed as YAML. Source: gnt-network(8) INFO."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = (
    "name",
    "uuid",
    "serial_no",
    "network",
    "gateway",
    "network6",
    "gateway6",
    "mac_prefix",
    "free_count",
    "reserved_count",
    "map",
    "group_list",
    "inst_list",
    "external_reservations",
)
# Addresses a line of the usage map.
_MAP_WIDTH: Final = 64
# A network by the names above; what it has not is null.
Network = dict[str, Any]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the named networks, or all."""
    fields = list(_FIELDS)
    qfilter = ["|", *(["==", "name", name] for name in args)] if args else None
    rows = ctx.query_client.query("network", fields, qfilter)["data"]
    networks = [dict(zip(fields, (value for _, value in row), strict=True)) for row in rows]
    if opts.format != "table":
        ctx.dump(opts, networks)
    else:
        ctx.write(info.render([details(network) for network in networks]))
    return failure.OK


def details(network: Network) -> list[tuple[str, Any]]:
    """One network as pairs, in the order printed."""
    free, reserved = network["free_count"] or 0, network["reserved_count"] or 0
    size = free + reserved
    percent = free * 100 / size if size else 0.0
    return [
        ("Network name", network["name"]),
        ("UUID", network["uuid"]),
        ("Serial number", network["serial_no"]),
        ("Subnet", network["network"]),
        ("Gateway", network["gateway"]),
        ("IPv6 Subnet", network["network6"]),
        ("IPv6 Gateway", network["gateway6"]),
        ("Mac Prefix", network["mac_prefix"]),
        ("Size", size),
        ("Free", f"{free} ({percent:.2f}%)"),
        ("Usage map", _usage_map(network["map"] or "")),
        ("externally reserved IPs", network["external_reservations"] or "(none)"),
        ("connected to node groups", [_group(group) for group in network["group_list"] or ()]),
        ("used by instances", list(network["inst_list"] or ())),
    ]


def _usage_map(text: str) -> list[tuple[str, Any]]:
    """Lines of the map by the number of their first address; ``X`` is used, ``.`` is free."""
    return [
        (str(start), text[start : start + _MAP_WIDTH]) for start in range(0, len(text), _MAP_WIDTH)
    ]


def _group(group: list[Any]) -> str:
    name, mode, link, *vlan = group
    return f"{name} (mode {mode}, link {link}, vlan {vlan[0] if vlan and vlan[0] else '-'})"


COMMANDS: Final = {
    "info": Command(show, (any_number("network"),), (o.FORMAT,), usage="[network...]"),
}
