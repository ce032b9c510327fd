"""``gnt-storage`` diagnose, info: ``OP_EXT_STORAGE_DIAGNOSE`` as a job, its rows printed.

Source: gnt-storage(8).
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = ("name", "node_status", "nodegroup_status", "parameters")
# One provider: values by the names above. ``node_status`` maps a node to what is found in the
# search path there: [path, usable, text, [parameter, text] pairs].
ProviderRow = dict[str, Any]


def _providers(ctx: "Context", opts: "Values") -> list[ProviderRow]:
    fields = list(_FIELDS)
    op = {"OP_ID": "OP_EXT_STORAGE_DIAGNOSE", "output_fields": fields, "names": []}
    return [dict(zip(fields, row, strict=True)) for row in run_op(ctx, opts, op)]


def show_diagnosis(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """``gnt-storage diagnose``; fails when there is none, or one is not usable everywhere."""
    rows = _providers(ctx, opts)
    if opts.format != "table":
        ctx.dump(opts, rows, _FIELDS)
    elif not rows:
        ctx.warn("Can't get the list of ExtStorage providers")
    else:
        for line in (line for row in rows for line in _diagnosis(row)):
            ctx.say(line)
    return failure.OK if rows and all(map(_is_valid, rows)) else failure.FAILURE


def _is_valid(row: ProviderRow) -> bool:
    return all(row["nodegroup_status"].values())


def _diagnosis(row: ProviderRow) -> list[str]:
    status = "valid" if _is_valid(row) else "invalid"
    lines = [f"Provider: {row['name']} [global status: {status}]"]
    for node, found in row["node_status"].items():
        state = _state(found[0]) if found else "invalid - not found"
        lines.append(f"  Node: {node}, status: {state}")
        # Providers behind the first one are never used; they are named so that nobody wonders.
        lines += [f"    hidden by the first: {_state(other)}" for other in found[1:]]
    for group, usable in row["nodegroup_status"].items():
        lines.append(f"  Nodegroup: {group}, status: {'valid' if usable else 'invalid'}")
    return [*lines, ""]


def _state(found: list[Any]) -> str:
    path, usable, text, parameters = found
    state = f"{'valid' if usable else f'invalid - {text}'} (path: {path})"
    if parameters:
        state += f" [parameters: {', '.join(name for name, _ in parameters)}]"
    return state


def show_info(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """``gnt-storage info``; fails when there is none, or a named one is not there."""
    rows = {row["name"]: row for row in _providers(ctx, opts)}
    wanted = [name for name in args or rows if name in rows]
    if opts.format != "table":
        ctx.dump(opts, [rows[name] for name in wanted], _FIELDS)
    elif not rows:
        ctx.warn("Can't get the ExtStorage providers list")
        return failure.FAILURE
    else:
        for line in (line for name in wanted for line in _details(rows[name])):
            ctx.say(line)
    missing = [name for name in args if name not in rows]
    for name in missing:
        ctx.warn(f"ExtStorage provider '{name}' unknown")
    return failure.FAILURE if missing or not rows else failure.OK


def _details(row: ProviderRow) -> list[str]:
    usable = [group for group, valid in row["nodegroup_status"].items() if valid]
    lines = [f"{row['name']}:", f"  - valid for groups: {', '.join(usable) or '-'}"]
    lines += ["  - parameters:", *(f"    - {name}: {text}" for name, text in row["parameters"])]
    return [*lines, ""]


COMMANDS: Final = {
    "diagnose": Command(show_diagnosis, (), (o.PRIORITY, o.FORMAT)),
    "info": Command(
        show_info, (any_number("os"),), (o.PRIORITY, o.FORMAT), usage="[options...] [os...]"
    ),
}
