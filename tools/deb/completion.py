"""Completion for bash, from the commands' own declarations."""

import re
from collections.abc import Iterator
from typing import Final

from pyganeti.cli.main import load_command, load_tool
from pyganeti.cli.option import Command, Option
from pyganeti.cli.parser import COMMON

TOOLS: Final = ("backup", "cluster", "debug", "filter", "group", "instance", "job", "network",
                "node", "os", "storage")  # fmt: skip
# By what the usage says first: the file of names that every node has.
_NAMES: Final = {
    "instance": "instance_list",
    "node": "node_list",
    "group": "nodegroups",
    "network": "networks",
}
_FIRST: Final = re.compile(rf"[{{\[]({'|'.join(_NAMES)})\b")
_SCRIPT: Final = """\
# Completion of {program} for bash: made from its declarations, do not edit.
_{function}_names() {{
    # The last field of a line is the name.
    sed 's/.*[= ]//' "${{GANETI_ROOTDIR}}/var/lib/ganeti/ssconf_$1" 2> /dev/null
}}

_{function}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words=""
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    else
        case ${{COMP_WORDS[1]}} in
{cases}
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}

complete -o default -F _{function} {program}
"""


def flags(options: tuple[Option, ...]) -> list[str]:
    """All ways to write the options."""
    return sorted({flag for option in options for flag in option.flags})


def names(command: Command) -> str:
    """The file of names that the arguments are chosen from, or nothing."""
    found = _FIRST.search(command.usage or "")
    return _NAMES[found[1]] if found else ""


def _cases(program: str) -> Iterator[str]:
    tool = load_tool(program)
    for name in sorted(tool.entries):
        command = load_command(tool, name)
        others = sorted(alias for alias, real in tool.aliases.items() if real == name)
        words = " ".join(flags((*command.options, *COMMON)))
        file = names(command)
        found = f" $(_{program.replace('-', '_')}_names {file})" if file else ""
        yield f"            {' | '.join([name, *others])})"
        yield f'                words="{words}{found}"'
        yield "                ;;"


def completion(program: str) -> str:
    """The completion script of ``program`` (``gnt-node``)."""
    tool = load_tool(program)
    return _SCRIPT.format(
        program=program,
        function=program.replace("-", "_"),
        commands=" ".join(sorted({*tool.entries, *tool.aliases})),
        cases="\n".join(_cases(program)),
    )
