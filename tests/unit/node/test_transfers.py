"""What other nodes may read and write on a node."""

import stat
from pathlib import Path

import pytest

from pyganeti.model.errors import OpExecError
from pyganeti.node.transfers import Transfer, Transfers


@pytest.fixture
def transfers(tmp_path: Path) -> Transfers:
    """``in`` may be written by node n1, ``out`` read by it."""
    found = Transfers(str(tmp_path / "run"))
    (tmp_path / "dump").write_bytes(b"0123456789")
    found.allow("out", Transfer(peer="n1", files={"d": f"{tmp_path}/dump"}, writable=False))
    found.allow("in", Transfer(peer="n1", files={"d": f"{tmp_path}/new"}, writable=True))
    return found


def test_files_are_read_from_anywhere(transfers: Transfers) -> None:
    assert transfers.read("out", "n1", "d", offset=3, size=4) == b"3456"
    assert transfers.read("out", "n1", "d", offset=8, size=4) == b"89"
    assert transfers.read("out", "n1", "d", offset=10, size=4) == b""


def test_files_grow_and_what_is_there_may_be_repeated(transfers: Transfers, tmp_path: Path) -> None:
    for offset, data in ((0, b"abc"), (3, b"def"), (3, b"def"), (6, b"g")):
        transfers.write("in", "n1", "d", offset=offset, data=data)
    assert (tmp_path / "new").read_bytes() == b"abcdefg"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_no_hole_is_made(transfers: Transfers, tmp_path: Path) -> None:
    transfers.write("in", "n1", "d", offset=0, data=b"abc")
    with pytest.raises(OpExecError, match="has 3 bytes, not 4"):
        transfers.write("in", "n1", "d", offset=4, data=b"e")
    assert (tmp_path / "new").read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("name", "peer", "file"),
    [
        ("out", "n2", "d"),
        ("out", "", "d"),
        ("none", "n1", "d"),
        ("out", "n1", "x"),
        ("in", "n1", "d"),
    ],
)
def test_others_may_not_read(transfers: Transfers, name: str, peer: str, file: str) -> None:
    with pytest.raises(OpExecError):
        transfers.read(name, peer, file, offset=0, size=1)


@pytest.mark.parametrize(
    ("name", "peer", "file"),
    [
        ("in", "n2", "d"),
        ("in", "", "d"),
        ("none", "n1", "d"),
        ("in", "n1", "x"),
        ("out", "n1", "d"),
    ],
)
def test_others_may_not_write(
    transfers: Transfers, tmp_path: Path, name: str, peer: str, file: str
) -> None:
    with pytest.raises(OpExecError):
        transfers.write(name, peer, file, offset=0, data=b"x")
    assert (tmp_path / "dump").read_bytes() == b"0123456789"
    assert not (tmp_path / "new").exists()


def test_nothing_goes_when_it_has_ended(transfers: Transfers, tmp_path: Path) -> None:
    transfers.end("in")
    transfers.end("in")
    with pytest.raises(OpExecError, match="not open"):
        transfers.write("in", "n1", "d", offset=0, data=b"x")


def test_it_outlives_the_daemon(transfers: Transfers, tmp_path: Path) -> None:
    again = Transfers(str(tmp_path / "run"))
    assert again.read("out", "n1", "d", offset=0, size=2) == b"01"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".", "a\0"])
def test_what_is_no_name_is_refused(transfers: Transfers, name: str) -> None:
    with pytest.raises(OpExecError, match="no name of a transfer"):
        transfers.end(name)


def test_links_are_not_followed(transfers: Transfers, tmp_path: Path) -> None:
    (tmp_path / "new").symlink_to(tmp_path / "dump")
    with pytest.raises(OSError, match="Too many levels"):
        transfers.write("in", "n1", "d", offset=0, data=b"x")


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    transfers = Transfers(str(tmp_path / "run"))
    transfers.allow("in", Transfer(peer="n1", files={"d": "/dev/full"}, writable=True))
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        transfers.write("in", "n1", "d", offset=0, data=b"x")


def test_disks_and_files_are_not_taken_for_each_other(transfers: Transfers, tmp_path: Path) -> None:
    disk = Transfer(peer="n1", files={"d": f"{tmp_path}/dump"}, writable=True, disks=True)
    transfers.allow("disk", disk)
    assert transfers.path("disk", "n1", "d", writable=True, disks=True) == f"{tmp_path}/dump"
    with pytest.raises(OpExecError, match="not open"):
        transfers.write("disk", "n1", "d", offset=10, data=b"x")
    with pytest.raises(OpExecError, match="not open"):
        transfers.path("in", "n1", "d", writable=True, disks=True)
    assert (tmp_path / "dump").read_bytes() == b"0123456789"
