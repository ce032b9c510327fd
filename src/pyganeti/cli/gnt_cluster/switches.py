"""``gnt-cluster`` queue and watcher: two switches and their state. Source: gnt-cluster(8)."""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import shared as o
from pyganeti.cli.parse import parse_duration
from pyganeti.cli.table import timestamp
from pyganeti.model.errors import OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


# Dates far away cannot be written down.
_LONGEST_S: Final = 100 * 365 * 86400


def queue(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Drain or undrain the job queue, or tell which."""
    if args[0] != "info":
        _check_answers(opts, args[0])
        ctx.client.set_drain_flag(args[0] == "drain")
        return failure.OK
    (drained,) = ctx.query_client.query_config_values(["drain_flag"])
    if opts.format != "table":
        ctx.dump(opts, {"drain_flag": drained})
    else:
        ctx.say(f"The drain flag is {'set' if drained else 'unset'}")
    return failure.OK


def watcher(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Pause the watcher or let it go on, or tell which."""
    if args[0] != "info":
        _check_answers(opts, args[0])
    if args[0] == "pause":
        if len(args) != 2:
            raise OpPrereqError("missing pause duration")
        duration = parse_duration(args[1])
        if duration > _LONGEST_S:
            raise OpPrereqError(f"a pause of {args[1]} is longer than 100 years")
        until = ctx.wall_clock() + duration
        ctx.client.set_watcher_pause(until)
        ctx.say(f"The watcher is paused until {timestamp(until)}.")
    elif args[0] == "continue":
        ctx.client.set_watcher_pause(None)
        ctx.say("The watcher is no longer paused.")
    else:
        (paused,) = ctx.query_client.query_config_values(["watcher_pause"])
        if opts.format != "table":
            ctx.dump(opts, {"watcher_pause": paused})
            return failure.OK
        how = "not paused" if paused is None else f"paused until {timestamp(paused)}"
        ctx.say(f"The watcher is {how}.")
    return failure.OK


def _check_answers(opts: "Values", switch: str) -> None:
    if opts.format != "table":
        raise OpPrereqError(f"--format is for info, {switch} has no answer")


COMMANDS: Final = {
    "queue": Command(
        queue,
        (Arg("choice", choices=("drain", "undrain", "info")),),
        (o.FORMAT,),
        usage="{drain | undrain | info}",
    ),
    "watcher": Command(
        watcher,
        (
            Arg("choice", choices=("pause", "continue", "info")),
            Arg("suggest", 0, 1, choices=("30m", "1h", "4h")),
        ),
        (o.FORMAT,),
        usage="{pause {duration} | continue | info}",
    ),
}
