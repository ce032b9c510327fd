"""TLS between the daemons: one certificate authority a cluster, one certificate a node.

Contexts need the standard library only. Making certificates needs ``cryptography``, which is slow
to import, so it is imported by the functions that make them. Files are PEM, key and certificate in
one. Source: docs/design/0002-node-calls.md; digest form of Ganeti's ``candidate_certs``.
"""

import hashlib
import re
import ssl
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

VALID_DAYS: Final = 5 * 365
# Clocks of nodes may differ: a new certificate is valid a little before it was made.
_BACKDATED: Final = timedelta(minutes=10)
_UUID_LENGTH: Final = 36
_NODE_URI: Final = "urn:uuid:"
_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a verified connection: digest of its certificate, node name and UUID."""

    digest: str
    name: str
    uuid: str


@dataclass(frozen=True, slots=True)
class Authority:
    """A cluster's certificate authority, both parts as PEM.

    Attributes:
        certificate: while it is exchanged for another, there may be several; one is the key's.
        key: signs.
    """

    certificate: bytes
    key: bytes = field(repr=False)


def server_context(certificate: str, ca: str, key: str | None = None) -> ssl.SSLContext:
    """Context of a daemon that answers only certificates signed by ``ca``. Arguments are paths.

    Args:
        certificate: the daemon's own.
        ca: what callers' certificates must be signed by.
        key: of the daemon's certificate, where it does not lie in the same file.

    Raises:
        OSError: a file is missing or no certificate (``ssl.SSLError``).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(ca)
    # Connections are kept for hours: resumption would save nothing and costs two tickets each.
    context.num_tickets = 0
    return context


def client_context(certificate: str, ca: str) -> ssl.SSLContext:
    """Context of a caller; the server's certificate must be signed by ``ca`` and name its node.

    Raises:
        OSError: a file is missing or no certificate (``ssl.SSLError``).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # With 1.3 a caller learns only after it has sent its request that its certificate was refused,
    # and cannot tell that from a server that died over it. With 1.2 the handshake says so.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = True
    context.load_cert_chain(certificate)
    context.load_verify_locations(ca)
    return context


def introduce(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> Peer | None:
    """Let two contexts agree on a connection, in memory; whom the server sees.

    Args:
        server: from :func:`server_context`.
        client: from :func:`client_context`.
        name: what the server's certificate must name.

    Raises:
        OSError: one of them refuses the other (``ssl.SSLError``).
    """
    asked, answered = ssl.MemoryBIO(), ssl.MemoryBIO()
    called = server.wrap_bio(asked, answered, server_side=True)
    caller = client.wrap_bio(answered, asked, server_hostname=name)
    waiting = [caller, called]
    # Each round passes at least one message on; a handshake has far fewer.
    for _ in range(10):
        waiting = [end for end in waiting if not _has_shaken_hands(end)]
        if not waiting:
            return peer_of(called)
    raise ssl.SSLError("the handshake does not end")


def _has_shaken_hands(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def reason(err: OSError) -> str:
    """Why a context could not be made, in words; OpenSSL's own name a line of its source."""
    if isinstance(err, ssl.SSLError):
        return "not a key and certificate that belong together"
    return err.strerror or str(err)


def digest_of(der: bytes) -> str:
    """Digest of a certificate, SHA-1 as ``AB:CD:...``: ``ssconf_master_candidates_certs``."""
    # SHA-1 is Ganeti's format; what is trusted is the authority's signature, checked before.
    return hashlib.sha1(der, usedforsecurity=False).digest().hex(":").upper()


def certificate_digest(pem: bytes) -> str:
    """As :func:`digest_of`, for the first certificate in a PEM file.

    Raises:
        ValueError: there is none.
    """
    return digest_of(_first_certificate(pem))


def certificate_uuid(pem: bytes) -> str:
    """UUID of the node that the first certificate in a PEM file was issued for; or empty.

    The URI stands in the certificate as plain text, so a daemon need not load ``cryptography`` to
    learn who it is.

    Raises:
        ValueError: there is no certificate in it.
    """
    der = _first_certificate(pem)
    begin = der.find(_NODE_URI.encode("ascii"))
    if begin < 0:
        return ""
    begin += len(_NODE_URI)
    found = der[begin : begin + _UUID_LENGTH].decode("ascii", "replace")
    try:
        return str(uuid.UUID(found))
    except ValueError:
        return ""


def certificates_of(pem: bytes) -> list[bytes]:
    """The certificates in a PEM file, each as PEM; keys are left out."""
    return [found.group() + b"\n" for found in _CERTIFICATE.finditer(pem)]


def expiry(pem: bytes) -> float:
    """When the first certificate in a PEM file ends, in seconds since the epoch.

    Raises:
        ValueError: there is no certificate in it, or none that can be read.
    """
    return validity(pem)[1]


def _first_certificate(pem: bytes) -> bytes:
    found = _CERTIFICATE.search(pem)
    if found is None:
        raise ValueError("no certificate in this file")
    return ssl.PEM_cert_to_DER_cert(found.group().decode("ascii"))


def peer_of(connection: ssl.SSLObject) -> Peer | None:
    """Who is at the other end; ``None`` without a verified certificate."""
    der = connection.getpeercert(binary_form=True)
    if der is None:
        return None
    # Any: the standard library types this dictionary loosely.
    fields: dict[str, Any] = connection.getpeercert() or {}
    names = [
        value for rdn in fields.get("subject", ()) for key, value in rdn if key == "commonName"
    ]
    uris = [value for kind, value in fields.get("subjectAltName", ()) if kind == "URI"]
    uuids = [uri.removeprefix(_NODE_URI) for uri in uris if uri.startswith(_NODE_URI)]
    return Peer(digest_of(der), names[0] if names else "", uuids[0] if uuids else "")


def make_ca(cluster_name: str, now: float) -> Authority:
    """A new certificate authority for a cluster, valid from ``now`` (seconds since the epoch)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Ganeti cluster {cluster_name}"[:64])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key))


def issue_node_certificate(authority: Authority, name: str, uuid: str, now: float) -> bytes:
    """Key and certificate of a node, as one PEM; good for both ends of a connection.

    Raises:
        ValueError: ``name`` is no host name, or the authority's files are damaged or of different
            authorities.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    ca_key = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key of the certificate authority is not an elliptic curve key")
    ca = _certificate_of(ca_key, authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(name), x509.UniformResourceIdentifier(_NODE_URI + uuid)]
    builder = (
        _builder(_name(name[:64]), ca.subject, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([Usage.SERVER_AUTH, Usage.CLIENT_AUTH]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
    )
    return _key_pem(key) + _pem(builder.sign(ca_key, hashes.SHA256()))


def self_signed(common_name: str, now: float, validity_s: float) -> tuple[bytes, bytes]:
    """A key and a certificate that vouches for itself alone, both as PEM, for one purpose.

    An RSA key: Ganeti's programs at the other end may exclude others.
    """
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name(common_name)
    builder = _builder(name, name, key.public_key(), now, timedelta(seconds=int(validity_s)))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem, _pem(builder.sign(key, hashes.SHA256()))


def validity(pem: bytes) -> tuple[float, float]:
    """From when until when the first certificate in a PEM file holds, in seconds since the epoch.

    Raises:
        ValueError: there is no certificate in it, or none that can be read.
    """
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(_first_certificate(pem))
    except x509.InvalidVersion as err:
        raise ValueError(str(err)) from err
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def _certificate_of(key: "ec.EllipticCurvePrivateKey", pem: bytes) -> "x509.Certificate":
    from cryptography import x509

    for certificate in x509.load_pem_x509_certificates(pem):
        if certificate.public_key() == key.public_key():
            return certificate
    raise ValueError("the key of the certificate authority belongs to none of its certificates")


def _name(common_name: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: "x509.Name",
    issuer: "x509.Name",
    key: "ec.EllipticCurvePublicKey | rsa.RSAPublicKey",
    now: float,
    lasting: timedelta = timedelta(days=VALID_DAYS),
) -> "x509.CertificateBuilder":
    from cryptography import x509

    # Certificates hold naive UTC times.
    start = datetime(1970, 1, 1) + timedelta(seconds=int(now))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _BACKDATED)
        .not_valid_after(start + lasting)
    )


def _pem(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: "ec.EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
