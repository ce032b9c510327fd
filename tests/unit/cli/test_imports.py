"""A short command loads a little of the standard library; what is slow to import is named."""

import sys
from pathlib import Path

import pytest

import pyganeti
from pyganeti.kit.process import Command, ProcessError, run_blocking

FORBIDDEN = {
    "aiohttp",
    "argparse",
    "asyncio",
    "cryptography",
    "dataclasses",
    "lark",
    "logging",
    "msgspec",
    "numpy",
    "rich",
    "ssl",
    "subprocess",
    "uuid",
}
OURS = {"pyganeti.master", "pyganeti.node", "pyganeti.opcodes", "pyganeti.store"}


def imported(line: str) -> set[str]:
    """Modules that a command has loaded when it finds no master.

    Not read from ``-X importtime``: that leaves out what ``importlib`` loads.
    """
    program, *words = line.split()
    code = (
        f"import sys; from pyganeti.cli.main import {program.replace('-', '_')} as main; main();"
        " print(*sys.modules, sep='\\n')"
    )
    env = {
        "GANETI_ROOTDIR": "/nowhere/node1",
        "GANETI_HOSTNAME": "node1",
        "PYTHONPATH": str(Path(pyganeti.__file__).parents[1]),
    }
    ran = run_blocking(Command((sys.executable, "-S", "-c", code, *words), env=env))
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    "line",
    [
        "gnt-cluster getmaster",
        "gnt-cluster info",
        "gnt-debug delay 0",
        "gnt-instance info --all",
        "gnt-instance list",
        "gnt-instance list --format json",
        "gnt-instance startup web1",
        "gnt-job list",
        "gnt-job watch 1",
        "gnt-node list",
        "gnt-os list",
    ],
)
def test_nothing_slow_is_imported(line: str) -> None:
    names = imported(line)
    assert "pyganeti.cli.main" in names
    assert not names & FORBIDDEN
    assert not {name for name in names if any(name.startswith(one) for one in OURS)}


def test_the_parser_of_filters_is_loaded_for_a_filter_only() -> None:
    assert "pyganeti.cli.filter_text" not in imported("gnt-instance list web*")
    # Packages that were installed cannot be found here: what needs one fails.
    with pytest.raises(ProcessError, match="No module named 'lark'"):
        imported("gnt-instance list -F admin_up")


def test_only_the_modules_of_one_command_are_loaded() -> None:
    names = {one for one in imported("gnt-instance list") if one.startswith("pyganeti.cli.gnt_")}
    assert names == {"pyganeti.cli.gnt_instance", "pyganeti.cli.gnt_instance.listing"}
