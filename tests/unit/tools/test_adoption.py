"""Certificates of Ganeti's node become ours: which file becomes which, once, and the refusals.

As Ganeti makes them: a self-signed pair, and a certificate signed with its key that names the node
and nothing else. The pair says here that it may sign; Ganeti's is of X.509 version 1, where that
need not be said, and which the library does not make: ``tests/e2e/test_swap.py`` has real ones.
"""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ConfigurationError
from pyganeti.tools.adoption import adopt, kept_digests, kept_dir

NODE = "node1"
NOW = SystemClock().now()
PAIR_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(subject: str, key: rsa.RSAPrivateKey, *, signs: bool = False) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ganeti.example.com")])
    begin = datetime(1970, 1, 1) + timedelta(seconds=int(NOW) - 60)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
    )
    if signs:
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    certificate = builder.sign(PAIR_KEY, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


PAIR = _pem("ganeti.example.com", PAIR_KEY, signs=True)
CLIENT = _pem(NODE, rsa.generate_private_key(public_exponent=65537, key_size=2048))
DIGESTS = "11111111-2222-4333-8444-555555555555=AA:BB\n"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A candidate of a cluster of Ganeti's."""
    made = Paths(str(tmp_path / NODE), NODE)
    Path(made.data_dir).mkdir(parents=True)
    Path(made.conf_dir).mkdir(parents=True)
    Path(made.server_pem).write_bytes(PAIR)
    Path(made.client_pem).write_bytes(CLIENT)
    Path(made.ssconf("master_candidates")).write_text(f"node0\n{NODE}\n")
    Path(made.ssconf("master_candidates_certs")).write_text(DIGESTS)
    return made


def contents(paths: Paths) -> dict[str, bytes]:
    """All files of the node."""
    return {
        str(path.relative_to(paths.rootdir)): path.read_bytes()
        for path in Path(paths.rootdir).rglob("*")
        if path.is_file()
    }


def test_nodes_trust_each_other_as_they_did(paths: Paths) -> None:
    adopt(paths)
    server = tls.server_context(paths.server_pem, paths.ca_cert)
    client = tls.client_context(paths.client_pem, paths.ca_cert)
    peer = tls.introduce(server, client, NODE)
    assert peer is not None
    # The one that ssconf_master_candidates_certs knows.
    assert peer.digest == tls.certificate_digest(CLIENT)


def test_a_candidate_has_the_key_of_the_authority(paths: Paths) -> None:
    adopt(paths)
    assert Path(paths.ca_key).read_bytes() + Path(paths.ca_cert).read_bytes() == PAIR
    assert b"PRIVATE" not in Path(paths.ca_cert).read_bytes()
    assert stat.S_IMODE(Path(paths.ca_key).stat().st_mode) & 0o007 == 0


def test_a_regular_node_has_it_not(paths: Paths) -> None:
    Path(paths.ssconf("master_candidates")).write_text("node0\n")
    adopt(paths)
    assert not Path(paths.ca_key).exists()
    assert PAIR not in Path(paths.server_pem).read_bytes()


def test_what_was_ganetis_is_kept_for_root(paths: Paths) -> None:
    adopt(paths)
    kept = Path(kept_dir(paths))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert (kept / "server.pem").read_bytes() == PAIR
    assert (kept / "client.pem").read_bytes() == CLIENT
    assert kept_digests(paths) == {"11111111-2222-4333-8444-555555555555": "AA:BB"}


def test_again_changes_nothing(paths: Paths) -> None:
    adopt(paths)
    before = contents(paths)
    adopt(paths)
    assert contents(paths) == before


@pytest.mark.parametrize("reached", ["kept", "ca.key", "server.pem"])
def test_a_crash_in_between_is_repaired(paths: Paths, reached: str) -> None:
    before = {path: Path(path).read_bytes() for path in (paths.server_pem, paths.client_pem)}
    adopt(paths)
    whole = contents(paths)
    Path(paths.ca_cert).unlink()
    if reached != "server.pem":
        Path(paths.server_pem).unlink()
        Path(paths.server_pem).write_bytes(before[paths.server_pem])
    if reached == "kept":
        Path(paths.ca_key).unlink()
    adopt(paths)
    assert contents(paths) == whole


def test_our_own_certificates_are_left_alone(paths: Paths) -> None:
    own = tls.issue_node_certificate(tls.make_ca("c", NOW), NODE, DIGESTS[:36], NOW)
    for path in (paths.server_pem, paths.client_pem):
        Path(path).write_bytes(own)
    before = contents(paths)
    adopt(paths)
    assert contents(paths) == before


def test_a_machine_of_no_cluster_is_left_alone(paths: Paths) -> None:
    Path(paths.server_pem).unlink()
    before = contents(paths)
    adopt(paths)
    assert contents(paths) == before
    assert kept_digests(paths) == {}


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("server.pem", b"", "server.pem is not one certificate and its key"),
        ("server.pem", PAIR + PAIR, "server.pem is not one certificate"),
        ("client.pem", b"", "client.pem is no certificate of this node"),
        ("client.pem", tls.certificates_of(CLIENT)[0], "client.pem is no certificate of this"),
    ],
)
def test_damaged_files_are_refused(paths: Paths, name: str, content: bytes, text: str) -> None:
    Path(paths.data_dir, name).write_bytes(content)
    before = contents(paths)
    with pytest.raises(ConfigurationError, match=text):
        adopt(paths)
    assert contents(paths) == before
