"""Daemons with units are started by systemd: what it is asked for, and with which arguments."""

import os
from pathlib import Path

import pytest

from pyganeti.tools import systemd

# Keeps what it is asked for, and what a unit would find in the file of arguments.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> ROOT/asked
cat ROOT/run/pyganeti/*.env >> ROOT/asked 2> /dev/null
case "$*" in show*elsewhere*) echo 11 ;; show*) echo "" ;;
    *broken*) echo "Job failed" >&2; exit 1 ;; *) exit 0 ;; esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with systemd."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL.replace("ROOT", str(tmp_path)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def asked(root: Path) -> list[str]:
    return (root / "asked").read_text().splitlines()


def test_a_machine_without_systemd_and_a_daemon_without_unit(tmp_path: Path) -> None:
    assert not systemd.is_running(str(tmp_path))
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert systemd.is_running(str(tmp_path))
    assert not systemd.has_unit("ganeti-noded", str(tmp_path))
    place = tmp_path / "lib/systemd/system"
    place.mkdir(parents=True)
    (place / "ganeti-noded.service").write_text("")
    assert systemd.has_unit("ganeti-noded", str(tmp_path))


def test_a_unit_is_started_though_it_failed_before(root: Path) -> None:
    systemd.start("ganeti-noded", [], str(root))
    assert asked(root) == [
        "--quiet reset-failed ganeti-noded.service",
        "--quiet start ganeti-noded.service",
    ]


def test_arguments_count_for_one_start(root: Path) -> None:
    systemd.start("ganeti-masterd", ["--no-voting", "--yes-do-it"], str(root))
    assert "EXTRA_ARGS='--no-voting --yes-do-it'" in asked(root)
    assert not Path(systemd.extra_file("ganeti-masterd", str(root))).exists()


@pytest.mark.parametrize("args", [[], ["-d"]])
def test_what_does_not_start_is_told(root: Path, args: list[str]) -> None:
    with pytest.raises(systemd.SystemdError, match=r"cannot start broken: .*Job failed"):
        systemd.start("broken", args, str(root))
    assert not Path(systemd.extra_file("broken", str(root))).exists()


def test_how_a_daemon_ended(root: Path) -> None:
    assert systemd.last_exit_code("elsewhere") == 11
    assert systemd.last_exit_code("other") is None
