"""Modes and owners of files in directories that others may write, and root's rights given up."""

import os
import stat
import sys
from pathlib import Path

import pytest

from pyganeti.kit.identity import give, give_like_directory, group_id, group_to_give, user_id
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, run_blocking
from tests.needs import needs_root

NOBODY = 65534


def test_unknown_names_leave_owners_as_they_are() -> None:
    assert (user_id("root"), group_id("root")) == (0, 0)
    assert (user_id("no-such"), group_id("no-such")) == (-1, -1)


def test_files_of_a_virtual_node_are_given_to_nobody(tmp_path: Path) -> None:
    assert group_to_give(Paths(str(tmp_path), tmp_path.name), "root") == -1
    assert group_to_give(Paths(), "no-such") == -1


def test_a_mode_is_set(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    give(str(path), mode=0o640, uid=-1, gid=-1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    give(str(tmp_path / "missing"), mode=0o640, uid=-1, gid=-1)


def test_a_link_is_not_followed_nor_a_second_name(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("")
    secret.chmod(0o600)
    (tmp_path / "link").symlink_to(secret)
    (tmp_path / "pipe").symlink_to("/dev/null")
    os.link(secret, tmp_path / "name")
    for trap in ("link", "pipe", "name"):
        give(str(tmp_path / trap), mode=0o666, uid=NOBODY, gid=NOBODY)
    found = secret.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, os.geteuid())


def test_a_pipe_does_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    give(str(tmp_path / "pipe"), mode=0o666, uid=-1, gid=-1)
    assert stat.S_IMODE((tmp_path / "pipe").stat().st_mode) == 0o600


@needs_root("gives files and rights away")
def test_a_file_of_root_goes_to_the_owner_of_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    os.chown(tmp_path, NOBODY, NOBODY)
    give_like_directory(str(path))
    assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY)


LOW_PORTS = """
import os, socket, subprocess, sys
from pyganeti.kit.identity import become
become("nobody", low_ports=sys.argv[1] == "yes")
try:
    socket.socket().bind(("127.0.0.1", 80))
    print("bound")
except PermissionError:
    print("refused")
except OSError:
    print("bound by somebody else")
rights = open("/proc/self/status").read().split("CapEff:")[1].split()[0]
print(int(rights, 16))
print(subprocess.run(["grep", "CapEff", "/proc/self/status"], capture_output=True).stdout.split())
"""


@needs_root("gives files and rights away")
@pytest.mark.parametrize(("low_ports", "left"), [("yes", 1 << 10), ("no", 0)])
def test_low_ports_are_all_that_may_be_kept(low_ports: str, left: int) -> None:
    said = run_blocking(Command((sys.executable, "-c", LOW_PORTS, low_ports))).stdout.splitlines()
    assert (said[0] != "refused") == (low_ports == "yes")
    assert said[1:] == [str(left), "[b'CapEff:', b'0000000000000000']"]


@needs_root("gives files and rights away")
def test_rights_are_given_up_for_good() -> None:
    program = (
        "import os\nfrom pyganeti.kit.identity import become\nbecome('nobody')\n"
        "print(os.getresuid(), 0 in os.getgroups())\n"
        "try:\n    os.setuid(0)\nexcept PermissionError:\n    print('refused')\n"
    )
    said = run_blocking(Command((sys.executable, "-c", program)))
    ids = f"({NOBODY}, {NOBODY}, {NOBODY}) False"
    assert said.stdout.splitlines() == [ids, "refused"]
