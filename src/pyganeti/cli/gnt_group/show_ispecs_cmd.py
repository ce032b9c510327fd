"""``gnt-group show-ispecs-cmd``: a query, printed as commands. Source: gnt-group(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure, info
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import network as n
from pyganeti.cli.policy import specs_command
from pyganeti.cli.wanted import any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Print what makes the named groups, or all, with the bounds that they have."""
    field = "ipolicy" if opts.include_defaults else "custom_ipolicy"
    fields = ["name", field]
    rows = ctx.query_client.query("group", fields, any_of(args))["data"]
    for group in info.records(rows, fields):
        ctx.say(specs_command("gnt-group add", group[field], group["name"]))
    return failure.OK


COMMANDS: Final = {
    "show-ispecs-cmd": Command(
        show, (any_number("group"),), (n.INCLUDE_DEFAULTS,), usage="[options...] [group...]"
    ),
}
