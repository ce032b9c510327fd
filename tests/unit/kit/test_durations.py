"""Times are counted by size."""

from pyganeti.kit.durations import Durations


def test_a_bound_belongs_to_the_range_that_it_ends() -> None:
    times = Durations((0.1, 1, 10))
    for seconds in (0.0, 0.1, 0.5, 1.0, 10.5, 1e9):
        times.add(seconds)
    assert times.counts == [2, 2, 0, 2]
    assert times.sum_s == 0.1 + 0.5 + 1.0 + 10.5 + 1e9


def test_a_clock_that_was_set_back_takes_nothing_away() -> None:
    times = Durations((1,))
    times.add(-5.0)
    assert (times.counts, times.sum_s) == ([1, 0], 0.0)
