"""``gnt-job`` wait and watch. Source: gnt-job(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.listing import number
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.submit import follow
from pyganeti.model.errors import GenericError, JobLost, LuxiError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def wait(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Wait for the end, without the job's output; the exit code tells how it ended."""
    return _follow(ctx, number(args[0]), quiet=True)


def watch(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print the job's output from its beginning to its end."""
    job_id = number(args[0])
    title = f"Output from job {job_id} follows"
    ctx.say(f"{title}\n{'-' * len(title)}")
    return _follow(ctx, job_id, quiet=False)


def _follow(ctx: "Context", job_id: int, *, quiet: bool) -> int:
    try:
        follow(ctx, job_id, quiet=quiet)
    except (LuxiError, JobLost):
        raise
    except GenericError as err:
        code, text = failure.describe(err)
        ctx.warn(f"Job {job_id} failed: {text}")
        return code
    return failure.OK


COMMANDS: Final = {
    "wait": Command(wait, (Arg("jobid"),), (), usage="{job-id}"),
    "watch": Command(watch, (Arg("jobid"),), (), usage="{job-id}"),
}
