"""``gnt-node info``: a query, printed as YAML. Source: gnt-node(8) INFO."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.wanted import any_of

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = (
    "name",
    "pip",
    "sip",
    "pinst_list",
    "sinst_list",
    "master_candidate",
    "drained",
    "offline",
    "master_capable",
    "vm_capable",
    "powered",
    "ndparams",
    "custom_ndparams",
)
# A node by the names above; what could not be told is null.
Node = dict[str, Any]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the named nodes, or all."""
    fields = list(_FIELDS)
    rows = ctx.query_client.query("node", fields, any_of(args))["data"]
    nodes = info.records(rows, fields)
    if opts.format != "table":
        ctx.dump(opts, nodes, fields)
    else:
        ctx.write(info.render([details(node) for node in nodes]))
    return failure.OK


def details(node: Node) -> list[tuple[str, Any]]:
    """One node as pairs, in the order printed."""
    shown: list[tuple[str, Any]] = [
        ("Node name", node["name"]),
        ("primary ip", node["pip"]),
        ("secondary ip", node["sip"]),
        ("master candidate", node["master_candidate"]),
        ("drained", node["drained"]),
        ("offline", node["offline"]),
    ]
    if node["powered"] is not None:
        shown.append(("powered", node["powered"]))
    shown += [("master_capable", node["master_capable"]), ("vm_capable", node["vm_capable"])]
    if node["vm_capable"]:
        shown += [
            ("primary for instances", list(node["pinst_list"] or ())),
            ("secondary for instances", list(node["sinst_list"] or ())),
        ]
    custom, actual = node["custom_ndparams"] or {}, node["ndparams"] or {}
    return [*shown, ("node parameters", info.params(custom, actual))]


COMMANDS: Final = {
    "info": Command(show, (any_number("node"),), (o.FORMAT,), usage="[node...]"),
}
