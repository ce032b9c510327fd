"""Commands for ``ip`` and ``bridge``, and their answers. Pure; tested on captured output.

Source: ip-link(8), ip-route(8), ip-rule(8), bridge(8).
"""

import ipaddress
import json
from typing import Final

from pyganeti.kit.process import Command
from pyganeti.model.communication import HELPER_IP, SERVICE_IP, SERVICE_MAC
from pyganeti.model.errors import NetworkError
from pyganeti.wire.noderpc.specs import NicSpec

COMMUNICATION: Final = "gnt.com.%d"
"""The pattern of communication interfaces' names, by which a site's firewall knows them."""


def links_command() -> Command:
    """List all interfaces as JSON."""
    return Command(("ip", "-json", "-details", "link", "show"))


def parse_bridges(text: str) -> frozenset[str]:
    """Names of the bridges in the answer to :func:`links_command`, Open vSwitch's included.

    Raises:
        NetworkError: the text is not a list of interfaces.
    """
    try:
        kinds = {
            str(link["ifname"]): link.get("linkinfo", {}).get("info_kind", "")
            for link in json.loads(text)
        }
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise NetworkError(f"unexpected answer from ip: {text[:200]!r}") from err
    return frozenset(name for name, kind in kinds.items() if kind in ("bridge", "openvswitch"))


def addresses_command() -> Command:
    """List all addresses as JSON."""
    return Command(("ip", "-json", "address", "show"))


def parse_addresses(text: str) -> frozenset[str]:
    """Addresses in the answer to :func:`addresses_command`.

    Raises:
        NetworkError: the text is not a list of interfaces with addresses.
    """
    try:
        return frozenset(
            str(address["local"])
            for link in json.loads(text)
            for address in link.get("addr_info", ())
            if "local" in address
        )
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise NetworkError(f"unexpected answer from ip: {text[:200]!r}") from err


def host_mac(guest_mac: str) -> str:
    """MAC of the host's end: above every real one, or the bridge would take it for its own."""
    return "fe" + guest_mac[2:]


def bridged_commands(name: str, nic: NicSpec) -> tuple[Command, ...]:
    """Put interface ``name`` into the bridge ``nic.link`` and its VLANs, and set it up."""
    return (
        Command(("ip", "link", "set", "dev", name, "address", host_mac(nic.mac))),
        Command(("ip", "link", "set", "dev", name, "master", nic.link)),
        *_vlan_commands(name, nic.vlan),
        Command(("ip", "link", "set", "dev", name, "up")),
    )


def _vlan_commands(name: str, vlan: str) -> tuple[Command, ...]:
    """Membership in VLANs: ``.10`` untagged, ``.10:20`` also tagged, ``:20:30`` tagged only."""
    untagged, *tagged = vlan.lstrip(".").split(":")
    base = ("bridge", "vlan", "add", "dev", name, "vid")
    first = (Command((*base, untagged, "pvid", "untagged")),) if untagged else ()
    return first + tuple(Command((*base, vid)) for vid in tagged)


def family(address: str) -> str:
    """The option of ``ip`` for the family of ``address``."""
    return f"-{ipaddress.ip_address(address).version}"


def routed_commands(name: str, nic: NicSpec) -> tuple[Command, ...]:
    """Route the NIC's address to interface ``name``, in the table ``nic.link`` if there is one."""
    up = Command(("ip", "link", "set", "dev", name, "up"))
    if nic.ip is None:
        return (up,)
    table = ("table", nic.link) if nic.link else ()
    prefix = f"{nic.ip}/{ipaddress.ip_address(nic.ip).max_prefixlen}"
    route = ("ip", family(nic.ip), "route", "replace", prefix)
    commands = [up, Command((*route, "dev", name, "proto", "static", *table))]
    if nic.link:
        rule = ("ip", family(nic.ip), "rule", "add", "iif", name, "table", nic.link)
        commands.append(Command(rule))
    return tuple(commands)


def communication_commands(name: str, nic: NicSpec) -> tuple[Command, ...]:
    """Give interface ``name`` the addresses of the metadata service, and a way to the guest's."""
    route = ("ip", "route", "replace", f"{nic.ip}/32", "dev", name, "proto", "static")
    return (*_service_commands(name), Command(route))


def helper_commands(name: str, number: int) -> tuple[Command, ...]:
    """As :func:`communication_commands` for a helper, all of which have the same address.

    The metric keeps their routes apart; which one is taken does not matter, since the daemon's
    sockets are each bound to their interface.

    Args:
        name: of the interface.
        number: the kernel's, of the same.
    """
    route = ("ip", "route", "replace", f"{HELPER_IP}/32", "dev", name, "proto", "static")
    return (*_service_commands(name), Command((*route, "metric", str(number))))


def _service_commands(name: str) -> tuple[Command, ...]:
    return (
        Command(("ip", "link", "set", "dev", name, "address", SERVICE_MAC)),
        Command(("ip", "link", "set", "dev", name, "up")),
        Command(("ip", "address", "replace", f"{SERVICE_IP}/32", "dev", name)),
    )


def rule_delete_command(name: str, nic: NicSpec) -> Command:
    """Take the rule away that sends the guest's packets to its table; fails when there is none.

    A rule outlives its interface, unlike a route, and the next interface of that name would
    inherit it.
    """
    rule = ("ip", family(nic.ip or "0.0.0.0"), "rule", "del", "iif", name)  # noqa: S104
    return Command(rule, ok_codes=frozenset({0, 2, 254, 255}))
