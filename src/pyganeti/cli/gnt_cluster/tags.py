"""Tags of the cluster, and the search in all tags. Source: gnt-cluster(8) "Tags"."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.cli.tags import CLUSTER, commands

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def search(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print objects and their tags that match; fails when there are none."""
    found = run_op(ctx, opts, {"OP_ID": "OP_TAGS_SEARCH", "pattern": args[0]})
    if opts.format != "table":
        ctx.dump(opts, [{"path": path, "tag": tag} for path, tag in sorted(found)], ("path", "tag"))
    else:
        for path, tag in sorted(found):
            ctx.say(f"{path} {tag}")
    return failure.OK if found else failure.FAILURE


COMMANDS: Final = {
    **commands(CLUSTER, CLUSTER),
    "search-tags": Command(
        search, (Arg("pattern"),), (o.PRIORITY, o.FORMAT), usage="[options...] {pattern}"
    ),
}
