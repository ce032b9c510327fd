"""``gnt-job`` cancel and change-priority: jobs by id or by state. Source: gnt-job(8)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.listing import number
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import PRIORITIES
from pyganeti.cli.table import joined
from pyganeti.cli.wanted import any_of
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_SELECT: Final = (j.STATUS_PENDING, j.STATUS_QUEUED, j.STATUS_WAITING)


def cancel(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Cancel jobs."""
    if opts.kill and not opts.yes_do_it:
        raise OpPrereqError(
            "--kill interrupts jobs that run, and what they did so far is undone;"
            " it must be confirmed with --yes-do-it"
        )
    verb = "KILL" if opts.kill else "Cancel"
    return _each(ctx, opts, args, verb, lambda job: ctx.client.cancel_job(job, opts.kill))


def change_priority(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change the priority of jobs that have not ended."""
    if opts.priority is None:
        raise OpPrereqError("--priority is missing")
    priority = PRIORITIES[opts.priority]
    question = "Change priority of"
    return _each(
        ctx, opts, args, question, lambda job: ctx.client.change_job_priority(job, priority)
    )


def _each(
    ctx: "Context",
    opts: "Values",
    args: list[str],
    verb: str,
    action: Callable[[int], tuple[bool, str]],
) -> int:
    if bool(args) == bool(opts.status_filter):
        raise OpPrereqError("give either job ids or one of --pending, --queued and --waiting")
    if opts.status_filter:
        jobs = _in_state(ctx, opts, verb)
    else:
        jobs = [number(arg) for arg in args]
    code = failure.OK
    for job in jobs:
        success, text = action(job)
        ctx.say(text)
        if not success:
            code = failure.FAILURE
    return code


def _in_state(ctx: "Context", opts: "Values", verb: str) -> list[int]:
    """Ids of the jobs in the states asked for, shown and confirmed.

    Raises:
        OpPrereqError: there are none.
    """
    qfilter = any_of(opts.status_filter, "status")
    rows = ctx.query_client.query("job", ["id", "status", "summary"], qfilter)["data"]
    if not rows:
        states = ", ".join(opts.status_filter)
        raise OpPrereqError(f"no job is in one of the states {states}", ECode.STATE)
    if not opts.force:
        for row in rows:
            ctx.say(f"{row[0][1]} {row[1][1]} {joined(row[2][1])}")
        ctx.confirm(f"{verb} job(s) listed above?")
    return [int(row[0][1]) for row in rows]


COMMANDS: Final = {
    "cancel": Command(
        cancel,
        (any_number("jobid"),),
        (o.FORCE, j.KILL, *_SELECT, o.YES_REALLY),
        usage="[options...] {--pending | --queued | --waiting | job-id...}",
    ),
    "change-priority": Command(
        change_priority,
        (any_number("jobid"),),
        (o.PRIORITY, o.FORCE, *_SELECT),
        usage="--priority {priority} {--pending | --queued | --waiting | job-id...}",
    ),
}
