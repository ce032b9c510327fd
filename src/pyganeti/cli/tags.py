"""Tags of any object: ``add-tags``, ``list-tags``, ``remove-tags`` of all tools.

Source: the "Tags" sections of the manual pages.
"""

import sys
from functools import partial
from typing import TYPE_CHECKING

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command, any_number
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import run_op
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

CLUSTER = "cluster"


def commands(kind: str, what: str) -> dict[str, Command]:
    """The three sub-commands for objects of one kind.

    Args:
        kind: ``cluster``, ``node``, ``nodegroup``, ``instance`` or ``network``.
        what: the argument that names the object.
    """
    named = () if kind == CLUSTER else (Arg(what),)
    name = "" if kind == CLUSTER else f" {{{what}}}"
    change = (*named, any_number("tag"))
    options = (o.TAGS_SOURCE, *o.JOB)
    usage = f"[options...]{name} [tag...]"
    return {
        "add-tags": Command(partial(_change, kind, "OP_TAGS_SET"), change, options, usage),
        "list-tags": Command(partial(_show, kind), named, (o.FORMAT,), f"[options...]{name}"),
        "remove-tags": Command(partial(_change, kind, "OP_TAGS_DEL"), change, options, usage),
    }


def _split(kind: str, args: list[str]) -> tuple[str | None, list[str]]:
    return (None, args) if kind == CLUSTER else (args[0], args[1:])


def _change(kind: str, op_id: str, ctx: "Context", opts: "Values", args: list[str]) -> int:
    name, tags = _split(kind, args)
    tags = tags + (_read(opts.tags_source) if opts.tags_source else [])
    if not tags:
        raise OpPrereqError("no tags given")
    run_op(ctx, opts, {"OP_ID": op_id, "kind": kind, "name": name, "tags": tags})
    return failure.OK


def _show(kind: str, ctx: "Context", opts: "Values", args: list[str]) -> int:
    name, _ = _split(kind, args)
    tags = sorted(ctx.query_client.query_tags(kind, name or ""))
    if opts.format != "table":
        ctx.dump(opts, [{"tag": tag} for tag in tags], ("tag",))
    else:
        for tag in tags:
            ctx.say(tag)
    return failure.OK


def _read(path: str) -> list[str]:
    """Tags from a file, one a line; ``-`` is standard input."""
    if path == "-":
        lines = sys.stdin.readlines()
    else:
        try:
            with open(path, encoding="utf-8") as handle:
                lines = handle.readlines()
        except OSError as err:
            raise OpPrereqError(f"cannot read tags from {path}: {err.strerror}") from err
    return [line.strip() for line in lines if line.strip()]
