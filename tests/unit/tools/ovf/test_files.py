"""The files of a package: checksums, archives, and nothing that is half there."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from pyganeti.tools.ovf import files
from pyganeti.tools.ovf.package import OvfError

SUM = "SHA1(a)= 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\n"


def archive(path: Path, *members: tuple[str, bytes | tarfile.TarInfo]) -> str:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path)


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tuple[str, tarfile.TarInfo]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return name, info


def test_checksums_are_compared(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    files.check_manifest(str(tmp_path), "x")  # there is none
    assert files.manifest(str(tmp_path), ["a"]).decode() == SUM
    (tmp_path / "x.mf").write_text(SUM)
    files.check_manifest(str(tmp_path), "x")
    sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    (tmp_path / "x.mf").write_text(f"SHA256 (a) = {sha256}\r\n")
    files.check_manifest(str(tmp_path), "x")
    (tmp_path / "a").write_text("b")
    with pytest.raises(OvfError, match=r"a is not what its checksum in x\.mf says"):
        files.check_manifest(str(tmp_path), "x")


@pytest.mark.parametrize("line", ["x", "MD5(a)= 00", "SHA1(../a)= 00", "SHA1(b)= 00", "SHA1()= 0"])
def test_bad_manifests(tmp_path: Path, line: str) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "x.mf").write_text(f"{SUM}{line}\n")
    with pytest.raises(OvfError):
        files.check_manifest(str(tmp_path), "x")


def test_an_archive_is_packed_and_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.ovf").write_text("a")
    (tmp_path / "b").write_text("b")
    files.pack(str(tmp_path), ["a.ovf", "b"], str(tmp_path / "c.ova"))
    (tmp_path / "new").mkdir()
    found = files.unpack(str(tmp_path / "c.ova"), str(tmp_path / "new"))
    assert found == str(tmp_path / "new/a.ovf")
    assert sorted(os.listdir(tmp_path / "new")) == ["a.ovf", "b"]


@pytest.mark.parametrize(
    "members",
    [
        [],
        [("a", b"a")],
        [("a.ovf", b"a"), ("b.ovf", b"b")],
        [("a.ovf", b"a"), ("a.ovf", b"b")],
        [("../a.ovf", b"a")],
        [("/tmp/a.ovf", b"a")],
        [("d/a.ovf", b"a")],
        [link("a.ovf", "/etc/passwd")],
        [("a.ovf", b"a"), link("b", "/etc/passwd", tarfile.LNKTYPE)],
        [link("a.ovf", "x", tarfile.FIFOTYPE)],
        [link("a.ovf", "x", tarfile.DIRTYPE)],
    ],
)
def test_bad_archives(tmp_path: Path, members: list[tuple[str, bytes | tarfile.TarInfo]]) -> None:
    (tmp_path / "new").mkdir()
    with pytest.raises(OvfError):
        files.unpack(archive(tmp_path / "c.ova", *members), str(tmp_path / "new"))


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "c.ova").write_bytes(b"x" * 2000)
    with pytest.raises(OvfError, match="no whole archive"):
        files.unpack(str(tmp_path / "c.ova"), str(tmp_path))
    path = Path(archive(tmp_path / "d.ova", ("a.ovf", b"a" * 2000)))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(OvfError, match="no whole archive"):
        files.unpack(str(path), str(tmp_path))


def test_links_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("/etc/passwd")
    with pytest.raises(OvfError, match="no plain file"):
        files.regular(str(tmp_path), "a")
    with pytest.raises(OvfError, match="lacks its file b"):
        files.regular(str(tmp_path), "b")


def test_nothing_is_replaced_and_nothing_half_done(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("old")
    with files.made(str(tmp_path)) as work:
        for name in ("a", "b"):
            Path(work, name).write_text("new")
        with pytest.raises(OvfError, match="b exists already"):
            files.publish(work, ["a", "b"], str(tmp_path))
        files.publish(work, ["a"], str(tmp_path))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new", "b": "old"}
