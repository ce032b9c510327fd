"""Lines: who is first, and who may start."""

import random

import pytest

from pyganeti.master.queue.filtering import ACCEPTED, FilterAction, Verdict
from pyganeti.master.queue.job import Job, QueuedOp
from pyganeti.master.queue.limits import Limit, buckets_of, limits_of
from pyganeti.master.queue.line import Line
from pyganeti.master.queue.lines import Lines

ONE, OTHER, TWO = Limit(1, "one"), Limit(1, "other"), Limit(2, "two")


def test_the_first_is_the_least_place() -> None:
    line = Line()
    assert line.first() is None
    for when, job in ((3.0, 1), (1.0, 7), (1.0, 5), (2.0, 2)):
        line.join((when, job))
    order = []
    while (job_id := line.first()) is not None:
        order.append(job_id)
        line.leave(job_id)
    assert order == [5, 7, 2, 1]


def test_a_line_behaves_as_a_sorted_list() -> None:
    rng = random.Random(5)
    line, model = Line(), dict[int, float]()
    for _ in range(20_000):
        job = rng.randrange(50)
        if rng.random() < 0.6:
            model[job] = float(rng.randrange(1000))
            line.join((model[job], job))
        else:
            model.pop(job, None)
            line.leave(job)
        first = min(model, key=lambda job_id: (model[job_id], job_id), default=None)
        assert line.first() == first
        assert len(line) == len(model)
        assert set(line) == set(model)
        # What was left does not pile up.
        assert len(line._heap) <= 2 * len(model) + 65


def test_a_job_without_limits_is_ready_at_once() -> None:
    lines = Lines()
    lines.join((2.0, 4), ())
    lines.join((1.0, 5), ())
    assert lines.next() == 5
    assert lines.start(5) == ()
    assert lines.next() == 4
    lines.leave(4)
    assert lines.next() is None
    lines.leave(4)


def test_a_limit_is_kept_and_given_on_in_order() -> None:
    lines = Lines()
    for job in (1, 2, 3, 4):
        lines.join((float(job), job), (TWO,))
    assert [lines.next(), lines.start(1)] == [1, (TWO,)]
    assert [lines.next(), lines.start(2)] == [2, (TWO,)]
    assert lines.next() is None
    assert lines.obstacle(3) == TWO
    lines.end((TWO,))
    assert lines.next() == 3


def test_who_came_before_on_another_limit_is_not_overtaken() -> None:
    lines = Lines()
    lines.begin((OTHER,))
    lines.join((1.0, 1), (ONE, OTHER))
    lines.join((2.0, 2), (ONE,))
    assert lines.next() is None  # 1 waits for OTHER, and 2 stands behind it
    assert lines.obstacle(1) == OTHER
    assert lines.obstacle(2) == ONE
    lines.end((OTHER,))
    assert lines.next() == 1
    lines.start(1)
    assert lines.next() is None
    lines.end((ONE, OTHER))
    assert lines.next() == 2


def test_leaving_lets_the_next_go() -> None:
    lines = Lines()
    lines.begin((OTHER,))
    lines.join((1.0, 1), (ONE, OTHER))
    lines.join((2.0, 2), (ONE,))
    lines.leave(1)
    assert lines.next() == 2


def test_a_more_urgent_one_goes_before_one_that_was_ready() -> None:
    lines = Lines()
    lines.join((5.0, 1), (ONE,))
    lines.join((3.0, 2), (ONE,))
    assert lines.next() == 2
    lines.move((9.0, 2))
    assert lines.next() == 1
    lines.move((4.0, 2))
    assert lines.next() == 2
    lines.move((1.0, 99))  # not in line: nothing
    assert len(lines) == 2


def test_who_goes_to_the_back_lets_the_next_go() -> None:
    lines = Lines()
    lines.begin((ONE,))
    lines.join((1.0, 1), (ONE,))
    lines.join((2.0, 2), (ONE,))
    lines.end((ONE,))
    lines.move((3.0, 1))
    assert lines.next() == 2


def test_unused_limits_are_forgotten() -> None:
    lines = Lines()
    lines.join((1.0, 1), (ONE, TWO))
    assert lines.running == {ONE: 0, TWO: 0}
    lines.start(1)
    assert lines.running == {ONE: 1, TWO: 1}
    lines.end((ONE, TWO))
    assert lines.running == {}


# --- limits of a job


def job_of(*reasons: str) -> Job:
    trail = [["gnt:user", reason, 1] for reason in reasons]
    return Job(1, [QueuedOp(input={}), QueuedOp(input={"reason": trail})], None)


@pytest.mark.parametrize(
    ("reason", "bucket"),
    [
        ("rate-limit:4:mylabel", Limit(4, "rate-limit:4:mylabel")),
        ("rate-limit:5:mylabel", Limit(5, "rate-limit:5:mylabel")),
        ("rate-limit:7:pink bunny: part 2", Limit(7, "rate-limit:7:pink bunny: part 2")),
        ("rate-limit:1:", Limit(1, "rate-limit:1:")),
        ("rate-limit:010:x", Limit(10, "rate-limit:10:x")),
        ("rate-limit:1:two\nlines", Limit(1, "rate-limit:1:two\nlines")),
    ],
)  # fmt: skip
def test_a_reason_names_a_bucket(reason: str, bucket: Limit) -> None:
    assert list(buckets_of(job_of("because", reason))) == [bucket]


@pytest.mark.parametrize(
    "reason",
    [" rate-limit:4:x", "my rate-limit:4:x", "Rate-limit:4:x", "rate-limit:0:x", "rate-limit:-1:x",
     "rate-limit:4", "rate-limit::x", "rate-limit:four:x", "rate-limit:4 :x", "rate-limit:1.5:x",
     "rate-limit:\N{ARABIC-INDIC DIGIT FOUR}:x", "rate-limit:" + "9" * 5000 + ":x", ""],
)  # fmt: skip
def test_other_reasons_name_none(reason: str) -> None:
    assert list(buckets_of(job_of(reason))) == []


def test_a_job_has_each_limit_once() -> None:
    job = job_of("rate-limit:4:x", "rate-limit:04:x", "rate-limit:3:x")
    verdict = Verdict(FilterAction.RATE_LIMIT, "uuid", 9)
    assert set(limits_of(job, ACCEPTED)) == {Limit(4, "rate-limit:4:x"), Limit(3, "rate-limit:3:x")}
    assert len(limits_of(job, verdict)) == 3
    assert Limit(9, "job filter uuid") in limits_of(job, verdict)
