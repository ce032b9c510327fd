"""The pool of user ids."""

import pytest

from pyganeti.model.errors import OpPrereqError
from pyganeti.model.uid_pool import UidRange, check_pool, format_range, parse_pool, without


def test_ranges_are_sorted_and_each_is_there_once() -> None:
    assert check_pool([(20, 29), (5, 5), (20, 29)]) == ((5, 5), (20, 29))
    assert check_pool([]) == ()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((9, 8), "the first must not be above"),
        ((0, 5), "between 1 and"),
        ((-3, 5), "between 1 and"),
        ((5, 2**32 - 1), "4294967295: expected"),
    ],
)
def test_wrong_ranges_are_refused(wrong: UidRange, said: str) -> None:
    with pytest.raises(OpPrereqError, match=said):
        check_pool([(1, 2), wrong])


def test_only_whole_ranges_are_taken_out() -> None:
    pool = ((5, 5), (20, 29))
    assert without(pool, [(5, 5)]) == ((20, 29),)
    assert without(pool, []) == pool
    with pytest.raises(OpPrereqError, match="20-25 are no range of the pool, it has: 5, 20-29"):
        without(pool, [(20, 25)])
    with pytest.raises(OpPrereqError, match="it has: none"):
        without((), [(1, 1)])


def test_nodes_read_what_the_master_writes() -> None:
    pool = ((5, 5), (20, 29))
    assert parse_pool("\n".join(format_range(*one) for one in pool)) == pool
    assert parse_pool("") == ()
    for text in ("x", "5-", "-5"):
        with pytest.raises(ValueError, match="invalid literal"):
            parse_pool(f"1-2\n{text}x")
