"""What two clusters tell each other, signed."""

from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.errors import OpPrereqError
from pyganeti.model.remote import DiskTarget, DomainSecret, magic_of, normal_pem

SECRET = DomainSecret(b"domsecret")
TARGET = DiskTarget("192.0.2.7", 4711, "0123456789abcdef")
# Signed by Debian's Ganeti 3.0.2 with this secret and the salt ``aabbccdd``.
SIGNED = (Path(__file__).parents[2] / "golden" / "remote" / "signed.pem").read_text("ascii")


def test_a_certificate_that_ganeti_signed() -> None:
    pem = SECRET.check_certificate(SIGNED, "them")
    assert SECRET.sign_certificate(pem, "aabbccdd") == SIGNED


def test_a_certificate_in_another_form_is_the_same() -> None:
    pem = normal_pem(SIGNED)
    folded = SIGNED.replace("\n", "\r\n")
    assert SECRET.check_certificate(folded, "them") == pem


def test_what_was_signed_is_believed() -> None:
    SECRET.check_handshake(SECRET.handshake("salt"))
    assert SECRET.check_key_name(SECRET.key_name("x509-1", "salt")) == "x509-1"
    assert SECRET.check_disk_info(3, SECRET.disk_info(3, TARGET, "salt")) == TARGET


def test_a_port_may_be_a_text() -> None:
    digest = SECRET.digest("0:192.0.2.7:4711:magic-word", "salt")
    given = ["192.0.2.7", "4711", "magic-word", digest, "salt"]
    assert SECRET.check_disk_info(0, given).port == 4711


@pytest.mark.parametrize("part", range(5))
def test_what_was_changed_is_refused(part: int) -> None:
    given: list[Any] = SECRET.disk_info(0, TARGET, "salt")
    given[part] = "other"
    with pytest.raises(OpPrereqError, match="not signed"):
        SECRET.check_disk_info(0, given)


@pytest.mark.parametrize(
    ("host", "port", "magic"),
    [("", 1, "magic-word"), ("-o x", 1, "magic-word"), ("h", 0, "magic-word"), ("h", 1, "a b")],
)
def test_what_is_signed_and_senseless_is_refused(host: str, port: int, magic: str) -> None:
    given = SECRET.disk_info(0, DiskTarget(host, port, magic), "salt")
    with pytest.raises(OpPrereqError, match="lacks a host, a port or the magic word"):
        SECRET.check_disk_info(0, given)


@pytest.mark.parametrize("given", [None, [], "text", {}, [0], [0, 1, 2, 3], [0, None, None]])
def test_a_handshake_of_another_shape_is_refused(given: Any) -> None:
    with pytest.raises(OpPrereqError, match="handshake"):
        SECRET.check_handshake(given)


def test_a_handshake_of_another_version_is_named() -> None:
    digest = SECRET.digest("7:Hi, I'm Ganeti", "salt")
    with pytest.raises(OpPrereqError, match="version 7"):
        SECRET.check_handshake([7, digest, "salt"])


def test_another_secret_is_refused() -> None:
    with pytest.raises(OpPrereqError, match="do not share the same cluster domain secret"):
        DomainSecret(b"other").check_handshake(SECRET.handshake("salt"))


@pytest.mark.parametrize(
    "given", ["what", "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_refused(given: str) -> None:
    with pytest.raises(OpPrereqError, match="is none"):
        SECRET.check_certificate(given, "them")


def test_disks_have_words_of_their_own() -> None:
    words = {magic_of(base, name, at) for base in "ab" for name in "cd" for at in range(3)}
    assert len(words) == 12


def test_the_secret_is_not_shown() -> None:
    assert "domsecret" not in repr(SECRET)
