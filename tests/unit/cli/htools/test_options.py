"""Every option of every tool, as Ganeti has them, and what each says."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.cli.htools import getopt
from pyganeti.cli.htools.options import DECLARED, Options, Size, read_options
from pyganeti.cli.htools.tools import TOOLS
from pyganeti.model.enums import DiskTemplate

SPEC = Path(__file__).parents[3] / "spec" / "htools.json"
FACTS: dict[str, Any] = json.loads(SPEC.read_text())["tools"]


def read(tool: str, *words: str) -> Options:
    """The options of a command line that is right."""
    found = getopt.split(words, TOOLS[tool].options)
    assert found.complaint() == ""
    return read_options(found.given)


@pytest.mark.parametrize("tool", FACTS)
def test_a_tool_has_the_options_of_ganeti(tool: str) -> None:
    wanted = {(o["short"] or "", o["long"], o["takes_value"], o["metavar"] or "")
              for o in FACTS[tool]["options"]}  # fmt: skip
    ours = {
        (f"-{o.short}" if o.short else "", f"--{o.long}", o.value.value, o.metavar)
        for o in TOOLS[tool].options
    }
    generic = {("-h", "--help"), ("-V", "--version"), ("", "--help-completion")}
    assert {row for row in ours if row[:2] not in generic} == wanted


def test_every_option_belongs_to_a_tool() -> None:
    used = {option.long for tool in TOOLS.values() for option in tool.options}
    assert used == {option.long for option, _ in DECLARED}


def test_every_option_changes_something() -> None:
    samples = {"priority": "low", "mond": None, "machine-readable": None, "disk-template": "rbd"}
    for option, _ in DECLARED:
        alloc = "7g,2g,3" if "alloc" in option.long else "7"
        text = samples.get(option.long, alloc if option.value is not getopt.Value.NONE else None)
        assert read_options([(option, text)]) != Options(), option.long


def test_options_that_may_be_repeated_add_up_and_others_do_not() -> None:
    options = read("hbal", "-O", "a", "-O", "b", "-vvq", "-t", "x", "-t", "y", "-C")
    assert (options.offline, options.verbosity) == (("a", "b"), 2)
    assert (options.text_data, options.commands) == ("y", "")


def test_fields_sizes_and_templates() -> None:
    assert read("hinfo", "-p").show_nodes == ()
    assert read("hinfo", "-p+name,pcnt").show_nodes == ("+name", "pcnt")
    options = read("hspace", "--standard-alloc=1g,512,2", "--disk-template=drbd")
    assert options.standard_alloc == Size(1024, 512, 2)
    assert options.disk_template is DiskTemplate.DRBD
