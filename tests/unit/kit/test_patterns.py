"""Users' regular expressions: their size, and the time of a search."""

import pytest

from pyganeti.kit.patterns import (
    MAX_LENGTH,
    MAX_SIZE,
    Pattern,
    PatternError,
    PatternTooSlow,
    expanded_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0),
        ("web[0-9]+", 4),
        ("a{3}", 3),
        ("ab{2,4}c", 6),
        ("(?:ab){10}", 30),
        ("(a{10}b){10}", 110),
        ("((a{10}){10}){10}", 1000),
        (r"\(a\){5}", 7),
        ("[a{5}(]{2}", 2),
        ("[]a]{3}", 3),
        ("a{,4}", 4),
        ("a{2,}", 2),
        ("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", 36),
        ("x{}{a}", 4),
        (")))((", 3),
    ],
)
def test_the_size_of_an_expression(text: str, size: int) -> None:
    # The colon of a group that captures nothing counts, too: that is on the safe side.
    assert expanded_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "((((a{1000}){1000}){1000}){1000})",
        "(?:a{1000}){300}",
        "a{999999999999999999999}",
        "(a{100}" * 6 + "){100}" * 6,
        "([a-z]{200}){200}",
    ],
)
def test_one_that_would_take_all_memory_is_refused(text: str) -> None:
    with pytest.raises(PatternError, match="too large"):
        Pattern(text)


@pytest.mark.parametrize(
    ("text", "said", "position"),
    [
        ("a(b", "missing", 3),
        ("x" * (MAX_LENGTH + 1), "4096 characters", None),
        ("*a", "nothing to repeat", 0),
    ],
)
def test_what_is_no_expression_is_refused(text: str, said: str, position: int | None) -> None:
    with pytest.raises(PatternError, match=said) as refused:
        Pattern(text)
    assert refused.value.position == position


def test_the_largest_is_taken() -> None:
    assert Pattern(f"a{{{MAX_SIZE}}}").search("a" * MAX_SIZE, 5.0)


def test_searches_and_matches() -> None:
    assert Pattern("b+").search("abbc", 1.0)
    assert not Pattern("b+").search("ac", 1.0)
    assert not Pattern("b+").matches_all("abbc", 1.0)
    assert Pattern("ab+c").matches_all("abbc", 1.0)


def test_a_search_that_would_not_end_is_ended() -> None:
    slow = Pattern("(a|aa)+$")
    for search in (slow.search, slow.matches_all):
        with pytest.raises(PatternTooSlow):
            search("a" * 60 + "@", 0.05)
