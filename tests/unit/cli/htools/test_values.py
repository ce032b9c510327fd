"""Values of options."""

import pytest

from pyganeti.cli.htools import values
from pyganeti.cli.htools.values import BadValue


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("7", 7), ("1m", 1), ("1MiB", 1), ("1M", 0), ("7M", 6), ("1g", 1024), ("1Gib", 1024),
        ("1G", 953), ("1gb", 953), ("1 g", 1024), ("3t", 3 * 2**20), ("3TB", 2861022),
    ],
)  # fmt: skip
def test_reads_sizes(text: str, mib: int) -> None:
    assert values.size("disk", text) == mib


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "disk: Can't parse string ''"),
        ("g", "disk: Can't parse string 'g'"),
        ("1.5g", "disk: Can't parse string '1.5g'"),
        ("-1g", "disk: Can't parse string '-1g'"),
        ("1k", "disk: Unknown unit 'k'"),
    ],
)
def test_refuses_what_is_no_size(text: str, complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        values.size("disk", text)
    assert str(refused.value) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", "n: cannot parse string 'x'"),
        ("", "n: cannot parse string ''"),
        ("1.5", "n: cannot parse string '1.5'"),
        ("1e2", "n: cannot parse string '1e2'"),
        ("1e", "n: leftover characters when parsing '1e': 'e'"),
        ("3 ", "n: leftover characters when parsing '3 ': ' '"),
        ("99999999999999999999", "n: '99999999999999999999' is too large"),
    ],
)
def test_refuses_what_is_no_whole_number(text: str, complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        values.integer("n", text)
    assert str(refused.value) == complaint


def test_reads_numbers() -> None:
    assert values.integer("n", " -3") == -3
    assert [values.number("n", text) for text in ("1", "-0.5", "1e-3")] == [1.0, -0.5, 0.001]
    for text in (".5", "x", "1.5.2", "1e999"):
        with pytest.raises(BadValue, match="n: "):
            values.number("n", text)


def test_a_switch_alone_is_yes() -> None:
    assert [values.yes_or_no(text) for text in (None, "yes", "no")] == [True, True, False]
    with pytest.raises(BadValue, match="Invalid choice 'maybe'"):
        values.yes_or_no("maybe")
