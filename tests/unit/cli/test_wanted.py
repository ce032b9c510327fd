"""Filters made of the names that commands are given."""

from pyganeti.cli.wanted import all_of, any_of, online_nodes

NAMES = ["|", ["==", "name", "n1"], ["==", "name", "n2"]]
ONLINE = ["!", ["?", "offline"]]
GROUP = ["|", ["==", "group", "g1"], ["==", "group.uuid", "g1"]]


def test_any_of_the_names() -> None:
    assert any_of(["n1", "n2"]) == NAMES
    assert any_of(["error"], "status") == ["|", ["==", "status", "error"]]


def test_no_names_mean_all() -> None:
    assert any_of([]) is None


def test_all_of_what_is_given() -> None:
    assert all_of([None, None]) is None
    assert all_of([None, NAMES]) == NAMES
    assert all_of([NAMES, None, GROUP]) == ["&", NAMES, GROUP]


def test_online_nodes() -> None:
    assert online_nodes([], None) == ONLINE
    assert online_nodes(["n1", "n2"], None) == ["&", NAMES, ONLINE]
    assert online_nodes(["n1", "n2"], "g1") == ["&", NAMES, GROUP, ONLINE]
