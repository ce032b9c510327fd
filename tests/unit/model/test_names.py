"""Names, sizes and tags."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.model.errors import OpPrereqError, TagError, UnitParseError
from pyganeti.model.names import (
    check_hostname,
    check_mac,
    check_tag,
    check_tags,
    is_uuid,
    matches_name,
    name_prefixes,
    nice_sorted,
)
from pyganeti.model.units import format_unit, parse_unit

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "ganeti" / "values.json").read_text(encoding="utf-8")
)


def test_numbers_sort_by_value() -> None:
    names = ["node10", "node2", "node1.b", "a", "node1.a", "10", "9", "node", ""]
    assert nice_sorted(names) == [
        "", "9", "10", "a", "node", "node1.a", "node1.b", "node2", "node10"
    ]  # fmt: skip


@given(st.lists(st.text()))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert sorted(nice_sorted(names)) == sorted(names)


@pytest.mark.parametrize("name", ["web1", "Web1.Example.COM", "a-b.c", "web1.example.com."])
def test_host_names(name: str) -> None:
    assert check_hostname(name) == name.lower().removesuffix(".")


@pytest.mark.parametrize("name", ["", "-a", "a..b", "a b", "ä", "a/b", "x" * 64, "a." * 130 + "a"])
def test_other_host_names_are_refused(name: str) -> None:
    with pytest.raises(OpPrereqError, match="not a valid host name"):
        check_hostname(name)


def test_short_names() -> None:
    assert name_prefixes("A.b.c") == ("a", "a.b", "a.b.c")
    assert matches_name("WEB1", "web1.example.com")
    assert not matches_name("web1.ex", "web1.example.com")


def test_tags() -> None:
    assert check_tags(["b", "a", "b"]) == ("a", "b")
    assert check_tag("htools:iextags:a/b@c+1") == "htools:iextags:a/b@c+1"
    for tag in ("", "a b", "ä,", "x" * 129):
        with pytest.raises(TagError):
            check_tag(tag)
    with pytest.raises(TagError, match="4097 tags"):
        check_tags(str(number) for number in range(4097))


def test_macs_and_uuids() -> None:
    assert check_mac("AA:00:00:01:02:03") == "aa:00:00:01:02:03"
    for mac in ("aa:00", "01:00:00:00:00:00", "aa:00:00:01:02:0g", "aa-00-00-01-02-03"):
        with pytest.raises(OpPrereqError):
            check_mac(mac)
    assert is_uuid("c0000000-0000-4000-8000-000000000001")
    assert not is_uuid("node1")


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("128", 128),
        ("1", 4),
        ("10g", 10240),
        ("1.5G", 1536),
        ("2T", 2 * 1024 * 1024),
        ("10 MiB", 12),
        ("0.1g", 104),
        ("0", 0),
    ],
)
def test_sizes(text: str, mib: int) -> None:
    assert parse_unit(text) == mib


@pytest.mark.parametrize(("text", "mib"), GOLDEN["unit"])
def test_sizes_are_what_ganeti_makes_of_them(text: str, mib: int | None) -> None:
    # Blanks around are no harm; digits of other scripts and line ends are no digits.
    loose: dict[str, int | None] = {" 1 ": 4, "1  g ": 1024, "\uff11": None}
    wanted = loose.get(text, mib)
    try:
        found: int | None = parse_unit(text)
    except UnitParseError:
        found = None
    assert found == wanted


@given(st.integers(0, 10**9), st.integers(0, 999), st.sampled_from("mgt"))
def test_a_size_is_the_next_multiple_of_4_mib(whole: int, thousandths: int, unit: str) -> None:
    exact = Fraction(f"{whole}.{thousandths:03}") * {"m": 1, "g": 1024, "t": 1024**2}[unit]
    found = parse_unit(f"{whole}.{thousandths:03}{unit}")
    assert (found % 4, 0 <= found - exact < 4) == (0, True)


@pytest.mark.parametrize(("mib", "texts"), GOLDEN["format_unit"])
def test_sizes_are_shown_as_ganeti_shows_them(mib: float, texts: list[str]) -> None:
    assert [format_unit(mib, units) for units in "hmgt"] == texts


@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000,
        "1." + "0" * 5000,
        "10x",
        ".",
        "",
        "g",
        "-5",
        "1e3",
        "10gg",
        "10 g b",
        "٣g",
        "m10",
    ],
)
def test_other_sizes_are_refused_in_one_clear_line(text: str) -> None:
    with pytest.raises(UnitParseError, match="is not a size: expected") as refused:
        parse_unit(text)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("mib", "units", "text"),
    [
        (128, "h", "128M"),
        (1024, "h", "1.0G"),
        (1024 * 1024, "h", "1.0T"),
        (1536, "g", "1.5"),
        (1536, "m", "1536"),
        (1024 * 1024, "t", "1.0"),
        (0, "h", "0M"),
    ],
)
def test_sizes_are_shown(mib: int, units: str, text: str) -> None:
    assert format_unit(mib, units) == text


def test_an_unknown_unit_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="unknown unit"):
        format_unit(1, "k")
