"""Changes of lists of devices, one after the other."""

from dataclasses import dataclass

import pytest

from pyganeti.master.instances.device_edits import edited
from pyganeti.model.enums import ListChange
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.devices import DeviceChange, device_changes


@dataclass(frozen=True)
class Thing:
    uuid: str
    name: str | None = None


A, B, C = Thing("u-a", "a"), Thing("u-b", "b"), Thing("u-c")


def make(what: str, before: Thing | None, change: DeviceChange) -> Thing:
    """A new thing has no UUID yet; a changed one gets the name given."""
    return Thing(before.uuid if before else "", str(change.params.get("name", what)))


def after(*mods: tuple[object, ...]) -> list[str | None]:
    things, _ = edited((A, B, C), device_changes(mods, "things"), kind="thing", most=5, make=make)
    return [thing.name for thing in things]


@pytest.mark.parametrize(
    ("mod", "names"),
    [
        (("add", -1, {}), ["a", "b", None, "thing/3"]),
        (("add", 0, {"name": "x"}), ["x", "a", "b", None]),
        (("add", 3, {"name": "x"}), ["a", "b", None, "x"]),
        (("attach", 1, {"name": "x"}), ["a", "x", "b", None]),
        (("remove", -1, {}), ["a", "b"]),
        (("remove", 0, {}), ["b", None]),
        (("detach", "b", {}), ["a", None]),
        (("remove", "u-c", {}), ["a", "b"]),
        (("modify", "u-a", {"name": "x"}), ["x", "b", None]),
        (("modify", -1, {"name": "x"}), ["a", "b", "x"]),
    ],
)
def test_one_change(mod: tuple[object, ...], names: list[str | None]) -> None:
    assert after(mod) == names


def test_the_end_can_be_before_what_is_always_last() -> None:
    def names(*mods: tuple[object, ...], end: int = 2) -> list[str | None]:
        changes = device_changes(mods, "things")
        found, _edits = edited(
            (A, B, C), changes, kind="thing", most=5, make=make, end=lambda _present: end
        )
        return [thing.name for thing in found]

    assert names(("add", -1, {"name": "x"})) == ["a", "b", "x", None]
    assert names(("remove", -1, {})) == ["a", None]
    assert names(("remove", -1, {}), end=0) == ["a", "b"]


def test_each_change_sees_what_those_before_it_made() -> None:
    mods: tuple[tuple[object, ...], ...] = (
        ("remove", 0, {}),
        ("remove", 0, {}),
        ("add", 0, {"name": "x"}),
        ("remove", "x", {}),
    )
    assert after(*mods) == [None]


def test_says_what_was_done_and_where_each_thing_is_in_the_end() -> None:
    mods: tuple[tuple[object, ...], ...] = (
        ("add", -1, {"name": "x"}),
        ("modify", "x", {"name": "y"}),
        ("remove", 0, {}),
    )
    changes = device_changes(mods, "things")
    things, edits = edited((A, B), changes, kind="thing", most=5, make=make)
    assert [thing.name for thing in things] == ["b", "y"]
    assert [(one.action, one.index, one.device.name, one.given, one.final) for one in edits] == [
        (ListChange.ADD, 2, "x", ("name",), 1),
        (ListChange.MODIFY, 2, "y", ("name",), 1),
        (ListChange.REMOVE, 0, "a", (), None),
    ]


@pytest.mark.parametrize(
    ("mod", "code", "said"),
    [
        (("add", -2, {}), ECode.INVAL, "at -2"),
        (("add", 4, {}), ECode.INVAL, "from 0 to 3"),
        (("add", "a", {}), ECode.INVAL, "'a'"),
        (("remove", 3, {}), ECode.NOENT, "no thing 3, it has 3"),
        (("remove", "z", {}), ECode.NOENT, "no thing 'z'"),
        (("modify", -2, {}), ECode.NOENT, "no thing -2"),
        (("remove", 0, {"name": "x"}), ECode.INVAL, "'name'"),
    ],
)
def test_refuses(mod: tuple[object, ...], code: ECode, said: str) -> None:
    with pytest.raises(OpPrereqError) as refused:
        after(mod)
    assert refused.value.code is code
    assert said in str(refused.value)


def test_no_more_than_there_may_be_at_any_time() -> None:
    with pytest.raises(OpPrereqError, match="at most 5 things"):
        after(*[("add", -1, {})] * 3, ("remove", -1, {}))


def test_of_an_empty_list_nothing_can_be_removed() -> None:
    changes = device_changes([("remove", -1, {})], "things")
    with pytest.raises(OpPrereqError, match="it has 0"):
        edited((), changes, kind="thing", most=5, make=make)
