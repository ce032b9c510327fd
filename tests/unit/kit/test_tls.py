"""Certificates: made, digested, and accepted by the contexts that use them."""

import hashlib
import ssl
from pathlib import Path

import pytest

from pyganeti.kit import tls

NOW = 1_700_000_000.0


def test_the_digest_is_the_sha1_of_the_certificate_in_ganetis_form() -> None:
    authority = tls.make_ca("cluster.example.com", NOW)
    der = ssl.PEM_cert_to_DER_cert(authority.certificate.decode())
    expected = hashlib.sha1(der).hexdigest().upper()
    digest = tls.certificate_digest(authority.certificate)
    assert digest.replace(":", "") == expected
    assert len(digest.split(":")) == 20


def test_the_digest_skips_the_key() -> None:
    authority = tls.make_ca("c", NOW)
    pem = tls.issue_node_certificate(authority, "node1.example.com", "u-1", NOW)
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert tls.certificate_digest(pem) == tls.certificate_digest(
        pem[pem.find(b"-----BEGIN CERT") :]
    )


def test_a_file_without_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="no certificate"):
        tls.certificate_digest(b"nothing")


def test_contexts_load_what_was_made(tmp_path: Path) -> None:
    authority = tls.make_ca("c" * 300, NOW)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    pem = tls.issue_node_certificate(authority, "node1.example.com", "u-1", NOW)
    (tmp_path / "node.pem").write_bytes(pem)
    server = tls.server_context(str(tmp_path / "node.pem"), str(tmp_path / "ca.pem"))
    client = tls.client_context(str(tmp_path / "node.pem"), str(tmp_path / "ca.pem"))
    assert server.verify_mode is ssl.CERT_REQUIRED
    assert client.check_hostname
