"""What is wrong with values, in words."""

from enum import Enum
from typing import Annotated, Any

import msgspec
import pytest

from pyganeti.kit.mismatch import in_words


class Mode(Enum):
    RO = "ro"


class Disk(msgspec.Struct, forbid_unknown_fields=True):
    size: int
    mode: Mode | None = None


def said(value: object, kind: Any) -> str:  # Any: a type expression
    with pytest.raises(msgspec.ValidationError) as wrong:
        msgspec.convert(value, kind)
    return in_words(str(wrong.value))


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("1", int, "expected an integer, got a string"),
        (1, str | None, "expected a string or null, got an integer"),
        (1.5, list[int], "expected a list, got a number"),
        ([], Disk, "expected a mapping, got a list"),
        (-1, Annotated[int, msgspec.Meta(ge=0)], "expected an integer >= 0"),
        ("", Annotated[str, msgspec.Meta(min_length=1)], "expected a string of length >= 1"),
        ([1], tuple[int, int], "expected a list of length 2, got 1"),
        ({}, Disk, "'size' is missing"),
        ({"size": 1, "sise": 2}, Disk, "there is no 'sise'"),
        ({"size": 1, "mode": "rx"}, Disk, "mode: 'rx' is none of the possible values"),
        ([{"size": 1}, {"size": "x"}], list[Disk], "[1].size: expected an integer, got a string"),
        ({"a": "x"}, dict[str, int], "[...]: expected an integer, got a string"),
        ({1: 2}, dict[str, int], "a key of the mapping: expected a string, got an integer"),
        ([{1: 2}], list[dict[str, int]], "a key of [0]: expected a string, got an integer"),
    ],
)
def test_says_what_was_expected_and_where(value: object, kind: Any, words: str) -> None:
    assert said(value, kind) == words


def test_what_a_value_holds_is_not_taken_for_words_of_ours() -> None:
    assert said({"size": 1, "mode": "a - at `int`"}, Disk) == (
        "mode: 'a - at `int`' is none of the possible values"
    )


@pytest.mark.parametrize("text", ["", "Something new", "cut off - at `$", "two\nlines"])
def test_what_is_not_known_is_said_as_it_is(text: str) -> None:
    assert in_words(text) == text
