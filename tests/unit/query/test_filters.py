"""Filters: against a plain evaluation of the same rules, types, expressions without end."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyganeti.master.query.conditions import EXPRESSION_LIMIT_S
from pyganeti.master.query.fields import Compare, Field, FieldKind, table
from pyganeti.master.query.filters import compile_filter, requested_names
from pyganeti.model.enums import FieldStatus
from pyganeti.model.errors import ParameterError, QueryFilterParseError

Item = dict[str, Any]


def _field(name: str, compare: Compare = Compare.PLAIN) -> Field[Item, None]:
    return Field(name, name, FieldKind.OTHER, name, lambda item, _: item[name], compare=compare)


FIELDS = table(
    [
        _field("flag"),
        _field("size"),
        _field("text"),
        _field("words"),
        _field("host", Compare.HOSTNAME),
        _field("hosts", Compare.HOSTNAME),
        _field("job", Compare.JOB_ID),
        _field("when", Compare.TIMESTAMP),
    ]
)


def holds(qfilter: object, item: Item) -> bool:
    """Whether ``item`` fits."""
    keep, _ = compile_filter(qfilter, FIELDS)
    return keep(item, None)


# --- the same, written down plainly


class Mismatch(Exception):
    """A value is of another type than the filter's."""


def plainly(qfilter: Any, item: Item) -> bool:
    """The rules of the design page, one by one."""
    match qfilter:
        case ["&", *parts]:
            return all(plainly(part, item) for part in parts)
        case ["|", *parts]:
            return any(plainly(part, item) for part in parts)
        case ["!", part]:
            return not plainly(part, item)
    op, name, *rest = qfilter
    value = item[name]
    if value is None or isinstance(value, FieldStatus):
        return True
    if op == "?":
        if value is not True and value is not False:
            raise Mismatch
        return value is True
    (wanted,) = rest
    if op == "=[]":
        if not isinstance(value, list | tuple):
            raise Mismatch
        return any(alike(name, one, wanted) for one in value)
    if op == "=~":
        if not isinstance(value, str):
            raise Mismatch
        return re.search(wanted, value) is not None
    found = value[0] + value[1] / 1e6 if name == "when" else value
    wanted = int(wanted) if name == "job" and isinstance(wanted, str) else wanted
    numbers = type(found) in (int, float) and type(wanted) in (int, float)
    if not numbers and not (type(found) is type(wanted) and type(found) in (str, bool)):
        raise Mismatch
    if op in ("==", "!="):
        return alike(name, found, wanted) is (op == "==")
    below, equal = bool(found < wanted), bool(found == wanted)
    return {"<": below, "<=": below or equal, ">": not (below or equal), ">=": not below}[op]


def alike(name: str, found: Any, wanted: Any) -> bool:
    """Equality of two values of one field."""
    if name in ("host", "hosts") and isinstance(found, str) and isinstance(wanted, str):
        have, asked = found.lower().split("."), wanted.lower().split(".")
        return have[: len(asked)] == asked
    if (type(found) is bool) != (type(wanted) is bool):
        return False
    return bool(found == wanted)


TEXTS = st.sampled_from(["a", "b", "a.b", "A", "a.b.c", "", "ab"])
NUMBERS = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1.0]))
LISTS = st.lists(st.one_of(TEXTS, NUMBERS, st.none(), st.booleans()), max_size=3)
NOTHING = st.sampled_from([None, *(status for status in FieldStatus if status)])
ITEMS = st.fixed_dictionaries(
    {
        "flag": st.one_of(st.booleans(), NOTHING),
        "size": st.one_of(NUMBERS, NOTHING),
        "text": st.one_of(TEXTS, NOTHING),
        "words": st.one_of(LISTS, NOTHING),
        "host": st.one_of(TEXTS, NOTHING),
        "hosts": st.one_of(LISTS, NOTHING),
        "job": st.one_of(st.integers(0, 3), NOTHING),
        "when": st.one_of(st.tuples(st.integers(0, 2), st.sampled_from([0, 500_000])), NOTHING),
    }
)
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans())
NAMES = st.sampled_from(sorted(FIELDS.keys() - {"job"}))
ORDERS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
EXPRESSIONS = st.sampled_from(["a", "^a$", "(?i)a", r"\.", "^$", "[ab]{2}"])
CONDITIONS = st.one_of(
    st.tuples(st.just("?"), NAMES),
    st.tuples(ORDERS, NAMES, VALUES),
    st.tuples(ORDERS, st.just("job"), st.one_of(NUMBERS, st.sampled_from(["1", "2"]))),
    st.tuples(st.just("=[]"), NAMES, VALUES),
    st.tuples(st.just("=~"), NAMES, EXPRESSIONS),
).map(list)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.tuples(st.just("!"), inner).map(list),
        st.builds(lambda op, parts: [op, *parts], st.sampled_from("&|"), st.lists(inner)),
    ),
    max_leaves=8,
)


@settings(max_examples=500)
@given(qfilter=FILTERS, item=ITEMS)
def test_a_filter_means_what_the_rules_say(qfilter: Any, item: Item) -> None:
    try:
        wanted: object = plainly(qfilter, item)
    except Mismatch:
        wanted = Mismatch
    try:
        found: object = holds(qfilter, item)
    except ParameterError:
        found = Mismatch
    assert found == wanted


# --- errors


@pytest.mark.parametrize(
    ("qfilter", "item", "text"),
    [
        (["?", "size"], {"size": 1}, "'size' is neither true nor false but 1"),
        (["==", "size", "1"], {"size": 1}, "'size' has values like 1, .* compared with '1'"),
        (["<", "text", 5], {"text": "x"}, "'text' has values like 'x'"),
        (["=[]", "text", "x"], {"text": "x"}, "'text' is no list but 'x'"),
        (["=~", "words", "x"], {"words": ["x"]}, r"'words' is no text but \['x'\]"),
    ],
)
def test_a_value_of_another_type_is_named(qfilter: object, item: Item, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        holds(qfilter, item)


@pytest.mark.parametrize(
    ("qfilter", "text"),
    [
        (["==", "size", None], "not None"),
        (["==", "size", [1]], r"not \[1\]"),
        (["=~", "text", 5], "5 is not a regular expression"),
        (["=~", "text", "("], "is not a regular expression: missing"),
        (["=~", "text", "(" * 3000 + ")" * 3000], "more than 4096 characters"),
        (["=~", "text", "(" * 2000 + ")" * 2000], "is not a regular expression: it is too large"),
        (["<>", "size", 5], "unknown operator '<>'"),
        (["!", ["?", "flag"], ["?", "flag"]], "takes 1 operands, 2 were given"),
        ([[], "flag"], "is no filter"),
        (["==", "job", "x"], "'x' is not a job id"),
        (["==", "job", "9" * 5000], "is not a job id"),
        (["x" * 10**6, "size", 5], "unknown operator 'xx"),
        ({"a": "x" * 10**6}, "is no filter"),
    ],
)
def test_what_is_no_filter_is_refused_in_a_short_line(qfilter: object, text: str) -> None:
    with pytest.raises(QueryFilterParseError, match=text) as refused:
        compile_filter(qfilter, FIELDS)
    assert len(str(refused.value)) < 300


def test_an_expression_that_would_not_end_is_ended() -> None:
    keep, _ = compile_filter(["=~", "text", "(a|aa)+$"], FIELDS)
    with pytest.raises(ParameterError, match="takes too long on the values of field 'text'"):
        keep({"text": "a" * 80 + "!"}, None)


def test_the_values_of_a_query_share_the_time_of_an_expression() -> None:
    assert EXPRESSION_LIMIT_S < 1
    keep, _ = compile_filter(["=~", "text", "(a|aa)+$"], FIELDS)
    # Each takes a few milliseconds: far from the limit alone, beyond it together.
    many = ({"text": "a" * 22 + "!"} for _ in range(100_000))
    with pytest.raises(ParameterError, match="takes too long"):
        all(not keep(item, None) for item in many)


# --- lists of names


@pytest.mark.parametrize(
    ("qfilter", "names"),
    [
        (["==", "host", "a"], ["a"]),
        (["|", ["=", "host", "a"], ["==", "host", "b"]], ["a", "b"]),
        (["|"], None),
        (["|", ["==", "host", "a"], ["==", "text", "b"]], None),
        (["|", ["==", "host", "a"], "x"], None),
        (["&", ["==", "host", "a"]], None),
        (["!=", "host", "a"], None),
        ([["=="], "host", "a"], None),
        (None, None),
        ("==", None),
    ],
)
def test_a_filter_that_only_lists_names(qfilter: object, names: object) -> None:
    assert requested_names(qfilter, "host") == names
