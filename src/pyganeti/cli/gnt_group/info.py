"""``gnt-group info``: a query, printed as YAML. Source: gnt-group(8) INFO."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info, policy
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.wanted import any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = (
    "name",
    "ndparams",
    "custom_ndparams",
    "diskparams",
    "custom_diskparams",
    "ipolicy",
    "custom_ipolicy",
)
# A node group by the names above.
Group = dict[str, Any]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the named groups, or all."""
    fields = list(_FIELDS)
    rows = ctx.query_client.query("group", fields, any_of(args))["data"]
    groups = info.records(rows, fields)
    if opts.format != "table":
        ctx.dump(opts, groups, fields)
    else:
        ctx.write(info.render([details(group) for group in groups]))
    return failure.OK


def details(group: Group) -> list[tuple[str, Any]]:
    """One group as pairs, in the order printed."""
    return [
        ("Node group", group["name"]),
        ("Node parameters", info.params(group["custom_ndparams"], group["ndparams"])),
        ("Disk parameters", info.params(group["custom_diskparams"], group["diskparams"])),
        ("Instance policy", policy.show(group["custom_ipolicy"], group["ipolicy"])),
    ]


COMMANDS: Final = {
    "info": Command(show, (any_number("group"),), (o.FORMAT,), usage="[group...]"),
}
