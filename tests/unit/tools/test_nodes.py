"""Joining, cleaning, and laying out virtual nodes."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, run_blocking
from pyganeti.kit.resolver import resolve
from pyganeti.tools import vcluster_setup
from pyganeti.tools.layout import ensure_directories
from pyganeti.tools.node_cleanup import clean, state_files
from pyganeti.tools.node_daemon_setup import (
    SetupRefused,
    check_membership,
    file_kind,
    join,
    parse_request,
)

REQUEST: dict[str, Any] = {
    "cluster_name": "demo",
    "node_name": "node2",
    "files": {"server.pem": "PEM", "ca.pem": "CA", "ssconf_master_node": "node1"},
    "start_daemon": False,
}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path / "node2"), "node2")
    ensure_directories(paths)
    return paths


def request(**changes: object) -> str:
    return json.dumps({**REQUEST, **changes})


def test_joining_writes_the_files_with_their_modes(paths: Paths) -> None:
    join(paths, parse_request(request()))
    assert Path(paths.server_pem).read_text() == "PEM"
    modes = {name: stat.S_IMODE(os.stat(f"{paths.data_dir}/{name}").st_mode)
             for name in ("server.pem", "ca.pem", "ssconf_master_node")}  # fmt: skip
    assert modes == {"server.pem": 0o440, "ca.pem": 0o444, "ssconf_master_node": 0o444}
    assert Path(paths.ssconf("cluster_name")).read_text() == "demo\n"


def test_joining_the_same_cluster_again_is_fine(paths: Paths) -> None:
    join(paths, parse_request(request()))
    join(paths, parse_request(request(files={"server.pem": "NEW"})))
    assert Path(paths.server_pem).read_text() == "NEW"


def test_a_member_of_another_cluster_is_refused(paths: Paths) -> None:
    join(paths, parse_request(request()))
    with pytest.raises(SetupRefused, match="already belongs to cluster 'demo': run node-cleanup"):
        join(paths, parse_request(request(cluster_name="other", files={"server.pem": "X"})))
    assert Path(paths.server_pem).read_text() == "PEM"
    join(paths, parse_request(request(cluster_name="other", force=True)))


def test_a_cluster_made_anew_is_another_one(paths: Paths) -> None:
    join(paths, parse_request(request()))
    Path(paths.epoch_file).write_text("7")
    files = {**REQUEST["files"], "ca.pem": "NEW"}
    with pytest.raises(SetupRefused, match="another cluster with the name 'demo'"):
        join(paths, parse_request(request(files=files)))
    join(paths, parse_request(request(files=files, force=True)))
    assert Path(paths.ca_cert).read_text() == "NEW"
    # Epochs of a cluster mean nothing in another one.
    assert not os.path.exists(paths.epoch_file)
    (backup,) = Path(paths.rootdir, "var/backups").iterdir()
    assert (backup / "ca.pem").read_text() == "CA"


def test_another_node_is_refused(paths: Paths) -> None:
    with pytest.raises(SetupRefused, match="this is node 'node2', not 'node3'"):
        check_membership(paths, parse_request(request(node_name="node3")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        request(files={"config.data": "x"}),
        request(files={"../x": "x"}),
        request(files={"ssconf_../x": "x"}),
        request(files={"ca.pem": 5}),
        request(files=[]),
    ],
)
def test_a_wrong_request_is_refused(text: str) -> None:
    with pytest.raises(SetupRefused):
        parse_request(text)


def test_what_may_be_written() -> None:
    assert file_kind("ssconf_node_list") is not None
    assert file_kind("ssconf_hvparams_xen-pvm") is not None
    assert file_kind("ssconf_") is None
    assert file_kind("ssconf_node_list.new.5") is None
    assert file_kind("ca.key") is None


def test_cleaning_keeps_a_copy_and_leaves_the_rest(paths: Paths, tmp_path: Path) -> None:
    join(paths, parse_request(request()))
    Path(paths.job_file(1)).write_text("job")
    other = Path(paths.data_dir, "export", "x")
    other.write_text("mine")
    clean(paths, str(tmp_path / "backup"))
    assert state_files(paths) == []
    assert other.read_text() == "mine"
    assert (tmp_path / "backup/queue/job-1").read_text() == "job"
    assert (tmp_path / "backup/server.pem").read_text() == "PEM"
    clean(paths, str(tmp_path / "second"))
    assert not (tmp_path / "second").exists()


def test_a_virtual_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "v c"
    words = ["-E", "-c", "3", "-i", "1", "-p", "127.77.9", "--cluster-name", "demo", str(base)]
    assert vcluster_setup.main(words) == 0
    assert "gnt-cluster init" in capsys.readouterr().out
    paths = Paths.from_env({"GANETI_ROOTDIR": str(base / "node2")})
    assert resolve(paths, "node3") == ("node3", "127.77.9.3")
    assert resolve(paths, "demo")[1] == "127.77.9.254"
    assert resolve(paths, "instance1")[1] == "127.77.9.101"
    assert os.path.isdir(paths.queue_dir)
    assert Path(paths.conf_dir, "node-share").read_text() == "3\n"
    allowed = Path(paths.file_storage_paths).read_text().splitlines()
    assert allowed[0] == paths.default_file_storage_dir
    assert vcluster_setup.main(["-c", "4", str(base)]) == 0
    assert (base / "node4").is_dir()


def test_its_scripts(tmp_path: Path) -> None:
    base = tmp_path / "v c"
    vcluster_setup.main(["-c", "2", str(base)])
    text = "echo $GANETI_HOSTNAME $GANETI_ROOTDIR; which python3"
    shown = run_blocking(Command((f"{base}/node2/cmd", "sh", "-c", text))).stdout.splitlines()
    assert shown[0] == f"node2 {base}/node2"
    assert os.path.dirname(shown[1]) == os.path.dirname(sys.executable)
    # No node belongs to a cluster yet: nothing to start, nothing to fail.
    for script in ("start-all", "stop-all"):
        assert run_blocking(Command((f"{base}/{script}",))).code == 0


@pytest.mark.parametrize("words", ["-p 192.0.2 x", "-p 127.1 x", "-c 0 x", "-c 101 x", "-c a x"])
def test_wrong_settings(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        vcluster_setup.main(words.split())
    assert "error" in capsys.readouterr().err


def test_a_directory_too_long_for_sockets_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vcluster_setup.main(["-c", "1", str(tmp_path / ("x" * 90))]) == 1
    assert "too long" in capsys.readouterr().err
