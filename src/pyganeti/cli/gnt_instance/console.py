"""``gnt-instance console``: the field ``console`` says how to connect; this connects.

Source: gnt-instance(8) CONSOLE; the console kinds of the constants.
"""

import os
import shlex
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.option import Arg, Command
from pyganeti.cli.options import instance as i
from pyganeti.cli.options import shared as o
from pyganeti.cli.wanted import any_of
from pyganeti.kit.ssh import ssh_command
from pyganeti.model.errors import OpExecError, OpPrereqError

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

# instance, kind, message, host, port, user, command, display
Console = dict[str, Any]
_VNC_BASE: Final = 5900
_SSH_PORT: Final = 22


def run(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Connect to the console, or say how."""
    answer = ctx.query_client.query("instance", ["name", "console"], any_of(args))
    (row,) = answer["data"]
    name, (status, console) = row[0][1], row[1]
    if status != 0 or not console:
        raise OpPrereqError(f"instance '{name}' is not running, it has no console", "wrong_state")
    if console["kind"] == "ssh":
        return _attach(ctx, opts, console)
    if console["kind"] not in _TEXTS:
        kinds = ", ".join(("ssh", *_TEXTS))
        raise OpExecError(f"console of kind {console['kind']!r}, this program knows {kinds}")
    text = _TEXTS[console["kind"]](console)
    if opts.show_command and console["kind"] == "msg":
        # What asks for a command would take the message for one.
        raise OpPrereqError(f"no command leads to the console: {text}", "wrong_state")
    ctx.say(text)
    return failure.OK


def _message(console: Console) -> str:
    return str(console["message"])


def _vnc(console: Console) -> str:
    host, port = console["host"], console["port"]
    display = console.get("display")
    if display is None and port >= _VNC_BASE:
        display = port - _VNC_BASE
    return (
        f"Instance {console['instance']} has VNC listening on {host}:{port} (display {display}),"
        f" URL <vnc://{host}:{port}/>"
    )


def _spice(console: Console) -> str:
    return f"Instance {console['instance']} has SPICE on <spice://{console['host']}:{console['port']}/>"


_TEXTS: Final = {"msg": _message, "vnc": _vnc, "spice": _spice}


def _attach(ctx: "Context", opts: "Values", console: Console) -> int:
    # Both are slow to import and only needed to run something.
    from pyganeti.kit.process import ProcessError, run_attached
    from pyganeti.kit.resolver import own_hostname

    command, env = console["command"], dict(ctx.env)
    argv = shlex.split(command) if isinstance(command, str) else list(command)
    host = console["host"]
    if ctx.paths.is_virtual:
        # Its node lives beside ours; the command's paths are whole already.
        env["GANETI_ROOTDIR"] = os.path.join(os.path.dirname(ctx.paths.rootdir), host)
        env["GANETI_HOSTNAME"] = host
    elif host != own_hostname(ctx.paths):
        user, port = console.get("user") or "root", console.get("port") or _SSH_PORT
        argv = ssh_command(ctx.paths, host, argv, user=user, port=port, tty=True)
    if opts.show_command:
        ctx.say(shlex.join(argv))
        return failure.OK
    try:
        code = run_attached(argv, env)
    except ProcessError as err:
        raise OpExecError(f"cannot start the console: {err}") from err
    if code:
        ctx.warn(f'Console command "{shlex.join(argv)}" failed (code {code}).')
        return failure.FAILURE
    return failure.OK


COMMANDS: Final = {
    "console": Command(
        run, (Arg("instance"),), (i.SHOW_COMMAND, o.PRIORITY), usage="[options...] {instance}"
    ),
}
