"""``gnt-debug metad``: asks the metadata daemon of this node for a sign of life.

Source: gnt-debug(8) METAD; the daemon's control socket, framed as LUXI.
"""

from typing import TYPE_CHECKING, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Command, at_least_one
from pyganeti.model.errors import ECode, GenericError, NoMasterError, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Send a text to the daemon and print what comes back.

    Raises:
        OpPrereqError: another call than ``echo``, or not one text.
        GenericError: no daemon listens.
    """
    if args[0] != "echo":
        raise OpPrereqError(f"metad: there is no call {args[0]!r}, only echo", ECode.INVAL)
    if len(args) != 2:
        raise OpPrereqError(f"metad echo takes one text, not {len(args) - 1}", ECode.INVAL)
    try:
        with ctx.client_at(ctx.paths.metad_socket) as daemon:
            answer = daemon.call("echo", [args[1]])
    except NoMasterError as absent:
        raise GenericError(
            f"no metadata daemon listens at {absent}; it runs on nodes with instances that"
            " communicate with it"
        ) from absent
    ctx.say(f"Answer: {answer}")
    return failure.OK


COMMANDS: Final = {
    "metad": Command(run, (at_least_one("unknown"),), (), usage="echo {text}"),
}
