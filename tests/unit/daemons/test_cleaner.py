"""ganeti-cleaner: what is old goes, all else stays."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyganeti.daemons import cleaner
from pyganeti.kit.clock import now
from pyganeti.kit.paths import Paths
from pyganeti.kit.tls import make_ca

GROUP = "0f9e1f5c-3c1d-4b67-8f5e-5d9f6d2b8a11"
OLD_S = cleaner.REMOVE_AFTER_S + 3600.0
YOUNG_S = cleaner.REMOVE_AFTER_S - 3600.0
YEARS_S = 6 * 365 * 86400.0


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """A member of a cluster; the commands below run as it."""
    paths = Paths(str(tmp_path / "node1"), "node1")
    put(paths.server_pem)
    monkeypatch.setenv("GANETI_ROOTDIR", paths.rootdir)
    monkeypatch.setenv("GANETI_HOSTNAME", "node1")
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield paths
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def put(path: str, age_s: float = 0.0, content: bytes = b"x") -> str:
    """A file that was last written so long ago."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_bytes(content)
    os.utime(path, (now() - age_s, now() - age_s))
    return path


def certificate(paths: Paths, name: str, age_s: float) -> str:
    """Directory of a transfer's certificate, made so long ago."""
    directory = f"{paths.run_dir}/crypto/{name}"
    put(f"{directory}/cert", content=make_ca("x", now() - age_s).certificate)
    put(f"{directory}/key")
    return directory


def logs(paths: Paths, kind: str) -> list[str]:
    return sorted(os.listdir(f"{paths.log_dir}/{kind}"))


def test_a_node_forgets_expired_certificates(node: Paths) -> None:
    expired, good = certificate(node, "x509-a", YEARS_S), certificate(node, "x509-b", 0.0)
    damaged = os.path.dirname(put(f"{node.run_dir}/crypto/x509-c/cert", YEARS_S, b"nonsense"))
    empty = f"{node.run_dir}/crypto/x509-d"
    os.mkdir(empty)
    assert cleaner.main(["node"]) == 0
    there = [os.path.exists(path) for path in (expired, good, damaged, empty)]
    assert there == [False, True, True, True]
    (log,) = logs(node, "cleaner")
    text = Path(f"{node.log_dir}/cleaner/{log}").read_text()
    assert f"removing {expired}" in text
    assert f"{damaged} is left alone" in text


def test_a_node_forgets_what_the_watcher_knew_of_old_groups(node: Paths) -> None:
    files = (node.watcher_state(GROUP), node.watcher_status(GROUP))
    gone = [put(path, OLD_S) for path in files]
    stays = [
        put(f"{node.data_dir}/watcher.{GROUP[:-1]}2.data", YOUNG_S),
        put(node.watcher_pause, OLD_S),
        put(node.instance_status, OLD_S),
        put(f"{node.data_dir}/watcher.mine.data", OLD_S),
    ]
    os.symlink(node.server_pem, f"{node.data_dir}/watcher.{GROUP[:-1]}3.data")
    assert cleaner.main(["node"]) == 0
    assert not any(map(os.path.exists, gone))
    assert all(map(os.path.exists, stays))
    assert os.path.islink(f"{node.data_dir}/watcher.{GROUP[:-1]}3.data")


def test_a_master_forgets_old_archived_jobs(node: Paths) -> None:
    gone = put(node.archived_job_file(17), OLD_S)
    stays = [
        put(node.archived_job_file(18), YOUNG_S),
        put(node.job_file(19), OLD_S),
        put(f"{node.archive_dir}/0/note", OLD_S),
        put(f"{node.data_dir}/watcher.{GROUP}.data", OLD_S),
    ]
    assert cleaner.main(["master"]) == 0
    assert not os.path.exists(gone)
    assert all(map(os.path.exists, stays))
    assert len(logs(node, "master-cleaner")) == 1


def test_it_follows_no_links_out_of_the_archive(node: Paths, tmp_path: Path) -> None:
    other = put(f"{tmp_path}/other/job-5", OLD_S)
    os.makedirs(node.archive_dir)
    os.symlink(os.path.dirname(other), f"{node.archive_dir}/1")
    assert cleaner.main(["master"]) == 0
    assert os.path.exists(other)


def test_so_many_logs_are_kept(node: Paths) -> None:
    directory = f"{node.log_dir}/cleaner"
    for number in range(cleaner.KEPT_LOGS + 3):
        put(f"{directory}/cleaner-2020-01-01T00_{number:02}.7.log", 10**6 - number)
    mine = put(f"{directory}/mine.log", 10**7)
    assert cleaner.main(["node"]) == 0
    kept = logs(node, "cleaner")
    assert len(kept) == cleaner.KEPT_LOGS + 1
    assert "cleaner-2020-01-01T00_03.7.log" not in kept
    assert "cleaner-2020-01-01T00_04.7.log" in kept
    assert os.path.exists(mine)


def test_a_machine_of_no_cluster_is_left_alone(node: Paths) -> None:
    os.unlink(node.server_pem)
    old = put(node.archived_job_file(17), OLD_S)
    assert cleaner.main(["master"]) == 0
    assert os.path.exists(old)
    assert not os.path.exists(node.log_dir)


@pytest.mark.parametrize("words", [[], ["both"], ["node", "master"], ["--node"]])
def test_other_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cleaner.main(words) == 1
    assert capsys.readouterr().err == "Usage: ganeti-cleaner node|master\n"


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert cleaner.main(["--help"]) == 0
    assert "node|master" in capsys.readouterr().out


def test_what_cannot_be_removed_is_a_failure(
    node: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    put(f"{node.log_dir}/cleaner")
    assert cleaner.main(["node"]) == 1
    assert "ganeti-cleaner: " in capsys.readouterr().err
