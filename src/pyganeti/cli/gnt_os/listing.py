"""``gnt-os`` list, diagnose, info: ``OP_OS_DIAGNOSE`` as a job, its rows printed.

Source: gnt-os(8).
"""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info
from pyganeti.cli.option import Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = (
    "name",
    "valid",
    "hidden",
    "blacklisted",
    "variants",
    "parameters",
    "api_versions",
    "node_status",
    "os_hvp",
    "osparams",
    "trusted",
)
# One operating system: values by the names above. ``node_status`` maps a node to what is found in
# the search path there: [path, usable, text, variants, [parameter, text] pairs, API versions,
# trusted].
OsRow = dict[str, Any]


def diagnose(ctx: "Context", opts: "Values") -> list[OsRow]:
    """What the nodes report about their OS definitions."""
    fields = list(_FIELDS)
    rows = run_op(ctx, opts, {"OP_ID": "OP_OS_DIAGNOSE", "output_fields": fields, "names": []})
    return [dict(zip(fields, row, strict=True)) for row in rows]


def variant_names(row: OsRow) -> list[str]:
    """What an instance's OS may be called: ``os+variant``, or the plain name."""
    return [f"{row['name']}+{variant}" for variant in row["variants"] or ()] or [row["name"]]


def usable_names(ctx: "Context", opts: "Values") -> list[str]:
    """Names of all OSes that new instances may use."""
    return [
        name
        for row in diagnose(ctx, opts)
        if row["valid"] and not row["hidden"] and not row["blacklisted"]
        for name in variant_names(row)
    ]


def show_list(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """``gnt-os list``."""
    rows = [[name] for name in usable_names(ctx, opts)]
    if opts.format != "table":
        ctx.dump(opts, [{"name": name} for (name,) in rows], ("name",))
        return failure.OK
    if not opts.no_headers:
        ctx.say("Name".ljust(max((len(name) for (name,) in rows), default=0)))
    for (name,) in rows:
        ctx.say(name)
    return failure.OK


def show_diagnosis(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """``gnt-os diagnose``; fails when an OS is not usable everywhere."""
    rows = diagnose(ctx, opts)
    if opts.format != "table":
        ctx.dump(opts, rows, _FIELDS)
    else:
        for line in (line for row in rows for line in _diagnosis(row)):
            ctx.say(line)
    return failure.OK if all(row["valid"] for row in rows) else failure.FAILURE


def _diagnosis(row: OsRow) -> list[str]:
    status = "valid" if row["valid"] else "invalid"
    flags = [flag for flag in ("blacklisted", "hidden") if row[flag]]
    extra = f" [{', '.join(flags)}]" if flags else ""
    lines = [f"OS: {row['name']} [global status: {status}]{extra}"]
    if row["variants"]:
        lines.append(f"  Variants: [{', '.join(row['variants'])}]")
    for node, found in row["node_status"].items():
        if not found:
            lines.append(f"  Node: {node}, status: invalid - not found")
            continue
        lines.append(f"  Node: {node}, status: {_state(found[0])}")
        # Definitions behind the first one are never used; they are named so that nobody wonders.
        lines += [f"    hidden by the first: {_state(other)}" for other in found[1:]]
    return [*lines, ""]


def _state(found: list[Any]) -> str:
    path, usable, text, variants, parameters, api_versions, trusted = found
    parts = ["valid" if usable else f"invalid - {text}", f"(path: {path})"]
    if api_versions:
        parts.append(f"[API versions: {', '.join(str(version) for version in api_versions)}]")
    else:
        parts.append("[no API versions declared]")
    if variants:
        parts.append(f"[variants: {', '.join(variants)}]")
    if parameters:
        parts.append(f"[parameters: {', '.join(name for name, _ in parameters)}]")
    parts.append("[trusted]" if trusted else "[untrusted]")
    return " ".join(parts)


def show_info(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """``gnt-os info``; fails when a named OS is not there."""
    # All are asked for: one that is missing must not hide the others.
    rows = {row["name"]: row for row in diagnose(ctx, opts)}
    if opts.format != "table":
        ctx.dump(opts, [row for name, row in rows.items() if not args or name in args], _FIELDS)
    missing = [name for name in args if name.partition("+")[0] not in rows]
    for name in args or rows if opts.format == "table" else ():
        if name in rows:
            lines = _details(rows[name])
        elif name in missing:
            continue
        else:
            lines = _variant(name, rows[name.partition("+")[0]])
        for line in (*lines, ""):
            ctx.say(line)
    for name in missing:
        ctx.warn(f"OS '{name}' unknown")
    return failure.FAILURE if missing else failure.OK


def _details(row: OsRow) -> list[str]:
    """One definition as lines; lists in it stand no deeper than their names."""
    lines = [f"{row['name']}:"]
    lines += [f"  - {flag}: {row[flag]}" for flag in ("valid", "hidden", "blacklisted")]
    if row["valid"]:
        parameters = [f"{name}: {text}" for name, text in row["parameters"]]
        lists = (("API versions", row["api_versions"]), ("variants", row["variants"]),
                 ("parameters", parameters))  # fmt: skip
        for title, items in lists:
            lines += [f"  - {title}:", *(f"    - {item}" for item in items)]
    return [*lines, f"  - trusted: {row['trusted']}"]


def _variant(name: str, row: OsRow) -> list[str]:
    """What the cluster sets for an OS with a variant; ``row`` is of its definition."""
    shown = [
        ("OS-specific hypervisor parameters", row["os_hvp"].get(name, {})),
        ("OS parameters", row["osparams"].get(name, {})),
    ]
    return info.render([(name, shown)]).splitlines()


COMMANDS: Final = {
    "diagnose": Command(show_diagnosis, (), (o.PRIORITY, o.FORMAT)),
    "info": Command(
        show_info, (any_number("os"),), (o.PRIORITY, o.FORMAT), usage="[options...] [os...]"
    ),
    "list": Command(show_list, (), (o.NO_HEADERS, o.PRIORITY, o.FORMAT)),
}
