"""``gnt-instance batch-create``: a file of instances -> ``OP_INSTANCE_MULTI_ALLOC``.

Source: gnt-instance(8) BATCH-CREATE.
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import parse_json
from pyganeti.cli.submit import Jobs, run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Create the instances of a file, a job for each."""
    op = {
        "OP_ID": "OP_INSTANCE_MULTI_ALLOC",
        "instances": read_instances(args[0]),
        "iallocator": opts.iallocator,
    }
    result = run_op(ctx, opts, op)
    if result is None:  # a dry run
        return failure.OK
    jobs = Jobs(ctx, opts, verbose=False)
    for accepted, job in result["jobs"]:
        jobs.adopt(accepted, job)
    for name in result["failed"]:
        ctx.warn(f"no nodes were found for instance {name}")
    errors = sum(not done for done, _ in jobs.wait()) + len(result["failed"])
    if errors:
        ctx.say(f"There were {errors} errors during the instance creation.")
        return failure.FAILURE
    ctx.say("All instances created successfully.")
    return failure.OK


def read_instances(path: str) -> list[dict[str, Any]]:
    """The instances that a file describes, as opcodes.

    Raises:
        OpPrereqError: it cannot be read, or is no list of mappings in JSON.
    """
    try:
        with open(path, encoding="utf-8") as handle:
            found = parse_json(handle.read())
    except OSError as err:
        raise OpPrereqError(f"{path}: {err.strerror}") from err
    except ValueError as err:
        raise OpPrereqError(f"{path} is not JSON: {err}") from err
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise OpPrereqError(f"{path}: expected a list of mappings, one an instance")
    # Nothing else can be meant by a file of new instances.
    return [{"OP_ID": "OP_INSTANCE_CREATE", "mode": "create", **one} for one in found]


COMMANDS: Final = {
    "batch-create": Command(
        run,
        (Arg("file"),),
        (o.DRY_RUN, o.PRIORITY, o.IALLOCATOR, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {file}",
    ),
}
