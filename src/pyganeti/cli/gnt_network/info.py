"""``gnt-network info``: a query, printed in Ganeti's lines. Source: gnt-network(8) INFO."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.wanted import any_of

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
_TEXT_WIDTH: Final = 64
# A network by the names above; what it has not is null.
Network = dict[str, Any]
# An instance's name and, by NIC, its addresses and the names of the networks they are on.
Instance = tuple[str, list[str | None], list[str | None]]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the named networks, or all."""
    fields = list(_FIELDS)
    rows = ctx.query_client.query("network", fields, any_of(args))["data"]
    networks = info.records(rows, fields)
    if opts.format != "table":
        ctx.dump(opts, networks, fields)
        return failure.OK
    for network in networks:
        for line in (*details(network), *users(network["name"], _instances(ctx, network))):
            ctx.say(line)
    return failure.OK


def _instances(ctx: "Context", network: Network) -> list[Instance]:
    """The network's instances, with what tells their addresses on it."""
    if not network["inst_list"]:
        return []
    fields = ["name", "nic.ips", "nic.networks.names"]
    rows = ctx.query_client.query("instance", fields, any_of(network["inst_list"]))["data"]
    return [(name, addresses, names) for (_, name), (_, addresses), (_, names) in rows]


def details(network: Network) -> list[str]:
    """One network as lines: this command's form is its own, not that of other infos."""
    free, reserved = network["free_count"] or 0, network["reserved_count"] or 0
    size = free + reserved
    percent = free * 100 / size if size else 0.0
    return [
        f"Network name: {network['name']}",
        f"UUID: {network['uuid']}",
        f"Serial number: {network['serial_no']}",
        f"  Subnet: {network['network']}",
        f"  Gateway: {network['gateway']}",
        f"  IPv6 Subnet: {network['network6']}",
        f"  IPv6 Gateway: {network['gateway6']}",
        f"  Mac Prefix: {network['mac_prefix']}",
        f"  Size: {size}",
        f"  Free: {free} ({percent:.2f}%)",
        *_usage_map(network["map"] or ""),
        *_reservations(network["external_reservations"] or ""),
        *_groups(network["group_list"] or []),
    ]


def _usage_map(text: str) -> list[str]:
    """The map, each line between the numbers of the first and last address it has room for."""
    lines = ["  Usage map:"]
    for start in range(0, len(text), _MAP_WIDTH):
        part = text[start : start + _MAP_WIDTH]
        lines.append(f"{start:>9} {part:<{_MAP_WIDTH}} {start + _MAP_WIDTH - 1}")
    return [*lines, "         (X) used    (.) free"]


def _reservations(text: str) -> list[str]:
    """Addresses kept for what is not in the cluster, in lines of some width."""
    if not text:
        return []
    import textwrap

    indent = " " * 4
    wrapped = textwrap.wrap(text, _TEXT_WIDTH, initial_indent=indent, subsequent_indent=indent)
    return ["  externally reserved IPs:", *wrapped]


def _groups(groups: list[list[Any]]) -> list[str]:
    if not groups:
        return ["  not connected to any node group"]
    shown = [
        f"    {name} (mode:{mode} link:{link} vlan:{vlan})" for name, mode, link, vlan in groups
    ]
    return ["  connected to node groups:", *shown]


def users(name: str, instances: list[Instance]) -> list[str]:
    """The instances with a NIC on the network of this name, and their addresses there."""
    if not instances:
        return ["  not used by any instances"]
    lines = [f"  used by {len(instances)} instances:"]
    for instance, addresses, networks in instances:
        nics = [
            f"{index}:{address}"
            for index, (address, network) in enumerate(zip(addresses, networks, strict=True))
            if network == name
        ]
        lines.append(f"    {instance}: {', '.join(nics)}")
    return lines


COMMANDS: Final = {
    "info": Command(show, (any_number("network"),), (o.FORMAT,), usage="[network...]"),
}
