"""``gnt-node`` list-storage, volumes, modify-storage and repair-storage: each a job.

    nodes, fields -> OP_NODE_QUERY_STORAGE, OP_NODE_QUERYVOLS -> table

Source: gnt-node(8).
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, table
from pyganeti.cli.listing import parse_fields
from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import node as n
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_SIZES: Final = frozenset({"free", "size", "used"})
_STORAGE: Final = {
    "node": "Node",
    "type": "Type",
    "name": "Name",
    "size": "Size",
    "used": "Used",
    "free": "Free",
    "allocatable": "Allocatable",
}
_VOLUMES: Final = {
    "node": "Node",
    "phys": "PhysDev",
    "vg": "VG",
    "name": "Name",
    "size": "Size",
    "instance": "Instance",
}


def list_storage(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List the storage units of nodes."""
    fields = parse_fields(opts.output, list(_STORAGE))
    op = {
        "OP_ID": "OP_NODE_QUERY_STORAGE",
        "nodes": args,
        "storage_type": opts.user_storage_type,
        "output_fields": fields,
    }
    return show_rows(ctx, opts, fields, run_op(ctx, opts, op), _STORAGE)


def list_volumes(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """List the logical volumes of nodes."""
    fields = parse_fields(opts.output, list(_VOLUMES))
    op = {"OP_ID": "OP_NODE_QUERYVOLS", "nodes": args, "output_fields": fields}
    rows = [
        [int(value) if name == "size" else value for name, value in zip(fields, row, strict=True)]
        for row in run_op(ctx, opts, op)
    ]
    return show_rows(ctx, opts, fields, rows, _VOLUMES)


def show_rows(
    ctx: "Context", opts: "Values", fields: list[str], rows: list[list[Any]], titles: dict[str, str]
) -> int:
    """Print rows of ``fields`` as a table, or for programs."""
    if opts.format != "table":
        ctx.dump(opts, [dict(zip(fields, row, strict=True)) for row in rows], fields)
        return failure.OK
    units = getattr(opts, "units", None) or ("h" if opts.separator is None else "m")
    forms = [_form(name, units) for name in fields]
    cells = [[form(value) for form, value in zip(forms, row, strict=True)] for row in rows]
    numbers = _SIZES | {"minor"}
    columns = [table.Column(titles[name], name in numbers) for name in fields]
    headers = not opts.no_headers
    for line in table.lines(columns, cells, headers=headers, separator=opts.separator):
        ctx.say(line)
    return failure.OK


def _form(name: str, units: str) -> table.Formatter:
    if name == "allocatable":
        return table.yes_no
    return table.formatter_for("unit" if name in _SIZES else "text", units)


def modify_storage(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Change a storage unit."""
    node, storage_type, name = args
    if opts.allocatable is None:
        raise OpPrereqError("please give at least one of the parameters")
    op = {
        "OP_ID": "OP_NODE_MODIFY_STORAGE",
        "node_name": node,
        "storage_type": storage_type,
        "name": name,
        "changes": {"allocatable": opts.allocatable},
    }
    run_op(ctx, opts, op)
    return failure.OK


def repair_storage(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Repair a storage unit."""
    node, storage_type, name = args
    op = {
        "OP_ID": "OP_REPAIR_NODE_STORAGE",
        "node_name": node,
        "storage_type": storage_type,
        "name": name,
        "ignore_consistency": opts.ignore_consistency,
    }
    run_op(ctx, opts, op)
    return failure.OK


COMMANDS: Final = {
    "list-storage": Command(
        list_storage,
        (any_number("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.UNITS, o.OUTPUT, n.USER_STORAGE_TYPE, o.PRIORITY, o.FORMAT),
        usage="[options...] [node...]",
    ),
    "modify-storage": Command(
        modify_storage,
        (Arg("node"), Arg("choice", choices=("lvm-pv",)), Arg("file")),
        (n.ALLOCATABLE, o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {node} {lvm-pv} {file}",
    ),
    "repair-storage": Command(
        repair_storage,
        (Arg("node"), Arg("choice", choices=("lvm-vg",)), Arg("file")),
        (o.IGNORE_CONSISTENCY, o.DRY_RUN, o.PRIORITY, o.SUBMIT_ONLY, o.PRINT_JOBID),
        usage="[options...] {node} {lvm-vg} {file}",
    ),
    "volumes": Command(
        list_volumes,
        (any_number("node"),),
        (o.NO_HEADERS, o.SEPARATOR, o.UNITS, o.OUTPUT, o.PRIORITY, o.FORMAT),
        usage="[options...] [node...]",
    ),
}
