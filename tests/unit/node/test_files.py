"""What a master may write on a node, and nothing else."""

import json
import stat
from pathlib import Path

import pytest

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError
from pyganeti.node.files import SSCONF_KEYS, NodeFiles, places
from pyganeti.node.leave import leave_cluster

SPEC = Path(__file__).parents[2] / "spec"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(str(tmp_path), tmp_path.name)
    Path(made.data_dir).mkdir(parents=True)
    return made


def test_the_ssconf_keys_are_the_34_of_the_facts() -> None:
    known = json.loads((SPEC / "constants.json").read_text())["ssconf"]["keys"]
    assert frozenset(known) == SSCONF_KEYS
    assert len(SSCONF_KEYS) == 34


def test_owners_and_modes_are_those_of_the_layout() -> None:
    layout = json.loads((SPEC / "layout.json").read_text())
    found = {path.removeprefix("/var"): place for path, place in places(Paths()).items()}
    users, groups = layout["_meta"]["users"], layout["_meta"]["groups"]
    compared = 0
    for entry in layout["entries"]:
        place = found.get(entry["path"].removeprefix("{localstatedir}"))
        if place is None:
            continue
        compared += 1
        assert place.mode == int(entry["mode_octal"], 8), entry["path"]
        assert (place.user, place.group) == (users[entry["user"]], groups[entry["group"]])
    assert compared >= 9


def test_a_listed_file_is_written_below_the_nodes_root(paths: Paths) -> None:
    NodeFiles(paths).upload("/var/lib/ganeti/hmac.key", b"key", 0o777)
    assert read_bytes(paths.hmac_key) == b"key"
    assert stat.S_IMODE(Path(paths.hmac_key).stat().st_mode) == 0o440


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/var/lib/ganeti/../x", "/var/lib/ganeti/epoch", "hmac.key", ""]
)
def test_other_files_are_refused(paths: Paths, path: str) -> None:
    with pytest.raises(GenericError, match="may be uploaded"):
        NodeFiles(paths).upload(path, b"", 0o600)


def test_ssconf_values_end_with_a_newline_unless_empty(paths: Paths) -> None:
    NodeFiles(paths).write_ssconf({"cluster_name": "c", "cluster_tags": ""})
    assert read_bytes(paths.ssconf("cluster_name")) == b"c\n"
    assert read_bytes(paths.ssconf("cluster_tags")) == b""


def test_an_unknown_key_changes_nothing(paths: Paths) -> None:
    with pytest.raises(GenericError, match="evil"):
        NodeFiles(paths).write_ssconf({"cluster_name": "c", "../evil": "x"})
    assert read_bytes(paths.ssconf("cluster_name")) is None


def test_files_of_the_queue_are_written_and_removed(paths: Paths) -> None:
    files = NodeFiles(paths)
    files.write_queue({"job-7": b"{}", "serial": b"7\n", "archive/0/job-3": b"[]"})
    files.write_queue({"job-7": None, "archive/0/job-4": None})
    assert read_bytes(paths.job_file(7)) is None
    assert read_bytes(f"{paths.queue_dir}/serial") == b"7\n"
    assert read_bytes(paths.archived_job_file(3)) == b"[]"


def test_a_job_that_cannot_be_archived_keeps_its_file(paths: Paths) -> None:
    files = NodeFiles(paths)
    files.write_queue({"job-7": b"{}"})
    Path(f"{paths.queue_dir}/archive").write_text("in the way")
    with pytest.raises(OSError, match="archive"):
        files.write_queue({"job-7": None, "archive/0/job-7": b"{}"})
    assert read_bytes(f"{paths.queue_dir}/job-7") == b"{}"


def test_files_of_the_queue_are_listed_without_the_archive(paths: Paths) -> None:
    files = NodeFiles(paths)
    assert files.list_queue() == ()
    others = {"serial": b"7\n", "archive/0/job-3": b"[]"}
    files.write_queue({"job-17": b"{}", "job-7": b"{}", **others})
    Path(paths.job_file(8) + ".new.1").write_text("half")
    assert files.list_queue() == (7, 17)


@pytest.mark.parametrize("name", ["../x", "job-", "job-1x", "archive/job-1", "/etc/passwd"])
def test_other_names_in_the_queue_are_refused(paths: Paths, name: str) -> None:
    with pytest.raises(GenericError, match="no file of the job queue"):
        NodeFiles(paths).write_queue({name: b""})


def test_a_path_is_described(paths: Paths) -> None:
    files = NodeFiles(paths)
    assert not files.info("/var/lib/ganeti/nothing").exists
    files.upload("/var/lib/ganeti/known_hosts", b"abc", 0)
    found = files.info("/var/lib/ganeti/known_hosts")
    assert (found.exists, found.size, found.mode, found.is_regular) == (True, 3, 0o644, True)


def test_leaving_removes_the_clusters_files_and_no_others(paths: Paths) -> None:
    files = NodeFiles(paths)
    files.upload("/var/lib/ganeti/hmac.key", b"key", 0)
    files.upload("/var/lib/ganeti/known_hosts", b"hosts", 0)
    files.write_ssconf({"cluster_name": "c"})
    files.write_queue({"job-7": b"{}"})
    other = Path(paths.data_dir, "notes-of-the-admin")
    other.write_text("mine")
    leave_cluster(paths, ssh=False)
    leave_cluster(paths, ssh=False)
    left = sorted(path.name for path in Path(paths.data_dir).iterdir())
    assert left == ["known_hosts", "notes-of-the-admin"]
    leave_cluster(paths, ssh=True)
    assert [path.name for path in Path(paths.data_dir).iterdir()] == ["notes-of-the-admin"]
