"""``gnt-cluster verify``: ``OP_CLUSTER_VERIFY`` starts the jobs that check; their findings follow.

Source: gnt-cluster(8) VERIFY.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command
from pyganeti.cli.options import cluster as c
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import Jobs, run_op
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Check the cluster; fails on findings that are errors."""
    skip = []
    if opts.skip_nplusone_mem:
        skip.append("nplusone_mem")
    if opts.skip_hvparam_assessment:
        skip.append("hvparam_assessment")
    op: OpDict = {
        "OP_ID": "OP_CLUSTER_VERIFY",
        "verbose": opts.verbose,
        "error_codes": opts.error_codes,
        "debug_simulate_errors": opts.simulate_errors,
        "skip_checks": skip,
        "ignore_errors": opts.ignore_errors,
        "group_name": opts.nodegroup,
        "verify_clutter": opts.verify_clutter,
    }
    answer = run_op(ctx, opts, op)
    if answer is None:  # a dry run makes no jobs
        return failure.OK
    jobs = Jobs(ctx, opts)
    for accepted, job in answer["jobs"]:
        jobs.adopt(accepted, job)
    outcome = jobs.wait()
    failed = sum(not success for success, _ in outcome)
    if failed:
        ctx.say(f"{failed} job(s) failed while verifying the cluster.")
    found = any(success and not all(results) for success, results in outcome)
    return failure.FAILURE if failed or found else failure.OK


COMMANDS: Final = {
    "verify": Command(
        run,
        (),
        (
            o.VERBOSE,
            c.ERROR_CODES,
            c.IGNORE_ERRORS,
            c.SIMULATE_ERRORS,
            c.SKIP_HVPARAM_ASSESSMENT,
            c.SKIP_NPLUSONE_MEM,
            c.VERIFY_CLUTTER,
            o.NODEGROUP,
            o.DRY_RUN,
            o.PRIORITY,
        ),
    ),
}
