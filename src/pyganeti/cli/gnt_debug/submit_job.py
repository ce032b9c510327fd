"""``gnt-debug submit-job``: jobs from JSON files. Source: gnt-debug(8) SUBMIT-JOB."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command, at_least_one
from pyganeti.cli.options import job as j
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import parse_json
from pyganeti.cli.submit import complete, follow
from pyganeti.kit.clock import monotonic
from pyganeti.model.errors import ECode, OpExecError, OpPrereqError, from_wire
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Submit a job for each file, and wait for all of them."""
    for flag, count in (("--job-repeat", opts.rep_job), ("--op-repeat", opts.rep_op)):
        if count < 1:
            raise OpPrereqError(f"{flag} is {count}, expected 1 or more", ECode.INVAL)
    jobs = [
        [complete(ctx, opts, op) for op in read_opcodes(path) * opts.rep_op]
        for path in args
        for _ in range(opts.rep_job)
    ]
    begin = monotonic()
    ids = _submit(ctx, opts, jobs)
    submitted = monotonic()
    for job_id in ids:
        if opts.verbose:
            ctx.say(f"Waiting for job {job_id} ...")
        follow(ctx, job_id, quiet=not opts.verbose)
    if opts.timing_stats:
        _show_times(ctx, jobs, submitted - begin, monotonic() - submitted)
    return failure.OK


def read_opcodes(path: str) -> list[OpDict]:
    """The opcodes in a file: a list of objects, each with ``OP_ID``.

    Raises:
        OpPrereqError: the file cannot be read or holds something else.
    """
    try:
        with open(path, encoding="utf-8") as handle:
            ops = parse_json(handle.read())
    except (OSError, ValueError) as err:
        raise OpPrereqError(f"cannot read opcodes from {path}: {err}") from err
    if not isinstance(ops, list) or not all(isinstance(op, dict) and "OP_ID" in op for op in ops):
        raise OpPrereqError(f"{path} does not hold a list of opcodes with OP_ID")
    return ops


def _submit(ctx: "Context", opts: "Values", jobs: list[list[OpDict]]) -> list[int]:
    if opts.each:
        ids = [ctx.client.submit_job(job) for job in jobs]
    else:
        answers = ctx.client.submit_many_jobs(jobs)
        refused = [job for accepted, job in answers if not accepted]
        if refused:
            first = refused[0]
            raise from_wire(first) if isinstance(first, list) else OpExecError(str(first))
        ids = [int(job) for _, job in answers]
    if opts.verbose:
        ctx.say(f"Submitted jobs {', '.join(str(job_id) for job_id in ids)}")
    return ids


def _show_times(ctx: "Context", jobs: list[list[OpDict]], submit: float, execute: float) -> None:
    ctx.say(f"C:op     {sum(len(job) for job in jobs):4d}")
    ctx.say(f"C:job    {len(jobs):4d}")
    ctx.say(f"T:submit {submit:4.4f}")
    ctx.say(f"T:exec   {execute:4.4f}")
    ctx.say(f"T:total  {submit + execute:4.4f}")


COMMANDS: Final = {
    "submit-job": Command(
        run,
        (at_least_one("file"),),
        (o.VERBOSE, j.REP_OP, j.REP_JOB, j.TIMING_STATS, j.EACH, o.DRY_RUN, o.PRIORITY),
        usage="[options...] {opcodes-file}...",
    ),
}
