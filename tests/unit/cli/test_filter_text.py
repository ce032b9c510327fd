"""The query language: what Ganeti makes of a text, places of errors, round trips."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.cli.filter_text import MAX_DEPTH, parse_filter
from pyganeti.model.errors import QueryFilterParseError
from pyganeti.model.names import glob_pattern

GOLDEN = Path(__file__).parents[2] / "golden" / "ganeti" / "filters.json"
CASES: list[list[Any]] = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize(("text", "wanted"), [case for case in CASES if case[1]])
def test_a_text_means_what_ganeti_makes_of_it(text: str, wanted: object) -> None:
    assert parse_filter(text) == wanted


@pytest.mark.parametrize("text", [text for text, wanted in CASES if not wanted])
def test_what_ganeti_refuses_is_refused(text: str) -> None:
    with pytest.raises(QueryFilterParseError):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # Ganeti leaves backslashes in texts, so that a quote could not be written at all.
        (r'a == "say \"x\""', ["==", "a", 'say "x"']),
        (r"a == 'it\'s \\'", ["==", "a", "it's \\"]),
        (r'a =* "\"*"', ["=~", "a", r'^"[^.]*(\..*)?$']),
        ("a > 1.5", [">", "a", 1.5]),
        ("a =~ m/x/ and b", ["&", ["=~", "a", "x"], ["?", "b"]]),
        ("a =~ m/x/ii", ["=~", "a", "(?i)x"]),
    ],
)
def test_what_ganeti_cannot_say(text: str, wanted: object) -> None:
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    ("text", "what", "line", "mark"),
    [
        ("name == n1", "expected a number or a text in quotes, found 'n1' (line 1, column 9)",
         "name == n1", "        ^"),
        ("name ==", "expected a number or a text in quotes, found the end (line 1, column 8)",
         "name ==", "       ^"),
        ("", "expected '(', 'not', a field, a number or a text in quotes, found the end"
         " (line 1, column 1)", "", "^"),
        ("a andb", "expected 'and', 'or', a comparison or the end, found 'andb'"
         " (line 1, column 3)", "a andb", "  ^"),
        ('a == "x', "expected a number or a text in quotes, found a quote that does not end"
         " (line 1, column 6)", 'a == "x', "     ^"),
        ("a and\n\tb $", "expected ')', 'and', 'or' or a comparison, found '$'"
         " (line 2, column 4)", "\tb $", "\t  ^"),
        ("(a or b", "expected ')', found the end (line 1, column 8)",
         "(a or b", "       ^"),
        ("a =~ m/x/gi", "unknown modifier 'g', expected i or s (line 1, column 10)",
         "a =~ m/x/gi", "         ^"),
        ("a and b =~ m/x(/", "not a regular expression: missing ) (line 1, column 16)",
         "a and b =~ m/x(/", "               ^"),
        (r"a =~ m |x/\|y*+*|", "not a regular expression: multiple repeat (line 1, column 16)",
         r"a =~ m |x/\|y*+*|", "               ^"),
        (f"a > {'9' * 5000}", "expected a number or a text in quotes, found '9'"
         " (line 1, column 5)", f"a > {'9' * 5000}", "    ^"),
    ],
)  # fmt: skip
def test_an_error_shows_its_place(text: str, what: str, line: str, mark: str) -> None:
    with pytest.raises(QueryFilterParseError) as refused:
        parse_filter(text)
    assert str(refused.value).split("\n") == [what, line, mark]


def test_nesting_has_a_limit_and_parentheses_are_none() -> None:
    with pytest.raises(QueryFilterParseError, match="deeper than 64"):
        parse_filter("not " * MAX_DEPTH + "a")
    parse_filter("not " * (MAX_DEPTH - 1) + "a")
    assert parse_filter("(" * 5000 + "a" + ")" * 5000) == ["?", "a"]
    assert len(parse_filter(" or ".join(["a"] * 5000))) == 5001


def test_globs_stay_within_a_component() -> None:
    pattern = glob_pattern("web?")
    assert re.search(pattern, "web1.example.com")
    assert re.search(pattern, "web1")
    assert not re.search(pattern, "web12")
    assert not re.search(glob_pattern("w*m"), "web1.example.com")
    assert not re.search(glob_pattern("web1."), "web1.example.com")


# --- a filter, printed and read again

FIELDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_/.]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"and", "or", "not", "in"}
)
VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(-(10**17), 10**17),
    st.integers(-(10**6), 10**6).map(lambda number: number / 64),
)


def is_expression(body: str) -> bool:
    try:
        regex.compile(body)
    except (regex.error, OverflowError):
        return False
    return not body.startswith("(?")


PATTERNS = st.builds(
    lambda flags, body: f"{flags}{body}",
    st.sampled_from(["", "(?i)", "(?s)", "(?is)"]),
    st.text(max_size=8).filter(is_expression),
)
CONDITIONS = st.one_of(
    st.tuples(st.just("?"), FIELDS),
    st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), FIELDS, VALUES),
    st.tuples(st.just("=[]"), FIELDS, VALUES),
    st.tuples(st.just("=~"), FIELDS, PATTERNS),
).map(list)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.tuples(st.just("!"), inner),
        st.tuples(st.sampled_from("&|"), inner, inner),
        st.tuples(st.sampled_from("&|"), inner, inner, inner),
    ).map(list),
    max_leaves=12,
)


class Printer:
    """Writes a filter as text, in one of the ways there are."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def whole(self, qfilter: Any) -> str:
        op, *rest = qfilter
        if op in "&|":
            word = {"&": "and", "|": "or"}[op]
            return self._gap(f" {word} ").join(self._part(part, op) for part in rest)
        if op == "!":
            return self._negated(rest[0])
        if op == "?":
            return str(rest[0])
        field, value = rest
        if op == "=~":
            return f"{field} =~ {self._pattern(value)}"
        if op == "=[]":
            return f"{self._value(value)} in {field}"
        sign = self._chance.choice(["==", "="]) if op == "==" else op
        return f"{field}{self._gap('')}{sign}{self._gap('')}{self._value(value)}"

    def _part(self, qfilter: Any, around: str) -> str:
        text = self.whole(qfilter)
        # What binds less, or as much and would melt into it, needs parentheses.
        loose = qfilter[0] == "|" or qfilter[0] == around
        return f"({text})" if loose or self._chance.random() < 0.2 else text

    def _negated(self, inner: Any) -> str:
        if inner[0] == "=[]" and self._chance.random() < 0.5:
            return f"{self._value(inner[2])} not in {inner[1]}"
        if inner[0] == "=~" and self._chance.random() < 0.5:
            return f"{inner[1]} !~ {self._pattern(inner[2])}"
        text = self.whole(inner)
        return f"not ({text})" if inner[0] in "&|" else f"not {text}"

    def _value(self, value: str | float) -> str:
        if not isinstance(value, str):
            return format(value, ".6f") if isinstance(value, float) else str(value)
        return self._quoted(value, self._chance.choice("'\""))

    def _pattern(self, pattern: str) -> str:
        flags, body = "", pattern
        if pattern.startswith("(?"):
            flags, _, body = pattern[2:].partition(")")
        return f"m{self._quoted(body, self._chance.choice('/#^|'))}{flags}"

    @staticmethod
    def _quoted(text: str, around: str) -> str:
        escaped = text.replace("\\", "\\\\").replace(around, f"\\{around}")
        return f"{around}{escaped}{around}"

    def _gap(self, text: str) -> str:
        return self._chance.choice(["", " ", "\n\t"]) + text + self._chance.choice(["", "  "])


@given(qfilter=FILTERS, seed=st.integers(0, 2**32))
def test_a_printed_filter_reads_as_it_was(qfilter: Any, seed: int) -> None:
    text = Printer(random.Random(seed)).whole(qfilter)
    assert parse_filter(text) == qfilter


@given(text=st.text(max_size=30))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        found = parse_filter(text)
    except QueryFilterParseError as refused:
        found = [str(refused)[-1]]
    assert found[0] in {"^", "?", "&", "|", "!", "==", "!=", "<", "<=", ">", ">=", "=[]", "=~"}
