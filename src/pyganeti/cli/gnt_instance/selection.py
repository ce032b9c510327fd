"""Which instances a command acts on: names, nodes, tags, or all; and running one job for each.

    --node, --tags, ..., names -> queries -> instance names -> confirmation -> a job each

Used by startup, shutdown, reboot and reinstall. Source: gnt-instance(8) STARTUP.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.options import instance as i
from pyganeti.cli.submit import Jobs
from pyganeti.model.errors import OpPrereqError
from pyganeti.wire.luxi.client import OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

OPTIONS: Final = (
    i.FORCE_MULTI,
    i.SELECT_CLUSTER,
    i.SELECT_INSTANCES,
    i.SELECT_INSTANCES_BY_TAGS,
    i.SELECT_NODES,
    i.SELECT_NODES_BY_TAGS,
    i.SELECT_NODES_PRI,
    i.SELECT_NODES_PRI_BY_TAGS,
    i.SELECT_NODES_SEC,
    i.SELECT_NODES_SEC_BY_TAGS,
)
_PRIMARY: Final = "pinst_list"
_SECONDARY: Final = "sinst_list"
# What a selection by nodes reads.
_NODE_FIELDS: Final = {
    "nodes": (_PRIMARY, _SECONDARY),
    "nodes-pri": (_PRIMARY,),
    "nodes-sec": (_SECONDARY,),
}
_BY_TAGS: Final = "-by-tags"


def select(ctx: "Context", opts: "Values", args: list[str]) -> list[str]:
    """Names of the instances meant, each once, in the order found.

    Raises:
        OpPrereqError: names are missing or too many, or nothing matches.
    """
    mode = opts.multi_mode or "instances"
    if mode == "cluster" and args:
        raise OpPrereqError("--all takes no names")
    if mode != "cluster" and not args:
        raise OpPrereqError("no names given: name what to act on, or use --all")
    names = list(dict.fromkeys(_matching(ctx, mode, args)))
    if not names and mode != "cluster":
        raise OpPrereqError("the selection does not match any instance")
    return names


def _matching(ctx: "Context", mode: str, args: list[str]) -> list[str]:
    by_tags = mode.endswith(_BY_TAGS)
    target = mode.removesuffix(_BY_TAGS)
    operator, field = ("=[]", "tags") if by_tags else ("==", "name")
    qfilter = ["|", *([operator, field, arg] for arg in args)] if args else None
    if target in _NODE_FIELDS:
        rows = ctx.query_client.query("node", list(_NODE_FIELDS[target]), qfilter)["data"]
        return [name for row in rows for _, names in row for name in names or ()]
    rows = ctx.query_client.query("instance", ["name"], qfilter)["data"]
    return [row[0][1] for row in rows]


def is_multiple(opts: "Values", names: list[str]) -> bool:
    """Whether the command acts on more than one instance named by the user."""
    return len(names) > 1 or opts.multi_mode not in (None, "instances")


def confirm_many(ctx: "Context", names: list[str], verb: str, extra: str = "") -> None:
    """Ask before acting on several instances; the list can be looked at.

    Raises:
        NotConfirmed: the user did not agree.
    """
    head = f"The {verb} will operate on {len(names)} instances.\n{extra}"
    question = f"{head}Do you want to continue?"
    view = ("v", "view the instances")
    answer = ctx.ask(question, (("y", f"{verb} them"), view, ("n", "leave them alone")))
    if answer == "v":
        listed = "\n".join(f"  {name}" for name in names)
        answer = ctx.ask(f"{head}{listed}\nDo you want to continue?")
    if answer != "y":
        raise failure.NotConfirmed("Aborted: not confirmed.")


def act(
    ctx: "Context", opts: "Values", args: list[str], verb: str, make: Callable[[str], OpDict]
) -> int:
    """Submit a job for each selected instance; the command's exit code.

    Args:
        ctx: the command's context.
        opts: its options.
        args: its arguments.
        verb: what is done, for the question.
        make: the opcode for one instance.
    """
    names = select(ctx, opts, args)
    if not names:
        ctx.say("Selection is empty, nothing to do")
        return failure.OK
    multiple = is_multiple(opts, names)
    if multiple and not opts.force_multi:
        confirm_many(ctx, names, verb)
    return submit(ctx, opts, names, make, verbose=multiple)


def submit(
    ctx: "Context",
    opts: "Values",
    names: list[str],
    make: Callable[[str], OpDict],
    *,
    verbose: bool,
) -> int:
    """Submit a job for each name and wait; the exit code."""
    jobs = Jobs(ctx, opts, verbose=verbose)
    for name in names:
        jobs.add(name, make(name))
    outcome: list[tuple[bool, Any]] = jobs.run()
    return failure.OK if all(success for success, _ in outcome) else failure.FAILURE
