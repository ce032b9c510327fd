"""Files that the REST daemon follows: there, changed, broken, gone, back."""

import os
import re
import ssl
from pathlib import Path

import pytest

from pyganeti.daemons.rapi.files import Certificate, LoadedCertificate, UsersFile, Watched
from pyganeti.kit import tls
from pyganeti.master.new_keys import self_signed
from pyganeti.model.errors import ConfigurationError
from pyganeti.rapi.users import admit


def test_a_file_is_read_when_it_changed(tmp_path: Path) -> None:
    path, reads = tmp_path / "users", 0

    def read() -> None:
        nonlocal reads
        reads += 1

    watched = Watched((str(path),), read)
    watched.look()
    watched.look()
    assert reads == 1
    path.write_text("a b\n")
    watched.look()
    assert reads == 2
    # Replaced by one of the same length and time.
    stamp = path.stat().st_mtime_ns
    other = tmp_path / "other"
    other.write_text("a c\n")
    os.utime(other, ns=(stamp, stamp))
    other.rename(path)
    watched.look()
    assert reads == 3
    watched.look()
    watched.look(anyway=True)
    assert reads == 4
    path.unlink()
    watched.look()
    assert reads == 5


def test_users(tmp_path: Path) -> None:
    path = tmp_path / "users"
    users = UsersFile(str(path))
    users.read()
    assert users.users == {}
    path.write_bytes(b"ann one\nb\xff two\n")
    users.read()
    assert admit(users.users, "ann", "one") is not None
    # What cannot be read changes nothing.
    path.unlink()
    path.mkdir()
    users.read()
    assert admit(users.users, "ann", "one") is not None


def pair(directory: Path, name: str) -> tuple[Path, Path]:
    """Key and certificate, a file each."""
    blocks = re.findall(r"-----BEGIN.*?-----END[^\n]*\n", self_signed(name).decode(), re.S)
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    key.write_text("".join(block for block in blocks if "PRIVATE KEY" in block))
    certificate.write_text("".join(block for block in blocks if "CERTIFICATE" in block))
    return key, certificate


def test_key_and_certificate_in_two_files(tmp_path: Path) -> None:
    key, certificate = pair(tmp_path, "one")
    other, _ = pair(tmp_path, "two")
    Certificate(str(key), str(certificate)).context()
    for wrong in (other, tmp_path / "nosuch", tmp_path, certificate):
        with pytest.raises(ConfigurationError, match=str(wrong)):
            Certificate(str(wrong), str(certificate)).context()


def test_a_chain_is_sent_along(tmp_path: Path) -> None:
    authority = tls.make_ca("authority", 1_700_000_000.0)
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(tls.issue_node_certificate(authority, "c", "", 1_700_000_000.0))
    chain = tmp_path / "chain.pem"
    chain.write_bytes(authority.certificate)
    context = Certificate(str(leaf), str(leaf), str(chain)).context()
    assert isinstance(context, ssl.SSLContext)
    chain.write_text("nonsense")
    # Text between certificates is a remark; the leaf alone is left.
    Certificate(str(leaf), str(leaf), str(chain)).context()
    chain.unlink()
    with pytest.raises(ConfigurationError, match=r"chain\.pem"):
        Certificate(str(leaf), str(leaf), str(chain)).context()


def test_a_broken_certificate_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rapi.pem"
    path.write_bytes(self_signed("c"))
    loaded = LoadedCertificate(Certificate(str(path), str(path)))
    first = loaded.context
    path.write_text("nonsense")
    loaded.read()
    assert "stays as it was" in caplog.text
    assert loaded.context is first
