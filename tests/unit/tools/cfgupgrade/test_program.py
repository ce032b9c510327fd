"""The program: files, backup, questions, refusals."""

import fcntl
import io
import json
import os
import stat
from pathlib import Path

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.model.versions import CONFIG_VERSION
from pyganeti.tools.cfgupgrade.main import main
from tests.unit.tools.cfgupgrade.test_convert import GOLDEN, load


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual node with a configuration of Ganeti 2.7."""
    root = tmp_path / "node1"
    monkeypatch.setenv("GANETI_ROOTDIR", str(root))
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    data = root / "var/lib/ganeti"
    data.mkdir(parents=True)
    (root / "etc/ganeti").mkdir(parents=True)
    (root / "var/run/ganeti").mkdir(parents=True)
    (data / "config.data").write_bytes((GOLDEN / "2.7.json").read_bytes())
    (data / "ssconf_master_node").write_text("node1\n")
    return data


def version(place: Path) -> int:
    found: int = json.loads((place / "config.data").read_text())["version"]
    return found


def backups(place: Path) -> list[Path]:
    return sorted(place.glob("config.data.backup-*"))


def test_upgrade(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-f", "-v"]) == 0
    said = capsys.readouterr()
    assert "found version 2.7.0" in said.err
    assert said.out == "The configuration is of version 3.1.0 now.\n"
    assert version(place) == CONFIG_VERSION
    (backup,) = backups(place)
    assert json.loads(backup.read_text()) == load("2.7")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "config.data").stat().st_mode) == 0o640
    allowed = place.parents[2] / "etc/ganeti/file-storage-paths"
    assert allowed.read_text().splitlines()[1:] == ["/srv/files", "/srv/shared"]


def test_again_changes_nothing(place: Path) -> None:
    assert main(["-f"]) == 0
    data = (place / "config.data").read_bytes()
    assert main(["-f"]) == 0
    assert (place / "config.data").read_bytes() == data
    assert len(backups(place)) == 1


def test_downgrade_and_up_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-f"]) == 0
    assert main(["-f", "--downgrade"]) == 0
    assert version(place) == 3_000_000
    assert "of version 3.0.0 now" in capsys.readouterr().out
    assert main(["-f", "--downgrade"]) == 1
    assert "only version 3.1.0 can be downgraded" in capsys.readouterr().err
    assert main(["-f"]) == 0
    assert version(place) == CONFIG_VERSION


def test_a_dry_run_writes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in place.iterdir()}
    assert main(["--dry-run"]) == 0
    assert "would be of version 3.1.0" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in place.iterdir()} == before
    assert list((place.parents[2] / "etc/ganeti").iterdir()) == []


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("y\n", 0), ("no\n", 1), ("", 1)])
def test_it_asks(place: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main([]) == code
    assert (version(place) == CONFIG_VERSION) == (code == 0)


def test_elsewhere(tmp_path: Path, place: Path) -> None:
    other = tmp_path / "copy"
    (other / "conf").mkdir(parents=True)
    (other / "config.data").write_bytes((GOLDEN / "3.0.json").read_bytes())
    words = [f"--path={other}", f"--confdir={other}/conf"]
    assert main([*words, "-f"]) == 1
    assert main([*words, "-f", "--ignore-hostname"]) == 0
    assert version(other) == CONFIG_VERSION
    assert (other / "conf/file-storage-paths").exists()
    assert version(place) == 2_070_000


def test_another_node_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "ssconf_master_node").write_text("node7\n")
    assert main(["-f"]) == 1
    assert "the master is node7: run it on the master" in capsys.readouterr().err
    assert version(place) == 2_070_000


def test_the_list_of_directories_is_left_alone(place: Path) -> None:
    allowed = place.parents[2] / "etc/ganeti/file-storage-paths"
    allowed.write_text("/srv/ours\n")
    assert main(["-f"]) == 0
    assert allowed.read_text() == "/srv/ours\n"


def test_users_are_moved_once(place: Path) -> None:
    (place / "rapi_users").write_text("who secret write\n")
    assert main(["-f"]) == 0
    assert (place / "rapi/users").read_text() == "who secret write\n"
    assert (place / "rapi_users").read_text() == "who secret write\n"
    assert main(["-f"]) == 0


def test_contradictions_are_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = load("2.7")
    config["instances"]["inst1.example.com"]["primary_node"] = "gone"
    (place / "config.data").write_text(json.dumps(config))
    assert main(["-f"]) == 1
    said = capsys.readouterr()
    assert "gone" in said.err
    assert "contradicts itself" in said.out
    assert main(["-f", "--no-verify"]) == 0


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"version": 3000000}', b"\xff", b"[" * 5000, None]
)
def test_nonsense(place: Path, capsys: pytest.CaptureFixture[str], content: bytes | None) -> None:
    (place / "config.data").unlink()
    if content is not None:
        (place / "config.data").write_bytes(content)
    assert main(["-f"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("cfgupgrade: ")
    assert said.count("\n") == 1
    assert backups(place) == []


def test_not_while_a_daemon_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pid_file = place.parents[1] / "run/ganeti/ganeti-masterd.pid"
    write_atomic(str(pid_file), f"{os.getpid()}\n".encode())
    with pid_file.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert main(["-f"]) == 1
    assert "ganeti-masterd still run" in capsys.readouterr().err
    assert version(place) == 2_070_000


def test_a_database_beside_it_is_mentioned(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "cluster.db").touch()
    assert main(["-f"]) == 0
    assert "--take-config-file" in capsys.readouterr().out


def test_downgraded_it_admits_the_certificates_that_ganeti_gets_back(place: Path) -> None:
    kept = place.parents[2] / "etc/ganeti/ganeti-certificates"
    kept.mkdir()
    (kept / "ssconf_master_candidates_certs").write_text("uuid-1=AA:BB\nuuid-2=CC:DD\n")
    assert main(["-f"]) == 0
    assert main(["-f", "--downgrade"]) == 0
    cluster = json.loads((place / "config.data").read_text())["cluster"]
    assert cluster["candidate_certs"] == {"uuid-1": "AA:BB", "uuid-2": "CC:DD"}
