"""Commands for ip and bridge; answers captured from iproute2 6.1."""

from pathlib import Path

import pytest

from pyganeti.kit.process import Command
from pyganeti.model.errors import NetworkError
from pyganeti.node.network import commands
from pyganeti.wire.noderpc.specs import NicSpec

GOLDEN = Path(__file__).parents[3] / "golden" / "ip"


def lines(parts: tuple[Command, ...]) -> list[str]:
    return [str(part) for part in parts]


def test_bridges_are_found_among_all_interfaces() -> None:
    assert commands.parse_bridges((GOLDEN / "links.json").read_text()) == {"xen-br0"}


def test_addresses_of_both_families_are_found() -> None:
    found = commands.parse_addresses((GOLDEN / "addresses.json").read_text())
    assert {"127.0.0.1", "::1", "192.0.2.2"} <= found


@pytest.mark.parametrize("text", ["", "{}x", '[{"x": 1}]', "[3]"])
def test_nonsense_is_an_error_of_ours(text: str) -> None:
    with pytest.raises(NetworkError, match="unexpected answer from ip"):
        commands.parse_bridges(text)


def test_a_bridged_nic_joins_its_bridge_with_a_high_mac() -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="bridged", link="br0")
    assert lines(commands.bridged_commands("tap3", nic)) == [
        "ip link set dev tap3 address fe:00:00:01:02:03",
        "ip link set dev tap3 master br0",
        "ip link set dev tap3 up",
    ]


@pytest.mark.parametrize(
    ("vlan", "expected"),
    [
        (".10", ["bridge vlan add dev tap0 vid 10 pvid untagged"]),
        (
            ".10:20",
            [
                "bridge vlan add dev tap0 vid 10 pvid untagged",
                "bridge vlan add dev tap0 vid 20",
            ],
        ),
        (":20:30", ["bridge vlan add dev tap0 vid 20", "bridge vlan add dev tap0 vid 30"]),
    ],
)
def test_vlans_of_a_bridged_nic(vlan: str, expected: list[str]) -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", link="br0", vlan=vlan)
    assert lines(commands.bridged_commands("tap0", nic))[2:-1] == expected


def test_a_routed_nic_has_a_route_and_a_rule_in_its_table() -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="routed", link="100", ip="198.51.100.7")
    assert lines(commands.routed_commands("tap1", nic)) == [
        "ip link set dev tap1 up",
        "ip -4 route replace 198.51.100.7/32 dev tap1 proto static table 100",
        "ip -4 rule add iif tap1 table 100",
    ]


def test_a_routed_nic_without_table_uses_the_main_one() -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="routed", ip="2001:db8::7")
    assert lines(commands.routed_commands("tap1", nic)) == [
        "ip link set dev tap1 up",
        "ip -6 route replace 2001:db8::7/128 dev tap1 proto static",
    ]


def test_a_routed_nic_without_address_is_only_set_up() -> None:
    nic = NicSpec(mac="aa:00:00:01:02:03", mode="routed")
    assert lines(commands.routed_commands("tap1", nic)) == ["ip link set dev tap1 up"]


def test_the_metadata_service_has_the_same_addresses_on_every_node() -> None:
    """Else a guest that moved sends to its former node's, until it asks again."""
    nic = NicSpec(mac="52:54:00:01:02:03", mode="routed", link="communication_rt", ip="169.254.0.7")
    assert lines(commands.communication_commands("gnt.com.0", nic)) == [
        "ip link set dev gnt.com.0 address fe:00:a9:fe:a9:fe",
        "ip link set dev gnt.com.0 up",
        "ip address replace 169.254.169.254/32 dev gnt.com.0",
        "ip route replace 169.254.0.7/32 dev gnt.com.0 proto static",
    ]
