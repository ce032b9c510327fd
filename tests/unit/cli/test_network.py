"""gnt-network: what its options become, and what it refuses."""

from typing import Any

import pytest

from pyganeti.cli.gnt_network import connect
from pyganeti.model.params import nic

from .fake_master import FakeMaster, named_rows, run

COMMON = {"OP_ID", "debug_level", "reason"}
EMPTY: dict[str, Any] = {
    "network_name": "blue",
    "network": "192.0.2.0/24",
    "gateway": None,
    "network6": None,
    "gateway6": None,
    "mac_prefix": None,
    "add_reserved_ips": None,
    "conflicts_check": True,
    "tags": [],
}
FULL: dict[str, Any] = {
    **EMPTY,
    "gateway": "192.0.2.1",
    "network6": "2001:db8::/64",
    "gateway6": "2001:db8::1",
    "mac_prefix": "aa:01:02",
    "add_reserved_ips": ["192.0.2.2", "192.0.2.3"],
    "conflicts_check": False,
    "tags": ["a", "b"],
}


def asked(master: FakeMaster) -> list[dict[str, Any]]:
    """The opcodes, without what all have."""
    return [{key: op[key] for key in op.keys() - COMMON} for op in master.ops]


def groups() -> FakeMaster:
    return FakeMaster(answers={"Query": named_rows({"name": "default"}, {"name": "rack2"})})


def test_add() -> None:
    master = FakeMaster()
    assert run("gnt-network add --network 192.0.2.0/24 blue", master).code == 0
    line = (
        "gnt-network add --network 192.0.2.0/24 --gateway 192.0.2.1 --network6 2001:db8::/64"
        " --gateway6 2001:db8::1 -m aa:01:02 --add-reserved-ips 192.0.2.2,192.0.2.3"
        " --no-conflicts-check --tags a,b blue"
    )
    assert run(line, master).code == 0
    assert asked(master) == [EMPTY, FULL]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--gateway none", {"gateway": "none"}),
        ("--gateway6 fe80::1 --network6 none", {"gateway6": "fe80::1", "network6": "none"}),
        ("--mac-prefix aa:01:02", {"mac_prefix": "aa:01:02"}),
        (
            "--add-reserved-ips 192.0.2.2 --remove-reserved-ips 192.0.2.3,192.0.2.4",
            {
                "add_reserved_ips": ["192.0.2.2"],
                "remove_reserved_ips": ["192.0.2.3", "192.0.2.4"],
            },
        ),
    ],
)
def test_modify(words: str, wanted: dict[str, Any]) -> None:
    master = FakeMaster()
    assert run(f"gnt-network modify {words} blue", master).code == 0
    assert asked(master) == [{"network_name": "blue", **wanted}]


def test_remove_and_rename() -> None:
    master = FakeMaster()
    assert run("gnt-network remove -f blue", master).code == 0
    assert run("gnt-network rename blue green", master).code == 0
    first, second = asked(master)
    assert first == {"network_name": "blue", "force": True}
    assert second == {"network_name": "blue", "new_name": "green"}


def test_connect_to_the_groups_named() -> None:
    master = groups()
    line = "gnt-network connect -N mode=openvswitch,link=ovs1,vlan=.5 --no-conflicts-check blue g"
    assert run(line, master).code == 0
    assert asked(master) == [
        {
            "network_name": "blue",
            "group_name": "g",
            "network_mode": "openvswitch",
            "network_link": "ovs1",
            "network_vlan": ".5",
            "conflicts_check": False,
        }
    ]


def test_connect_and_disconnect_take_all_groups_if_none_is_named() -> None:
    master = groups()
    assert run("gnt-network connect blue", master).code == 0
    assert [op["group_name"] for op in master.ops] == ["default", "rack2"]
    assert {(op["network_mode"], op["network_link"]) for op in master.ops} == {
        ("bridged", "xen-br0")
    }
    master = groups()
    assert run("gnt-network disconnect blue", master).code == 0
    assert asked(master) == [
        {"network_name": "blue", "group_name": name} for name in ("default", "rack2")
    ]


def test_what_is_not_said_of_a_connection_is_as_for_any_nic() -> None:
    assert connect.NICPARAMS == nic.DEFAULTS


BAD = [
    ("add blue", "--network"),
    ("add --network 192.0.2.0/24", "exactly 1 argument"),
    ("add --network 192.0.2.1/24 blue", "'192.0.2.1/24'"),
    ("add --network xyz blue", "'xyz'"),
    ("add --network 192.0.2.0/24 --gateway none blue", "'none'"),
    ("add --network 192.0.2.0/24 --network6 192.0.2.0/24 blue", "an IPv6 network"),
    ("add --network 192.0.2.0/24 --add-reserved-ips 192.0.2.1, blue", "not empty"),
    ("modify blue", "at least one"),
    ("modify --gateway xyz blue", "'xyz'"),
    ("modify --remove-reserved-ips none blue", "list of IPv4"),
    ("rename blue", "exactly 2 argument"),
    ("connect -N bridge=br0 blue default", "'bridge'"),
    ("connect -N mode=pool blue default", "'pool'"),
    ("connect -N link= blue default", "network_link"),
]


@pytest.mark.parametrize(("line", "said"), BAD)
def test_refuses_before_anything_is_submitted(line: str, said: str) -> None:
    master = FakeMaster()
    ran = run(f"gnt-network {line}", master)
    assert ran.code == 1
    assert said in ran.err
    assert master.ops == []
