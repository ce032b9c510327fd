"""``gnt-filter`` add, replace and delete: no jobs, the master does them at once.

Source: gnt-filter(8).
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import job as j
from pyganeti.cli.submit import reason_trail

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_OPTIONS: Final = (j.FILTER_PRIORITY, j.PREDICATES, j.ACTION)


def add(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Make a rule and print its UUID."""
    return _replace(ctx, opts, None)


def replace(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Make a rule of this UUID, in the place of the one that has it, and print it."""
    return _replace(ctx, opts, args[0])


def _replace(ctx: "Context", opts: "Values", uuid: str | None) -> int:
    # The command itself is not part of the trail, as in Ganeti.
    reason = reason_trail(ctx, opts)[:-1]
    ctx.say(ctx.client.replace_filter(uuid, opts.priority, opts.predicates, opts.action, reason))
    return failure.OK


def delete(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Remove a rule."""
    ctx.client.delete_filter(args[0])
    return failure.OK


COMMANDS: Final = {
    "add": Command(add, (), _OPTIONS, usage="[options...]"),
    "delete": Command(delete, (Arg("filter"),), (), usage="{filter-uuid}"),
    "replace": Command(replace, (Arg("filter"),), _OPTIONS, usage="[options...] {filter-uuid}"),
}
