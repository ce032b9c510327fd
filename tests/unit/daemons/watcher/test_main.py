"""The watcher never ends with a failure and no word about it."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyganeti.daemons.watcher import main as watcher
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The log of a node of a cluster."""
    monkeypatch.setenv("GANETI_ROOTDIR", str(tmp_path / "node1"))
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    monkeypatch.setattr(sys, "argv", ["ganeti-watcher"])
    paths = Paths.from_env()
    file = Path(paths.log_file("watcher"))
    for needed in (Path(paths.server_pem), file):
        needed.parent.mkdir(parents=True, exist_ok=True)
    Path(paths.server_pem).write_text("a certificate")
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield file
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (GenericError("the master is busy"), "ganeti-watcher: the master is busy"),
        (OSError(), "ganeti-watcher: OSError"),
        (KeyError("bootid"), "ganeti-watcher: a fault in the watcher"),
    ],
)
def test_what_ends_it_is_said_and_logged(
    raised: Exception,
    said: str,
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(_paths: Paths, _options: object) -> int:
        raise raised

    monkeypatch.setattr(watcher, "watch", fails)
    assert watcher.main() == watcher.FAILURE
    assert capsys.readouterr().err.splitlines()[0] == said
    assert said.removeprefix("ganeti-watcher: ") in log.read_text()
    assert ("bootid" in log.read_text()) is isinstance(raised, KeyError)


def test_an_error_that_does_not_end_it_is_said(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def goes_on(_paths: Paths, _options: object) -> int:
        logging.getLogger("pyganeti.daemons.watcher.group").error("web1 could not be started")
        logging.getLogger("pyganeti.daemons.watcher.group").info("web2 was started")
        return watcher.FAILURE

    monkeypatch.setattr(watcher, "watch", goes_on)
    assert watcher.main() == watcher.FAILURE
    assert capsys.readouterr().err == "ganeti-watcher: web1 could not be started\n"
    assert "web2 was started" in log.read_text()


def test_what_belongs_to_no_cluster_is_left_in_peace(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(Paths.from_env().server_pem).unlink()
    assert watcher.main() == watcher.OK
    assert capsys.readouterr().err == ""
    assert not log.exists()


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("echo why >&2; exit 1", 1, "why"),
        ("exit 1", 1, "no reason was given by"),
        ("kill -9 $$", 1, "signal 9"),
        ("echo what >&2; exit 0", 0, ""),
    ],
)
async def test_what_a_group_says_is_passed_on(
    script: str,
    code: int,
    said: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await watcher.run_one(("/bin/sh", "-c", script)) == code
    words = capsys.readouterr().err + caplog.text
    assert said in words
    assert bool(words) is (code != 0)
