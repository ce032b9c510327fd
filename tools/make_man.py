"""Keep the manual pages and the commands together.

    tables of options -> generated parts of docs/man/gnt-*.rst; everything else there is written

``python -m tools.make_man`` writes the generated parts anew: synopsis and options of each
sub-command, between ``.. generated: NAME`` and ``.. end generated``. ``make docs`` calls
:func:`findings`, which names what differs, is missing, or is mentioned and does not exist.
"""

import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from pyganeti.cli.htools.tools import TOOLS as HTOOLS
from pyganeti.cli.main import load_command, load_tool
from pyganeti.cli.option import Option, Tool, describe, placeholder, takes_value
from pyganeti.cli.parser import COMMON
from pyganeti.tools.daemon_util import ACTIONS
from tools.machine import CHECKOUT

MAN: Final = CHECKOUT / "docs" / "man"
TOOLS: Final = ("backup", "cluster", "debug", "filter", "group", "instance", "job", "network",
                "node", "os", "storage")  # fmt: skip
# Programs that describe their options themselves, and the module that does.
PROGRAMS: Final = {
    "burnin": "pyganeti.tools.burnin.main",
    "cfgshell": "pyganeti.tools.cfgshell",
    "cfgupgrade": "pyganeti.tools.cfgupgrade.main",
    "confd-client": "pyganeti.tools.confd_client",
    "ganeti-confd": "pyganeti.daemons.confd.main",
    "ganeti-listrunner": "pyganeti.tools.listrunner",
    "ganeti-masterd": "pyganeti.daemons.masterd",
    "ganeti-metad": "pyganeti.daemons.metad.main",
    "ganeti-mond": "pyganeti.daemons.mond.main",
    "ganeti-noded": "pyganeti.daemons.noded",
    "ganeti-rapi": "pyganeti.daemons.rapi.main",
    "ganeti-watcher": "pyganeti.daemons.watcher.main",
    "lvmstrap": "pyganeti.tools.lvmstrap.main",
    "mon-collector": "pyganeti.tools.mon_collector",
    "move-instance": "pyganeti.tools.move_instance.main",
    "node-cleanup": "pyganeti.tools.node_cleanup",
    "ovfconverter": "pyganeti.tools.ovf.main",
    "query-config": "pyganeti.tools.query_config",
    "sanitize-config": "pyganeti.tools.sanitize_config",
    "users-setup": "pyganeti.tools.users_setup",
    "vcluster-setup": "pyganeti.tools.vcluster_setup",
}
_PART: Final = re.compile(r"^\.\. generated: ([^\n]+)\n(.*?)^\.\. end generated$", re.M | re.S)
_FLAG: Final = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")
# A command as it is typed: in an example, or in literal text.
_TYPED: Final = re.compile(r"(?:^ .*?|``)(gnt-[a-z]+) ([a-z][a-z-]*)([^`\n]*)", re.M)
_EXAMPLE: Final = re.compile(r"^EXAMPLE\n=+\n.*?(?=^[A-Z ]+\n=)", re.M | re.S)
_COLUMN: Final = 28
_WIDTH: Final = 100
_ALWAYS: Final = frozenset({"--help", "--version"})


@cache
def pending() -> dict[str, frozenset[str]]:
    """What is not built, by kind: ``command`` and ``option``."""
    text = (CHECKOUT / "tests" / "spec" / "pending.toml").read_text("utf-8")
    entries = tomllib.loads(text)["pending"]
    return {
        kind: frozenset(entry["name"] for entry in entries if entry["kind"] == kind)
        for kind in ("command", "option")
    }


def built(tool: Tool) -> list[str]:
    """Sub-commands of ``tool`` that do something."""
    unbuilt = pending()["command"]
    return [name for name in sorted(tool.entries) if f"{tool.name} {name}" not in unbuilt]


def option_line(option: Option, what: str = "") -> str:
    """One option as an item of an option list; ``what`` is the command that has it."""
    value = f" <{re.sub('[<>]', '', placeholder(option))}>" if takes_value(option) else ""
    head = ", ".join(f"{flag}{value}" for flag in option.flags)
    text = describe(option)
    if any(f"{what} {flag}" in pending()["option"] for flag in option.flags):
        text += " (not built yet)"
    lines = textwrap.wrap(text, _WIDTH - _COLUMN, break_on_hyphens=False)
    first = [head] if len(head) + 2 > _COLUMN else [f"{head:<{_COLUMN}}{lines.pop(0)}"]
    return "\n".join([*first, *(f"{' ' * _COLUMN}{line}" for line in lines)])


def part(tool: Tool, name: str) -> str:
    """A generated part: a sub-command's, ``pending`` or ``common options``.

    Raises:
        KeyError: there is no such built sub-command.
    """
    if name == "common options":
        return "\n".join(option_line(option) for option in COMMON)
    if name == "pending":
        left = sorted(tool.entries.keys() - set(built(tool)))
        lines = [f"* ``{tool.name} {one}``: {tool.entries[one].summary}" for one in left]
        return "\n".join(lines) or "Nothing: all sub-commands do what they say."
    if name not in built(tool):
        raise KeyError(name)
    command, what = load_command(tool, name), f"{tool.name} {name}"
    lines = ["::", "", f"    {what} {command.usage or '[options...]'}"]
    others = sorted(alias for alias, real in tool.aliases.items() if real == name)
    if others:
        lines += ["", f"Also called {', '.join(f'``{other}``' for other in others)}."]
    if command.options:
        lines += ["", *(option_line(option, what) for option in command.options)]
    if command.defaults_env:
        lines += ["", f"Options in the variable ``{command.defaults_env}`` are put in front."]
    return "\n".join(lines)


def refreshed(tool: Tool, text: str) -> str:
    """A page with its generated parts made anew.

    Raises:
        KeyError: a part for a sub-command that is not built or does not exist.
    """

    def renew(found: re.Match[str]) -> str:
        return f".. generated: {found[1]}\n\n{part(tool, found[1])}\n\n.. end generated"

    return _PART.sub(renew, text)


def flags_of(options: Sequence[Option]) -> set[str]:
    """All ways to write the options."""
    return {flag for option in options for flag in option.flags}


@cache
def program_flags(program: str) -> frozenset[str]:
    """The long options that a program tells of."""
    if program in HTOOLS:
        return frozenset(f"--{option.long}" for option in HTOOLS[program].options) - _ALWAYS
    argv = [sys.executable, "-m", PROGRAMS[program], "--help"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return frozenset(_FLAG.findall(said)) - _ALWAYS


@cache
def known_flags() -> frozenset[str]:
    """Every long option of every program."""
    tools = [load_tool(f"gnt-{noun}") for noun in TOOLS]
    commands = [load_command(tool, name) for tool in tools for name in tool.entries]
    found = set(flags_of([*COMMON, *(option for one in commands for option in one.options)]))
    programs = (*PROGRAMS, *HTOOLS)
    return frozenset(found.union(_ALWAYS, *(program_flags(program) for program in programs)))


def wrong_words(text: str) -> Iterator[str]:
    """Options and sub-commands that a page mentions and that do not exist."""
    for flag in sorted(set(_FLAG.findall(text)) - known_flags()):
        yield f"mentions {flag}, which no program has"
    for program, name, rest in _TYPED.findall(text):
        if program.removeprefix("gnt-") not in TOOLS:
            yield f"mentions {program}, which does not exist"
            continue
        tool = load_tool(program)
        real = tool.aliases.get(name, name)
        if real not in tool.entries:
            yield f"mentions {program} {name}, which does not exist"
            continue
        flags = _ALWAYS | flags_of([*COMMON, *load_command(tool, real).options])
        for flag in sorted(set(_FLAG.findall(rest)) - flags):
            yield f"mentions {program} {name} {flag}, which does not exist"


def wrong_parts(tool: Tool, text: str) -> Iterator[str]:
    """Where a tool's page and the tool differ."""
    names = [name for name, _ in _PART.findall(text)]
    for name in [*built(tool), "pending", "common options"]:
        if names.count(name) != 1:
            yield f"has {names.count(name)} parts '.. generated: {name}', expected 1"
    try:
        same = refreshed(tool, text) == text
    except KeyError as err:
        yield f"describes {tool.name} {err.args[0]}, which does not exist or is not built"
    else:
        if not same:
            yield "options differ from the program's: run python -m tools.make_man"


def wrong_program(program: str, text: str) -> Iterator[str]:
    """Where the page of another program and the program differ; examples may show others."""
    told = set(_FLAG.findall(_EXAMPLE.sub("", text))) - _ALWAYS
    for flag in sorted(program_flags(program) - told):
        yield f"does not mention {flag}"
    for flag in sorted(told - program_flags(program)):
        yield f"mentions {flag}, which {program} has not"


def findings(man: Path = MAN) -> Iterator[str]:
    """What is wrong with the manual pages."""
    programs = [*(f"gnt-{noun}" for noun in TOOLS), *PROGRAMS, "daemon-util"]
    for program in programs:
        if not (man / f"{program}.rst").exists():
            yield f"docs/man/{program}.rst is missing"
    for page in sorted(man.glob("*.rst")):
        text = page.read_text("utf-8")
        wrong = list(wrong_words(text))
        if page.stem.removeprefix("gnt-") in TOOLS:
            wrong += wrong_parts(load_tool(page.stem), text)
        if page.stem in PROGRAMS or page.stem in HTOOLS:
            wrong += wrong_program(page.stem, text)
        if page.stem == "daemon-util":
            wrong += [f"does not mention {one}" for one in ACTIONS if f"``{one}" not in text]
        yield from (f"docs/man/{page.name}: {what}" for what in wrong)


def main() -> int:
    """Write the generated parts of all pages anew."""
    for noun in TOOLS:
        page = MAN / f"gnt-{noun}.rst"
        text = page.read_text("utf-8")
        page.write_text(refreshed(load_tool(page.stem), text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
