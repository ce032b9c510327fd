"""Certificates that a node is given: tried before anything changes."""

import os
import ssl
import stat
from pathlib import Path

import pytest

from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError
from pyganeti.node.certificates import NodeCertificates
from pyganeti.node.files import NodeFiles

NAME, UUID = "node1", "11111111-2222-4333-8444-555555555555"
OTHER_UUID = "99999999-2222-4333-8444-555555555555"
NOW = SystemClock().now()
OLD, NEW = tls.make_ca("old", NOW), tls.make_ca("new", NOW)
BOTH = OLD.certificate + NEW.certificate


class Node:
    """A node with certificates of the old authority."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(str(root), NAME)
        os.makedirs(self.paths.data_dir)
        self.taken_up = 0
        own = tls.issue_node_certificate(OLD, NAME, UUID, NOW)
        for path, content in (
            (self.paths.ca_cert, OLD.certificate),
            (self.paths.server_pem, own),
            (self.paths.client_pem, own),
        ):
            Path(path).write_bytes(content)
        self.certificates = NodeCertificates(self.paths, NodeFiles(self.paths), self._take_up)

    async def _take_up(self) -> None:
        tls.server_context(self.paths.server_pem, self.paths.ca_cert)
        self.taken_up += 1

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.paths.rootdir)): path.read_bytes()
            for path in Path(self.paths.rootdir).rglob("*")
            if path.is_file()
        }


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path / NAME)


async def test_new_certificates_are_written_and_taken_up(node: Node) -> None:
    new = tls.issue_node_certificate(NEW, NAME, UUID, NOW)
    digest = await node.certificates.install(NAME, BOTH, new)
    assert digest == tls.certificate_digest(new)
    assert node.taken_up == 1
    paths = node.paths
    assert [read_bytes(path) for path in (paths.server_pem, paths.client_pem)] == [new, new]
    assert read_bytes(paths.ca_cert) == BOTH
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (paths.client_pem, paths.ca_cert)]
    assert modes == [0o440, 0o444]
    # Nothing is left of the trial, which held a key.
    assert os.listdir(paths.crypto_dir) == []
    assert stat.S_IMODE(os.stat(paths.crypto_dir).st_mode) == 0o700


async def test_another_authority_is_trusted_beside_the_old_one(node: Node) -> None:
    before = node.files()
    digest = await node.certificates.install(NAME, BOTH, None)
    assert digest == tls.certificate_digest(before["var/lib/ganeti/client.pem"])
    changed = {name for name, content in node.files().items() if before[name] != content}
    assert changed == {"var/lib/ganeti/ca.pem"}


def mixed() -> bytes:
    """The certificate of one key and another key."""
    first = tls.issue_node_certificate(NEW, NAME, UUID, NOW)
    second = tls.issue_node_certificate(NEW, NAME, UUID, NOW)
    return first[: first.find(b"-----BEGIN CERT")] + tls.certificates_of(second)[0]


@pytest.mark.parametrize(
    ("authorities", "certificate", "said"),
    [
        (NEW.certificate, None, "unable to get"),
        (OLD.certificate, tls.issue_node_certificate(NEW, NAME, UUID, NOW), "unable to get"),
        (BOTH, tls.issue_node_certificate(NEW, "node2", UUID, NOW), "node2|mismatch"),
        (BOTH, tls.issue_node_certificate(NEW, NAME, OTHER_UUID, NOW), OTHER_UUID),
        (BOTH, tls.issue_node_certificate(NEW, NAME, UUID, 0), "expired"),
        (BOTH, tls.issue_node_certificate(NEW, NAME, UUID, NOW + 86400), "not yet valid"),
        (BOTH, mixed(), "belong together"),
        (BOTH, b"", "no certificate"),
        (BOTH, b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", "certificates for"),
        (b"", None, "belong together|certificates for"),
        (b"nonsense", None, "belong together|certificates for"),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_changes(
    node: Node, authorities: bytes, certificate: bytes | None, said: str
) -> None:
    before = node.files()
    with pytest.raises(GenericError, match=said) as refused:
        await node.certificates.install(NAME, authorities, certificate)
    assert "PRIVATE" not in str(refused.value)
    assert node.files() == before
    assert node.taken_up == 0


def test_contexts_that_do_not_trust_each_other_find_out_in_memory(tmp_path: Path) -> None:
    for name, authority in (("old", OLD), ("new", NEW)):
        own = tls.issue_node_certificate(authority, NAME, UUID, NOW)
        (tmp_path / f"{name}.pem").write_bytes(own)
        (tmp_path / f"{name}-ca.pem").write_bytes(authority.certificate)
    old, new = (
        (str(tmp_path / f"{name}.pem"), str(tmp_path / f"{name}-ca.pem")) for name in ("old", "new")
    )
    met = tls.introduce(tls.server_context(*old), tls.client_context(*old), NAME)
    assert met is not None
    assert (met.name, met.uuid) == (NAME, UUID)
    for server, client in ((old, new), (new, old)):
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
            tls.introduce(tls.server_context(*server), tls.client_context(*client), NAME)


def test_a_node_is_signed_for_by_the_authority_whose_key_it_is() -> None:
    for bundle in (BOTH, NEW.certificate + OLD.certificate):
        authority = tls.Authority(bundle, NEW.key)
        assert tls.issue_node_certificate(authority, NAME, UUID, NOW)
    with pytest.raises(ValueError, match="belongs to none"):
        tls.issue_node_certificate(tls.Authority(OLD.certificate, NEW.key), NAME, UUID, NOW)
    assert tls.certificates_of(BOTH) == [OLD.certificate, NEW.certificate]
    assert "PRIVATE" not in repr(NEW)


async def test_a_certificate_of_ganetis_is_replaced(node: Node) -> None:
    # It says no UUID; that it names the node is checked all the same.
    write_atomic(node.paths.client_pem, tls.issue_node_certificate(OLD, NAME, "", NOW))
    new = tls.issue_node_certificate(NEW, NAME, UUID, NOW)
    await node.certificates.install(NAME, BOTH, new)
    assert read_bytes(node.paths.client_pem) == new
    other = tls.issue_node_certificate(NEW, NAME, OTHER_UUID, NOW)
    with pytest.raises(GenericError, match="UUID"):
        await node.certificates.install(NAME, BOTH, other)
