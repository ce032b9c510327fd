"""Numbers in the notation of Ganeti's tools."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.htools.numerals import fixed, format_float, parse_float, parse_int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4.0"), (0.1, "0.1"), (0.05, "5.0e-2"), (1e-3, "1.0e-3"), (-3.0, "-3.0"),
        (12345678.9, "1.23456789e7"), (9999999.0, "9999999.0"), (1e7, "1.0e7"), (1e22, "1.0e22"),
        (-0.0123, "-1.23e-2"), (0.0, "0.0"),
    ],
)  # fmt: skip
def test_exponents_where_ganeti_has_them(value: float, text: str) -> None:
    assert format_float(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.048046875, 8, "0.04804688"), (0.5, 0, "0"), (1.5, 0, "2"), (-0.125, 2, "-0.12"),
        (1e300, 1, f"1{'0' * 300}.0"), (3.0, 3, "3.000"), (float("nan"), 2, "NaN"),
        (float("inf"), 2, "Infinity"), (float("-inf"), 2, "-Infinity"),
    ],
)  # fmt: skip
def test_decimals_are_rounded_from_the_shortest_form(value: float, digits: int, text: str) -> None:
    assert fixed(value, digits) == text


@given(st.floats(min_value=-(2.0**53), max_value=2.0**53))
def test_what_is_written_reads_back(value: float) -> None:
    assert parse_float(format_float(value)) == value


@pytest.mark.parametrize("text", ["", "1.5", "x", "1 ", "+1", "1_0", "١", "--1"])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        parse_int(text)


@pytest.mark.parametrize("text", ["", ".5", "5.", "x", "1 ", "nan", "inf", "1_0.0"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_float(text)


def test_space_before_a_number() -> None:
    assert (parse_int(" -3"), parse_float(" 2.5e1")) == (-3, 25.0)
