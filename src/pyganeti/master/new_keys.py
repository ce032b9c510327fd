"""New keys for the files that ``gnt-cluster renew-crypto`` writes on the master's disk.

    options -> check what was given -> NewKeys (nothing written yet) -> write

Called by that command, as root: the files that it is given must not pass through a job. Blocking.
Source: gnt-cluster(8) RENEW-CRYPTO; owners and modes of the layout.
"""

import grp
import os
import pwd
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from pyganeti.kit import tls
from pyganeti.kit.clock import now
from pyganeti.kit.files import write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import ECode, OpPrereqError

if TYPE_CHECKING:
    from cryptography import x509

MAX_SIZE: Final = 64 * 1024
# A chain of more certificates is a mistake, or a loop.
_LONGEST_CHAIN: Final = 10


class Place(NamedTuple):
    """Mode and owners of a file."""

    mode: int
    user: str
    group: str


def places(paths: Paths) -> dict[str, Place]:
    """The files that can be renewed here."""
    return {
        paths.ca_next: Place(0o400, "gnt-masterd", "gnt-masterd"),
        paths.domain_secret: Place(0o640, "gnt-masterd", "gnt-masterd"),
        paths.hmac_key: Place(0o440, "gnt-confd", "gnt-masterd"),
        paths.rapi_pem: Place(0o440, "gnt-rapi", "gnt-masterd"),
        paths.spice_ca_pem: Place(0o440, "root", "gnt-masterd"),
        paths.spice_pem: Place(0o440, "root", "gnt-masterd"),
    }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be renewed; the paths are of files that the administrator gives."""

    cluster: bool = False
    rapi: bool = False
    spice: bool = False
    hmac: bool = False
    secret: bool = False
    rapi_file: str | None = None
    spice_file: str | None = None
    spice_ca_file: str | None = None
    secret_file: str | None = None


@dataclass(frozen=True, slots=True)
class NewKeys:
    """What is to be written, by path."""

    files: Mapping[str, bytes] = field(repr=False)


def make(paths: Paths, wanted: Wanted, cluster_name: str) -> NewKeys:
    """New keys, made or given; nothing is written yet.

    Raises:
        OpPrereqError: a file that was given is not usable; the message holds nothing of it.
    """
    files: dict[str, bytes] = {}
    if wanted.rapi_file is not None:
        files[paths.rapi_pem] = _given_pair(wanted.rapi_file)
    elif wanted.rapi:
        files[paths.rapi_pem] = self_signed(cluster_name)
    if wanted.spice_file is not None and wanted.spice_ca_file is not None:
        files[paths.spice_pem], files[paths.spice_ca_pem] = _given_spice(
            wanted.spice_file, wanted.spice_ca_file
        )
    elif wanted.spice:
        authority = tls.make_ca(cluster_name, now())
        files[paths.spice_pem] = tls.issue_node_certificate(authority, cluster_name, "", now())
        files[paths.spice_ca_pem] = authority.certificate
    if wanted.hmac:
        files[paths.hmac_key] = random_line()
    if wanted.secret_file is not None:
        files[paths.domain_secret] = _given_line(wanted.secret_file)
    elif wanted.secret:
        files[paths.domain_secret] = random_line()
    if wanted.cluster and not os.path.exists(paths.ca_next):
        # One that an interrupted renewal left may have signed certificates already.
        following = tls.make_ca(cluster_name, now())
        files[paths.ca_next] = following.certificate + following.key
    return NewKeys(files)


def write(paths: Paths, keys: NewKeys) -> None:
    """Put the files in their places, each at once; the daemons' users own them.

    Raises:
        OSError: the rest was not written.
    """
    owned = not paths.is_virtual and os.geteuid() == 0
    for path, content in keys.files.items():
        place = places(paths)[path]
        uid, gid = _owner(place) if owned else (-1, -1)
        write_atomic(path, content, mode=place.mode, uid=uid, gid=gid)


def _owner(place: Place) -> tuple[int, int]:
    """Owner and group ids; root's where the machine has no such user (no separation set up)."""
    try:
        return pwd.getpwnam(place.user).pw_uid, grp.getgrnam(place.group).gr_gid
    except KeyError:
        return 0, 0


def self_signed(name: str) -> bytes:
    """Key and certificate of a server that is its own authority."""
    authority = tls.make_ca(name, now())
    return tls.issue_node_certificate(authority, name, "", now()) + authority.certificate


def random_line() -> bytes:
    """A new secret, as a line of text."""
    return f"{secrets.token_hex(20)}\n".encode()


def _read(path: str) -> bytes:
    """A file of the administrator's, which may be anything."""
    try:
        # A pipe or a terminal would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise _refusal(path, "it is no file")
            content = file.read(MAX_SIZE + 1)
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else None
        raise _refusal(path, reason or "it is no path") from err
    if len(content) > MAX_SIZE:
        raise _refusal(path, f"it has more than {MAX_SIZE} bytes")
    return content


def _given_line(path: str) -> bytes:
    lines = _read(path).splitlines()
    if len(lines) != 1 or not lines[0].strip():
        raise _refusal(path, "expected one line of text")
    if not lines[0].isascii() or not lines[0].decode("ascii").isprintable():
        raise _refusal(path, "expected printable ASCII characters")
    return lines[0].strip() + b"\n"


def _given_pair(path: str) -> bytes:
    pem = _read(path)
    _check_pair(path, pem)
    return pem


def _given_spice(path: str, ca_path: str) -> tuple[bytes, bytes]:
    pem, ca_pem = _read(path), _read(ca_path)
    chain = _check_pair(path, pem)
    if b"PRIVATE KEY-----" in ca_pem:
        raise _refusal(ca_path, "it holds a private key, which all nodes would be given")
    authorities = _certificates(ca_path, ca_pem)
    for authority in authorities:
        _check_time(ca_path, authority)
    if not _is_signed(chain, authorities):
        raise _refusal(path, f"its certificate is not signed by one in {ca_path}")
    return pem, ca_pem


def _check_pair(path: str, pem: bytes) -> "list[x509.Certificate]":
    """The certificates in a file; the first is the one of the key in it, and valid now."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    chain = _certificates(path, pem)
    # No reason is passed on: the library's words may quote the file.
    try:
        key = load_pem_private_key(pem, None).public_key()
    except TypeError:
        raise _refusal(path, "its key is protected by a password") from None
    except (UnsupportedAlgorithm, ValueError):
        raise _refusal(path, "it holds no private key that can be read") from None
    try:
        certified = chain[0].public_key()
    except (UnsupportedAlgorithm, ValueError):
        raise _refusal(path, "its certificate is for a kind of key that is not known") from None
    if key != certified:
        raise _refusal(path, "its key does not belong to its certificate")
    _check_time(path, chain[0])
    return chain


def _certificates(path: str, pem: bytes) -> "list[x509.Certificate]":
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(pem)
    except (x509.InvalidVersion, ValueError):
        raise _refusal(path, "it holds no certificate that can be read") from None


def _check_time(path: str, certificate: "x509.Certificate") -> None:
    moment = datetime.fromtimestamp(now(), UTC)
    if moment > certificate.not_valid_after_utc:
        raise _refusal(path, f"its certificate expired at {certificate.not_valid_after_utc}")
    if moment < certificate.not_valid_before_utc:
        text = f"its certificate is not valid before {certificate.not_valid_before_utc}"
        raise _refusal(path, text)


def _is_signed(
    chain: "Sequence[x509.Certificate]", authorities: "Sequence[x509.Certificate]"
) -> bool:
    """Whether the first of ``chain`` leads to one of ``authorities``, over others if need be."""
    found = chain[0]
    for _ in range(_LONGEST_CHAIN):
        if found in authorities or any(_is_issuer(one, found) for one in authorities):
            return True
        issuers = [one for one in chain if one != found and _is_issuer(one, found)]
        if not issuers:
            return False
        found = issuers[0]
    return False


def _is_issuer(issuer: "x509.Certificate", issued: "x509.Certificate") -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        issued.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _refusal(path: str, reason: str) -> OpPrereqError:
    return OpPrereqError(f"{path}: {reason}", ECode.INVAL)
