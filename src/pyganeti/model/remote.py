"""What two clusters tell each other so that an instance moves between them. Pure.

    secret of both clusters + text + salt -> keyed digest: who sent the text knows the secret

What is signed: that a cluster speaks this protocol (handshake), names of keys, certificates, and
where disks are received. Digests are HMAC with SHA-1, as in Ganeti: the form of its messages.
Source: docs/design/0022-between-clusters.md; RIE constants.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import ECode, OpPrereqError

VERSION: Final = 0
KEY_VALID_S: Final = 86400
CONNECT_TIMEOUT_S: Final = 180
_HANDSHAKE: Final = "Hi, I'm Ganeti"
_SIGNATURE: Final = re.compile(r"X-Ganeti-Signature:\s*([0-9A-Za-z]+)/([0-9A-Za-z]+)\s*", re.I)
_CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\\s]+)-----END CERTIFICATE-----"
)
_MAGIC: Final = re.compile(r"[-_.a-zA-Z0-9]{5,100}")
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]{1,255}")
_PEM_WIDTH: Final = 64


@dataclass(frozen=True, slots=True)
class DiskTarget:
    """Where another cluster receives a disk, and the word that its data begins with."""

    host: str
    port: int
    magic: str


@dataclass(frozen=True, slots=True)
class DomainSecret:
    """What clusters know that trust each other with instances."""

    key: bytes = field(repr=False)

    def digest(self, text: str, salt: str) -> str:
        """That whoever sent ``text`` knows the secret; hexadecimal digits."""
        return hmac.new(self.key, (salt + text).encode(), hashlib.sha1).hexdigest()

    def is_signed(self, text: str, digest: object, salt: object) -> bool:
        """Whether ``digest`` is that of ``text``; compared in constant time."""
        if not isinstance(digest, str) or not isinstance(salt, str):
            return False
        wanted = self.digest(text, salt).encode()
        return hmac.compare_digest(wanted, digest.lower().encode("utf-8", "replace"))

    def handshake(self, salt: str) -> list[Any]:  # Any: JSON
        """What the sending cluster begins with: version, digest, salt."""
        return [VERSION, self.digest(f"{VERSION}:{_HANDSHAKE}", salt), salt]

    def check_handshake(self, given: Sequence[Any] | None) -> None:
        """Refuse what no cluster of the same domain sent.

        Raises:
            OpPrereqError: ``ECode.INVAL``; says why.
        """
        version, digest, salt = _parts(given, 3, "the handshake of the source cluster")
        if not self.is_signed(f"{version}:{_HANDSHAKE}", digest, salt):
            text = "the clusters do not share the same cluster domain secret"
            raise OpPrereqError(f"the source cluster's handshake is not genuine: {text}", _WRONG)
        if version != VERSION:
            text = f"the source cluster speaks version {version} of the protocol of remote imports"
            raise OpPrereqError(f"{text}, this one {VERSION}", _WRONG)

    def key_name(self, name: str, salt: str) -> list[str]:
        """The name of a key on a node, as a client hands it back: name, digest, salt."""
        return [name, self.digest(name, salt), salt]

    def check_key_name(self, given: Sequence[Any] | None) -> str:
        """The name of a key that this cluster has given out.

        Raises:
            OpPrereqError: ``ECode.INVAL``, it has not.
        """
        name, digest, salt = _parts(given, 3, "the name of the key (x509_key_name)")
        if not isinstance(name, str) or not self.is_signed(name, digest, salt):
            text = "the name of the key (x509_key_name) is none that this cluster has given"
            raise OpPrereqError(f"{text}: prepare the export first", _WRONG)
        return name

    def sign_certificate(self, pem: str, salt: str) -> str:
        """A certificate with the signature before it."""
        plain = normal_pem(pem)
        return f"X-Ganeti-Signature: {salt}/{self.digest(plain, salt)}\n\n{plain}"

    def check_certificate(self, given: str | None, whose: str) -> str:
        """The certificate as PEM, without the signature.

        Raises:
            OpPrereqError: ``ECode.INVAL``, there is none, or it is not signed with the secret.
        """
        if not given:
            raise OpPrereqError(f"the X509 certificate of {whose} is missing", _WRONG)
        try:
            plain = normal_pem(given)
        except ValueError as err:
            raise OpPrereqError(f"the X509 certificate of {whose} is none: {err}", _WRONG) from err
        head = given.partition("-----BEGIN")[0]
        found = next(filter(None, map(_SIGNATURE.fullmatch, head.splitlines())), None)
        if found is None or not self.is_signed(plain, found[2], found[1]):
            text = (
                f"the X509 certificate of {whose} is not signed with this cluster's domain secret"
            )
            raise OpPrereqError(text, _WRONG)
        return plain

    def disk_info(self, index: int, target: DiskTarget, salt: str) -> list[Any]:  # Any: JSON
        """Where a disk is received, as the client tells the source: host, port, magic, digest."""
        digest = self.digest(_disk_text(index, target.host, target.port, target.magic), salt)
        return [target.host, target.port, target.magic, digest, salt]

    def check_disk_info(self, index: int, given: Any) -> DiskTarget:  # Any: JSON
        """Where disk ``index`` is to be sent.

        Raises:
            OpPrereqError: ``ECode.INVAL``, the other cluster has not said so.
        """
        what = f"the destination of disk/{index}"
        host, port, magic, digest, salt = _parts(given, 5, what)
        if not self.is_signed(_disk_text(index, host, port, magic), digest, salt):
            raise OpPrereqError(f"{what} is not signed with this cluster's domain secret", _WRONG)
        try:
            number = int(port)
        except (TypeError, ValueError):
            number = 0
        named = isinstance(host, str) and _HOST.fullmatch(host)
        worded = isinstance(magic, str) and _MAGIC.fullmatch(magic)
        if not named or not worded or not 0 < number < 1 << 16:
            raise OpPrereqError(f"{what} lacks a host, a port or the magic word", _WRONG)
        return DiskTarget(host, number, magic)


def magic_of(base: str, name: str, index: int) -> str:
    """The word that the data of a disk begins with, so that no other is taken for it."""
    text = f"{VERSION}{base}{name}{index}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def normal_pem(text: str) -> str:
    """The first certificate in ``text`` in the one form that is signed.

    Raises:
        ValueError: there is none.
    """
    found = _CERTIFICATE.search(text)
    if found is None:
        raise ValueError("there is no certificate in it")
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as err:
        raise ValueError("its certificate is damaged") from err
    body = base64.b64encode(der).decode("ascii")
    lines = [body[at : at + _PEM_WIDTH] for at in range(0, len(body), _PEM_WIDTH)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


_WRONG: Final = ECode.INVAL


def _disk_text(index: int, host: object, port: object, magic: object) -> str:
    return f"{index}:{host}:{port}:{magic}"


def _parts(given: Any, count: int, what: str) -> Sequence[Any]:  # Any: JSON
    if not isinstance(given, list | tuple) or not given:
        raise OpPrereqError(f"{what} is missing", _WRONG)
    if len(given) != count:
        raise OpPrereqError(f"{what} has {len(given)} parts, not {count}", _WRONG)
    return given
