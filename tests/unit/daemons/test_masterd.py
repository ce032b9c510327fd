"""Which state may be decided by hand: the master's, not a candidate's copy of it."""

import os
import sys
from pathlib import Path

import pytest

from pyganeti.daemons import masterd


@pytest.mark.parametrize("option", ["--take-config-file", "--keep-database"])
def test_a_node_that_is_not_the_master_decides_nothing(
    option: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "node2"
    data = root / "var/lib/ganeti"
    data.mkdir(parents=True)
    (data / "ssconf_master_node").write_text("node1\n")
    (data / "config.data").write_text("{}")
    monkeypatch.setenv("GANETI_ROOTDIR", os.fspath(root))
    monkeypatch.setenv("GANETI_HOSTNAME", "node2")
    monkeypatch.setattr(sys, "argv", ["ganeti-masterd", option])
    assert masterd.main() == 11
    assert "the master is node1" in capsys.readouterr().err
    assert sorted(path.name for path in data.iterdir()) == ["config.data", "ssconf_master_node"]
