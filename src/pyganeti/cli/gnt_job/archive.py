"""``gnt-job`` archive and autoarchive. Source: gnt-job(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.listing import number
from pyganeti.cli.option import Arg, Command, at_least_one
from pyganeti.cli.parse import parse_duration

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# Age that stands for "all of them".
_ALL: Final = -1
# How long the master may take before it answers how many are left.
_TIMEOUT_S: Final = 60


def archive(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Archive jobs that have ended; fails when one has not, and goes on with the others."""
    code = failure.OK
    for job_id in [number(arg) for arg in args]:
        if not ctx.client.archive_job(job_id):
            ctx.warn(f"Failed to archive job with ID '{job_id}': {_why(ctx, job_id)}")
            code = failure.FAILURE
    return code


def _why(ctx: "Context", job_id: int) -> str:
    """Why a job was not archived."""
    (found,) = ctx.client.query_jobs([job_id], ["status", "archived"])
    if found is None:
        return "there is no such job"
    return "it is archived already" if found[1] else "it has not ended"


def autoarchive(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Archive jobs that ended some time ago."""
    age = _ALL if args[0] == "all" else parse_duration(args[0])
    archived, left = ctx.client.auto_archive_jobs(age, _TIMEOUT_S)
    ctx.say(f"Archived {archived} jobs, {left} unchecked left")
    return failure.OK


COMMANDS: Final = {
    "archive": Command(archive, (at_least_one("jobid"),), (), usage="{job-id}..."),
    "autoarchive": Command(
        autoarchive,
        (Arg("suggest", choices=("1d", "1w", "4w", "all")),),
        (),
        usage="{age | all}",
    ),
}
