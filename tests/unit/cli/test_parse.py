"""Option values: escapes, key=value groups, lists, durations, ranges."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.cli.parse import (
    IdentKeyVal,
    KeyVal,
    Scalar,
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

GOLDEN = Path(__file__).parents[2] / "golden" / "ganeti" / "values.json"
FACTS: dict[str, list[list[Any]]] = json.loads(GOLDEN.read_text(encoding="utf-8"))

# What Ganeti reads and leaves to the master to refuse is refused here, with its reason.
EMPTY_KEYS = {"=b", "a,", "no_", "-"}
REMOVED_BOUNDS = {"no_min/max:a=1"}


def read(parse: Callable[[str], object], text: str) -> object:
    """What ``parse`` makes of it as JSON has it, or ``None`` where it refuses."""
    try:
        return json.loads(json.dumps(parse(text)))
    except ParameterError:
        return None


@pytest.mark.parametrize(
    ("kind", "parse", "other"),
    [
        ("split", split_escaped, set()),
        ("keyval", parse_keyval, EMPTY_KEYS),
        ("identkeyval", parse_identkeyval, set()),
        ("bounds", parse_bounds, REMOVED_BOUNDS),
        ("list", parse_list, set()),
        ("bool", parse_bool, set()),
        # A negative time is none.
        ("duration", parse_duration, {"-1"}),
    ],
)
def test_texts_mean_what_ganeti_makes_of_them(
    kind: str, parse: Callable[[str], object], other: set[str]
) -> None:
    found = {text: read(parse, text) for text, _ in FACTS[kind]}
    wanted = {text: None if text in other else value for text, value in FACTS[kind]}
    assert found == wanted


# --- what is written is read

TEXT = st.text(max_size=20)
KEY = st.text("abcxyz_-:/.", min_size=1, max_size=8).filter(
    lambda key: not key.startswith(("no_", "-"))
)
GROUP = st.dictionaries(KEY, st.one_of(TEXT, st.booleans(), st.none()), max_size=5)
IDENT = st.one_of(
    st.integers(-9, 99).map(str), st.from_regex(r"[a-z][a-z-]{0,6}", fullmatch=True)
).filter(lambda ident: not ident.startswith("no_"))


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")


def one(key: str, value: Scalar) -> str:
    """A key with its value, as ganeti(7) has it."""
    if isinstance(value, str):
        return f"{key}={escaped(value)}"
    return {True: key, False: f"no_{key}", None: f"-{key}"}[value]


def written(values: KeyVal) -> str:
    return ",".join(one(key, value) for key, value in values.items())


@given(st.lists(TEXT, min_size=1))
def test_splitting_undoes_joining(parts: list[str]) -> None:
    assert split_escaped(",".join(escaped(part) for part in parts)) == parts


@given(GROUP)
def test_keyval_reads_what_was_written(values: KeyVal) -> None:
    assert parse_keyval(written(values)) == values


@given(IDENT, GROUP)
def test_identkeyval_reads_what_was_written(ident: str, values: KeyVal) -> None:
    assert parse_identkeyval(f"{ident}:{written(values)}") == (ident, values)


@given(IDENT.filter(lambda ident: not ident.lstrip("-").isdigit()))
def test_a_category_is_removed_or_reset(ident: str) -> None:
    assert parse_identkeyval(f"no_{ident}") == (ident, False)
    assert parse_identkeyval(f"-{ident}") == (ident, None)


@given(TEXT)
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_keyval, parse_identkeyval, parse_bounds, parse_list, parse_duration):
        read(parse, text)


def test_an_error_shows_no_values() -> None:
    for text in ("key=hunter2,key=hunter2", "key=hunter2,=hunter2"):
        with pytest.raises(ParameterError) as refused:
            parse_keyval(text)
        assert "hunter2" not in str(refused.value)


def test_keyval_words() -> None:
    assert parse_keyval("acpi,no_usb,-kernel_path,args=a\\,b=c") == {
        "acpi": True,
        "usb": False,
        "kernel_path": None,
        "args": "a,b=c",
    }


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
