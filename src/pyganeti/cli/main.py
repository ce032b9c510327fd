"""Entry points of the ``gnt-*`` programs.

    argv -> tool -> module of the sub-command, no other -> options, arguments -> run -> exit code

Standard library only, and little of it: starting is most of what a short command costs.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from errno import EBADF
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

from pyganeti.cli import failure, parser
from pyganeti.cli.context import Context, open_terminal
from pyganeti.cli.option import Command, Tool
from pyganeti.kit.clock import now
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError, NoMasterError, OpPrereqError
from pyganeti.model.versions import RELEASE_VERSION, VCS_VERSION
from pyganeti.wire.luxi.client import LuxiClient

if TYPE_CHECKING:
    from optparse import Values


def load_tool(program: str) -> Tool:
    """The table of sub-commands of ``program``."""
    tool: Tool = import_module(f"pyganeti.cli.{program.replace('-', '_')}").TOOL
    return tool


def load_command(tool: Tool, name: str) -> Command:
    """One sub-command; imports its module."""
    module = f"pyganeti.cli.{tool.name.replace('-', '_')}.{tool.entries[name].module}"
    command: Command = import_module(module).COMMANDS[name]
    return command


def usage(tool: Tool) -> str:
    """What a program without a sub-command says."""
    width = max(len(name) for name in tool.entries)
    lines = [
        f"Usage: {tool.name} {{command}} [options...] [argument...]",
        f"{tool.name} <command> --help to see details, or man {tool.name}",
        "",
        "Commands:",
    ]
    lines += [f" {name:<{width}} - {entry.summary}" for name, entry in sorted(tool.entries.items())]
    return "\n".join(lines)


def run_tool(
    program: str,
    argv: list[str],
    env: Mapping[str, str],
    out: TextIO,
    err: TextIO,
    *,
    connect: Callable[[str], LuxiClient] = LuxiClient,
    open_tty: Callable[[], TextIO] = open_terminal,
) -> int:
    """Run one program and return its exit code.

    Raises:
        SystemExit: from the option parser: help (0) or a bad option (2).
    """
    tool = load_tool(program)
    if not argv or argv[0] in ("--help", "-h"):
        out.write(usage(tool) + "\n")
        return failure.OK if argv else failure.FAILURE
    if argv[0] == "--version":
        out.write(f"{program} (ganeti {VCS_VERSION}) {RELEASE_VERSION}\n")
        return failure.OK
    name = tool.aliases.get(argv[0], argv[0])
    if name not in tool.entries:
        err.write(f"{program}: unknown command {argv[0]!r}\n{usage(tool)}\n")
        return failure.FAILURE
    for number, argument in enumerate(argv, 1):
        if not argument.isprintable() and _is_broken(argument):
            err.write(f"Error: argument {number} is not valid UTF-8: {argument!a}\n")
            return failure.FAILURE
    command = load_command(tool, name)
    options, args = parse(tool, name, command, argv[1:], env)
    try:
        parser.check_arguments(name, command.args, args)
        paths = Paths.from_env(env)
    except (OpPrereqError, ValueError) as refused:
        err.write(f"Error: {refused}\n")
        return failure.FAILURE
    context = Context(
        program=program,
        command=name,
        paths=paths,
        env=env,
        out=out,
        err=err,
        connect=connect,
        open_tty=open_tty,
        wall_clock=now,
    )
    return execute(context, command, options, args)


def parse(
    tool: Tool, name: str, command: Command, words: list[str], env: Mapping[str, str]
) -> "tuple[Values, list[str]]":
    """Options and arguments of a sub-command, defaults from the environment included."""
    build = parser.build(tool.name, name, command, tool.entries[name].summary)
    if command.defaults_env and env.get(command.defaults_env):
        import shlex

        try:
            words = shlex.split(env[command.defaults_env]) + words
        except ValueError as err:
            build.error(f"the variable {command.defaults_env} cannot be read: {err}")
    return build.parse_args(words)


def execute(context: Context, command: Command, options: "Values", args: list[str]) -> int:
    """Run a sub-command and turn what it raises into text and exit code."""
    for flag in options.obsolete:
        context.warn(f"Warning: {flag} has no effect any more")
    try:
        if getattr(options, "format", "table") != "table":
            # Only for those who ask: most commands print for people.
            from pyganeti.cli import dump

            dump.check(options)
        return command.run(context, options, args)
    except failure.JobSubmitted as submitted:
        context.warn(f"JobID: {submitted.args[0]}")
        return failure.OK
    except NoMasterError as absent:
        reason = context.explain_absence(absent)
        reason.__cause__ = absent if reason is not absent else None
        return _fail(context, reason, options)
    except GenericError as failed:
        return _fail(context, failed, options)
    except KeyboardInterrupt:
        context.warn("Aborted. Jobs that were submitted go on in the background.")
        return failure.FAILURE


def _fail(context: Context, failed: GenericError, options: "Values") -> int:
    if options.debug:
        import traceback

        context.warn("".join(traceback.format_exception(failed)).rstrip())
    code, text = failure.describe(failed)
    context.warn(text)
    return code


def _is_broken(argument: str) -> bool:
    """Whether Python keeps bytes in it that are no text."""
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _main(program: str) -> int:
    # Python has no object for a standard output that was closed before it started.
    if sys.stdout is None:
        return _unwritable(os.strerror(EBADF))
    try:
        try:
            return run_tool(program, sys.argv[1:], os.environ, sys.stdout, sys.stderr)
        finally:
            # Here, as Python says the rest in its own words while it ends.
            sys.stdout.flush()
    except BrokenPipeError:
        # Who read our output has gone.
        _drop_output()
        return failure.FAILURE
    except OSError as err:
        # Errors of files name them, and errors of sockets are wrapped: this is standard output.
        if err.filename is not None:
            raise
        _drop_output()
        return _unwritable(err.strerror or str(err))


def _drop_output() -> None:
    """Send what is still to be written nowhere; Python would complain again while it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritable(reason: str) -> int:
    with suppress(OSError):
        sys.stderr.write(f"Failure: cannot write to standard output: {reason}\n")
    return failure.FAILURE


def gnt_backup() -> int:
    """``gnt-backup``."""
    return _main("gnt-backup")


def gnt_cluster() -> int:
    """``gnt-cluster``."""
    return _main("gnt-cluster")


def gnt_debug() -> int:
    """``gnt-debug``."""
    return _main("gnt-debug")


def gnt_filter() -> int:
    """``gnt-filter``."""
    return _main("gnt-filter")


def gnt_group() -> int:
    """``gnt-group``."""
    return _main("gnt-group")


def gnt_instance() -> int:
    """``gnt-instance``."""
    return _main("gnt-instance")


def gnt_job() -> int:
    """``gnt-job``."""
    return _main("gnt-job")


def gnt_network() -> int:
    """``gnt-network``."""
    return _main("gnt-network")


def gnt_node() -> int:
    """``gnt-node``."""
    return _main("gnt-node")


def gnt_os() -> int:
    """``gnt-os``."""
    return _main("gnt-os")


def gnt_storage() -> int:
    """``gnt-storage``."""
    return _main("gnt-storage")
