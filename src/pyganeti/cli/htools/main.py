"""Entry points of the htools.

    argv -> role (name of the program, or HTOOLS) -> options -> module of the tool -> exit code

Source: htools(1); exit codes: 0, 1 for what cannot be done, 2 for a wrong command line.
"""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TextIO

from pyganeti.model.versions import RELEASE_VERSION, VCS_VERSION

from . import getopt
from .context import Context, Stop
from .options import Options, read_options
from .tools import TOOLS, Tool
from .values import BadValue

OK: Final = 0
FAILURE: Final = 1
USAGE: Final = 2


def version_line(program: str) -> str:
    """The first line of version and help."""
    return f"{program} (ganeti) version {RELEASE_VERSION}\n"


def version_text(program: str) -> str:
    """All that ``--version`` says."""
    made_with = f"{platform.python_implementation().lower()} {platform.python_version()}"
    system = f"{platform.system().lower()} {platform.machine()}"
    return f"{version_line(program)}{VCS_VERSION} with {made_with}\nrunning on {system}\n"


def usage(tool: Tool) -> str:
    """All that ``--help`` says."""
    table = getopt.table(tool.options)
    return f"{version_line(tool.name)}Usage: {tool.name} [OPTION...]\n{table}"


def completion(tool: Tool) -> str:
    """All that ``--help-completion`` says."""
    text = getopt.completion(tool.options)
    if tool.arguments:
        kind, least, most = tool.arguments
        text += f"{kind} {least} {'none' if most is None else most}\n"
    return text


def roles(name: str) -> str:
    """What a program says whose name is none of the tools."""
    width = max(map(len, TOOLS))
    lines = [f" {tool.name:<{width}} - {tool.summary}" for tool in TOOLS.values()]
    return "\n".join(
        [
            f"Unrecognised personality '{name}'.",
            "This program must be installed under one of the following names:",
            *lines,
            "",
            "Error: rename or link the program, or set the environment variable HTOOLS to one.",
            "",
        ]
    )


def run(program: str, argv: Sequence[str], env: Mapping[str, str], out: TextIO, err: TextIO) -> int:
    """Run the tool that ``program`` or the variable HTOOLS names, and return the exit code."""
    name = env.get("HTOOLS") or program
    if name not in TOOLS:
        err.write(roles(name))
        return FAILURE
    tool = TOOLS[name]
    words = getopt.split(argv, tool.options)
    if complaint := words.complaint():
        err.write(f"Command line error: {complaint}\n{usage(tool)}")
        return USAGE
    try:
        options = read_options(words.given)
    except BadValue as bad:
        err.write(f"Error while parsing command line arguments:\n{bad}\n")
        return FAILURE
    if told := _told(tool, options):
        out.write(told)
        return OK
    return _work(Context(name, env, out, err, Path.cwd()), options, words.arguments)


def _told(tool: Tool, options: Options) -> str:
    """What is asked about the tool itself, if anything."""
    if options.help:
        return usage(tool)
    if options.version:
        return version_text(tool.name)
    return completion(tool) if options.help_completion else ""


def _work(context: Context, options: Options, arguments: Sequence[str]) -> int:
    """Run the tool's module, and turn what stops it into text and exit code."""
    name = f"pyganeti.cli.htools.{context.program}"
    if find_spec(name) is None:
        context.warn(f"{context.program}: not built yet in this version (pending)")
        return FAILURE
    module: Any = import_module(name)  # each has a run()
    try:
        code: int = module.run(context, options, arguments)
    except Stop as stop:
        context.out.flush()
        context.warn(f"Error: {stop}")
        return stop.code
    return code


def _main(program: str) -> int:
    """Run as a program."""
    try:
        code = run(program, sys.argv[1:], os.environ, sys.stdout, sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the output has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        return 130
    return code


def htools() -> int:
    """Entry point of ``htools``, and of links to it."""
    return _main(Path(sys.argv[0]).name)
