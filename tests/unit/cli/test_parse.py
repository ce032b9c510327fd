"""Option values: escapes, key=value groups, lists, durations, ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.cli.parse import (
    IdentKeyVal,
    indexed,
    parse_bool,
    parse_bounds,
    parse_duration,
    parse_id_ranges,
    parse_identkeyval,
    parse_keyval,
    parse_list,
    split_escaped,
)
from pyganeti.model.errors import ParameterError

TEXT = st.text(max_size=20)
KEY = st.text("abcxyz_-", min_size=1, max_size=8).filter(
    lambda key: not key.startswith(("no_", "-"))
)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")


@given(st.lists(TEXT, min_size=1))
def test_splitting_undoes_joining(parts: list[str]) -> None:
    assert split_escaped(",".join(escaped(part) for part in parts)) == parts


@given(st.dictionaries(KEY, TEXT))
def test_keyval_reads_what_was_written(values: dict[str, str]) -> None:
    text = ",".join(f"{key}={escaped(value)}" for key, value in values.items())
    assert parse_keyval(text) == values


def test_keyval_words() -> None:
    assert parse_keyval("acpi,no_usb,-kernel_path,args=a\\,b=c") == {
        "acpi": True,
        "usb": False,
        "kernel_path": None,
        "args": "a,b=c",
    }


def test_private_values_have_no_prefixes() -> None:
    assert parse_keyval("no_proxy=x,-y", prefixes=False) == {"no_proxy": "x", "-y": True}


@pytest.mark.parametrize("text", ["a=1,a=2", "a=1,,b", "=x", "no_"])
def test_keyval_refuses(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_keyval(text)


def test_identkeyval() -> None:
    assert parse_identkeyval("kvm") == ("kvm", {})
    assert parse_identkeyval("kvm:acpi=no,path=/a:b") == ("kvm", {"acpi": "no", "path": "/a:b"})
    assert parse_identkeyval("no_kvm") == ("kvm", False)
    assert parse_identkeyval("-kvm") == ("kvm", None)
    assert parse_identkeyval("-1:add,size=1g") == ("-1", {"add": True, "size": "1g"})


def test_identkeyval_refuses_values_of_what_is_removed() -> None:
    with pytest.raises(ParameterError, match="no values can follow"):
        parse_identkeyval("no_kvm:acpi=yes")


def test_bounds() -> None:
    text = "min:disk-size=1g,cpu-count=1/max:cpu-count=4//max:a=1/min:a=0"
    assert parse_bounds(text) == [
        {"min": {"disk-size": "1g", "cpu-count": "1"}, "max": {"cpu-count": "4"}},
        {"max": {"a": "1"}, "min": {"a": "0"}},
    ]
    with pytest.raises(ParameterError):
        parse_bounds("min:a=1/min:a=2")


def test_bool() -> None:
    assert [parse_bool(text) for text in ("yes", "No", "TRUE", "false")] == [1, 0, 1, 0]
    with pytest.raises(ParameterError):
        parse_bool("1")


def test_list() -> None:
    assert parse_list("") == []
    assert parse_list("a,b\\,c") == ["a", "b,c"]


def test_duration() -> None:
    assert [parse_duration(text) for text in ("5", "5s", "2m", "3h", "1d", "2w")] == [
        5,
        5,
        120,
        10800,
        86400,
        1209600,
    ]
    for text in ("", "x", "1y", "-1", "h"):
        with pytest.raises(ParameterError):
            parse_duration(text)


def test_id_ranges() -> None:
    assert parse_id_ranges("1000-1010,2000") == [[1000, 1010], [2000, 2000]]
    assert parse_id_ranges("") == []
    for text in ("a", "1-", "5-4", "-5"):
        with pytest.raises(ParameterError):
            parse_id_ranges(text)


def test_indexed_fills_gaps() -> None:
    assert indexed([("2", {"a": "1"}), ("0", {})], "NIC") == [{}, {}, {"a": "1"}]
    assert indexed([], "NIC") == []


def test_indexed_refuses_what_is_no_index() -> None:
    wrong: list[list[IdentKeyVal]] = [[("x", {})], [("0", {}), ("0", {})], [("0", False)]]
    for groups in wrong:
        with pytest.raises(ParameterError):
            indexed(groups, "disk")
