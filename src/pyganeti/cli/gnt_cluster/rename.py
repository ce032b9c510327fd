"""``gnt-cluster rename``: ``OP_CLUSTER_RENAME``. Source: gnt-cluster(8) RENAME."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_WARNING: Final = (
    "This renames the cluster to '{}'. Its address may become another: who is connected to the"
    " present one is cut off, and does not see how it ends. Continue?"
)


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Rename the cluster, if the user agrees."""
    (new,) = args
    old = ctx.query_client.query_cluster_info()["name"]
    if not opts.force:
        ctx.confirm(_WARNING.format(new))
    name = run_op(ctx, opts, {"OP_ID": "OP_CLUSTER_RENAME", "name": new})
    if name is not None:  # a dry run tells in the job's log
        ctx.say(f"Cluster renamed from '{old}' to '{name}'")
    return failure.OK


COMMANDS: Final = {
    "rename": Command(run, (Arg("host"),), (o.FORCE, o.DRY_RUN), usage="[options...] {name}"),
}
