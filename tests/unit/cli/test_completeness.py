"""Every sub-command, argument and option of Ganeti 3.1 exists, and is built or pending."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pyganeti.cli.main import load_command, load_tool
from pyganeti.cli.option import Arg, Command, Option
from pyganeti.cli.options.shared import FORMAT
from pyganeti.cli.parser import COMMON
from pyganeti.cli.pending import not_built

from .fake_master import FakeMaster, run

SPEC = Path(__file__).parents[2] / "spec"
CLI: dict[str, Any] = json.loads((SPEC / "cli.json").read_text())
PENDING = tomllib.loads((SPEC / "pending.toml").read_text())["pending"]
TOOLS = [name for name in CLI if name.startswith("gnt-")]
COMMANDS = [(tool, name) for tool in TOOLS for name in CLI[tool]["commands"]]
# Commands that Ganeti has not: docs/differences.md.
OURS = {"gnt-debug": {"waits"}}


def in_3_1(option: dict[str, Any]) -> bool:
    return option.get("removed_in") != "3.1" and option.get("since") != "3.2"


def wanted(option: dict[str, Any]) -> dict[str, Any]:
    """An option of the facts in a form that compares."""
    flags = [option.get("short"), option.get("long"), *option.get("long_aliases", [])]
    obsolete = option["dest"] is None
    # Ganeti turns the priority's name into a number while it parses; here this is done later.
    action = "obsolete" if obsolete else option["action"].replace("callback", "store")
    return {
        "flags": sorted(flag for flag in flags if flag),
        "dest": option["dest"] or "",
        "action": action,
        "kind": (option.get("type") or "string") if option["takes_value"] else "string",
        "choices": sorted(option.get("choices") or []),
        "const": option.get("const"),
        "default": option.get("default") or option.get("default") in (0, False) or None,
        "metavar": option.get("metavar"),
    }


def shown(option: Option) -> dict[str, Any]:
    """One of our options in the same form."""
    const = list(option.const) if isinstance(option.const, tuple) else option.const
    return {
        "flags": sorted(option.flags),
        "dest": option.dest,
        "action": option.action,
        "kind": option.kind,
        "choices": sorted(option.choices),
        "const": const,
        "default": option.default or option.default in (0, False) or None,
        "metavar": option.metavar,
    }


def by_flags(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(options, key=lambda option: option["flags"])


def load(tool: str, name: str) -> Command:
    return load_command(load_tool(tool), name)


def test_there_are_132_commands() -> None:
    assert len(COMMANDS) == 132


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_has_its_commands_and_aliases(tool: str) -> None:
    ours = load_tool(tool)
    added = OURS.get(tool, set())
    assert sorted(ours.entries.keys() - added) == sorted(CLI[tool]["commands"])
    assert added <= ours.entries.keys()
    assert ours.aliases == CLI[tool]["aliases"]
    assert all(entry.summary for entry in ours.entries.values())


# Commands whose answer is data, and what Ganeti has not: --format.
SHOWS = {"diagnose", "info", "list", "list-drbd", "list-fields", "list-storage", "list-tags",
         "locks", "queue", "search-tags", "volumes", "watcher"}  # fmt: skip


@pytest.mark.parametrize(("tool", "name"), COMMANDS)
def test_each_command_has_its_options(tool: str, name: str) -> None:
    theirs = [wanted(one) for one in CLI[tool]["commands"][name]["options"] if in_3_1(one)]
    added = [shown(FORMAT)] if name in SHOWS else []
    ours = [shown(one) for one in load(tool, name).options]
    assert by_flags(ours) == by_flags([*theirs, *added])


@pytest.mark.parametrize(("tool", "name"), COMMANDS)
def test_each_command_takes_its_number_of_arguments(tool: str, name: str) -> None:
    theirs = CLI[tool]["commands"][name]["args"]
    ours: tuple[Arg, ...] = load(tool, name).args
    assert [(one.least, one.most) for one in ours] == [(one["min"], one["max"]) for one in theirs]
    choices = [tuple(one.get("choices", ())) for one in theirs]
    assert [one.choices for one in ours] == choices


def test_common_options() -> None:
    theirs = by_flags([wanted(one) for one in CLI["_common_options"]])
    assert by_flags([shown(one) for one in COMMON]) == theirs


def test_pending_commands_are_exactly_those_without_a_body() -> None:
    listed = {one["name"] for one in PENDING if one["kind"] == "command"}
    unbuilt = {f"{tool} {name}" for tool, name in COMMANDS if load(tool, name).run is not_built}
    assert listed == unbuilt


def test_pending_entries_name_an_issue() -> None:
    assert all(isinstance(one["issue"], int) for one in PENDING)


@pytest.mark.parametrize("name", [one["name"] for one in PENDING if one["kind"] == "command"])
def test_a_pending_command_refuses_in_one_line(name: str) -> None:
    args = load(*name.split()).args
    words = [arg.choices[0] if arg.choices else "x" for arg in args for _ in range(arg.least)]
    ran = run([*name.split(), *words], FakeMaster())
    assert (ran.code, ran.err) == (1, f"{name}: not built yet in this version (pending)\n")


# A command line for each pending option of a command that is built.
OPTION_LINES = {
    "gnt-instance batch-create --iallocator": "gnt-instance batch-create -I hail /dev/null",
    "gnt-instance recreate-disks --iallocator": "gnt-instance recreate-disks -I hail web1",
}


@pytest.mark.parametrize("name", [one["name"] for one in PENDING if one["kind"] == "option"])
def test_a_pending_option_refuses_in_one_line(name: str) -> None:
    ran = run(OPTION_LINES[name], FakeMaster())
    assert ran.code == 1
    assert ran.err.endswith("not built yet in this version (pending)\n")
    assert ran.err.count("\n") == 1
