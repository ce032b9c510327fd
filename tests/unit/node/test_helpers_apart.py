"""Helpers that root runs take nothing from the directory they are run in."""

from dataclasses import replace
from pathlib import Path

from pyganeti.kit.process import run_blocking
from pyganeti.node.daemons import daemons_command


def test_a_directory_of_somebody_else_does_not_decide_what_runs(tmp_path: Path) -> None:
    for name in ("pyganeti", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('somebody else was here')\n")
    command = daemons_command("list-start-daemons")
    said = run_blocking(replace(command, cwd=str(tmp_path))).stdout
    assert "ganeti-noded" in said.splitlines()
