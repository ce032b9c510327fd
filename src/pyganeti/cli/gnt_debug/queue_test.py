"""``gnt-debug test-jobqueue``: tries what the job queue promises, on a cluster that runs.

    bad submissions, dependencies, a cancellation, each phase of jobs -> exit code

Source: gnt-debug(8) TEST-JOBQUEUE.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.gnt_debug.queue_watch import run_watched, told_how_to_end
from pyganeti.cli.option import Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import complete
from pyganeti.model.errors import GenericError, OpExecError
from pyganeti.wire.luxi.client import LuxiClient, OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# The priorities that may be submitted, and the ends of the scale.
_SUBMITTED: Final = (-10, 0, 10)
_LIMITS: Final = (-20, 19)


def _delay(duration: float = 0.0, **parameters: object) -> OpDict:
    return {"OP_ID": "OP_TEST_DELAY", "duration": duration, **parameters}


def _must(holds: bool, text: str) -> None:
    if not holds:
        raise OpExecError(f"the job queue does not hold what it promises: {text}")


def _must_refuse(client: LuxiClient, job: list[OpDict]) -> None:
    try:
        job_id = client.submit_job(job)
    except GenericError:
        return
    _must(False, f"it took {job} as job {job_id}")


def submissions(ctx: "Context", opts: "Values") -> None:
    """What is wrong is refused, and nothing with it but the job it is in."""
    near = {one + step for one in (*_SUBMITTED, *_LIMITS) for step in (-1, 1)}
    bad = [_delay(priority=priority) for priority in sorted(near | set(_LIMITS))]
    bad += [
        _delay(nonsense=1),
        {"OP_ID": "OP_TEST_DELAY"},
        {"OP_ID": "OP_NONSENSE"},
        _delay(depends=[[-1, []]]),
    ]
    _must_refuse(ctx.client, [])
    for op in bad:
        for job in ([op], [*[_delay()] * 3, op], [op, *[_delay()] * 3]):
            _must_refuse(ctx.client, job)
    good = [_delay(), _delay(dry_run=False), _delay(dry_run=True)]
    answers = ctx.client.submit_many_jobs([good, [bad[0]], good])
    taken = [accepted for accepted, _ in answers]
    _must(taken == [True, False, True], f"of a good, a bad and a good job it took {taken}")
    for accepted, job_id in answers:
        if accepted:
            ctx.client.wait_for_end(job_id)


def dependencies(ctx: "Context", opts: "Values") -> None:
    """Jobs of one submission may depend on each other, and run in that order."""
    after: tuple[int | None, ...] = (None, 0, 0, None, 2)
    jobs = [
        [_delay(0.1, depends=[] if first is None else [[first - index, ["success"]]])]
        for index, first in enumerate(after)
    ]
    answers = ctx.client.submit_many_jobs(jobs)
    _must(all(accepted for accepted, _ in answers), f"it refused dependent jobs: {answers}")
    ids = [int(job_id) for _, job_id in answers]
    for job_id in ids:
        ctx.client.wait_for_end(job_id)
    rows = [row or [None, None] for row in ctx.client.query_jobs(ids, ["ops", "opexec"])]
    for index, first in enumerate(after):
        if first is not None:
            named = rows[index][0][0]["depends"][0][0]
            _must(named == ids[first], f"job {ids[index]} depends on {named}, not {ids[first]}")
            _must(rows[first][1] <= rows[index][1], f"job {ids[index]} ran before {ids[first]}")


def cancellation(ctx: "Context", opts: "Values") -> None:
    """A job that waits can be changed and cancelled, and harms no other."""
    first = ctx.client.submit_job([_delay(600.0, interruptible=True)])
    end = told_how_to_end(ctx.client, first)
    try:
        second = ctx.client.submit_job([_delay(depends=[[first, []]])])
        changed, text = ctx.client.change_job_priority(second, -5)
        _must(changed, f"the priority of job {second} was not changed: {text}")
        _must_be(ctx.client, second, "queued", priority=-5)
        canceled, text = ctx.client.cancel_job(second)
        _must(canceled, f"job {second} was not cancelled: {text}")
        _must_be(ctx.client, second, "canceled")
        _must_be(ctx.client, first, "running")
    finally:
        end()
    ctx.client.wait_for_end(first)


def _must_be(client: LuxiClient, job_id: int, status: str, *, priority: int | None = None) -> None:
    (row,) = client.query_jobs([job_id], ["status", "priority"])
    found = row or ["lost", 0]
    _must(found[0] == status, f"job {job_id} is {found[0]}, not {status}")
    if priority is not None:
        _must(found[1] == priority, f"job {job_id} has priority {found[1]}, not {priority}")


def phases(ctx: "Context", opts: "Values") -> None:
    """Jobs tell each of their phases while it lasts, and end as their opcodes do."""
    for fails in ([False], [False, False], [True], [False, False, True, False]):
        ops = [_told(ctx, opts, fail) for fail in fails]
        run_watched(ctx.client, ops, fails)


def _told(ctx: "Context", opts: "Values", fail: bool) -> OpDict:
    op: OpDict = {
        "OP_ID": "OP_TEST_JQUEUE",
        "notify_waitlock": True,
        "notify_exec": True,
        "log_messages": ["Hello World", "A", "", "B", "Foo|bar|baz", f"{ctx.wall_clock():f}"],
        "fail": fail,
    }
    return complete(ctx, opts, op)


_TESTS: Final[tuple[tuple[str, Callable[["Context", "Values"], None]], ...]] = (
    ("bad submissions", submissions),
    ("dependencies", dependencies),
    ("cancellation and priority", cancellation),
    ("phases, messages and results", phases),
)


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Run all tests; the first that fails ends them."""
    for name, test in _TESTS:
        ctx.say(f"Testing {name} ...")
        test(ctx, opts)
    ctx.say("All tests of the job queue have passed; some jobs failed on purpose")
    return failure.OK


COMMANDS: Final = {"test-jobqueue": Command(run, (), (o.PRIORITY,))}
