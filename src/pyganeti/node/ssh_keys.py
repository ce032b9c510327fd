"""Root's ssh keys on this node: made aside, taken up, and who may log in.

Blocking. Private keys never leave the node. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from glob import escape, glob
from typing import Final

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.model.enums import SshKeyType
from pyganeti.model.errors import GenericError
from pyganeti.model.ssh_keys import MARK
from pyganeti.wire.noderpc.ssh import SshKeyInUse, SshKeyMade

_NEXT: Final = "id_ganeti_next"
# Public keys that were used, and may still be allowed somewhere.
_FORMER: Final = "id_ganeti_former"


class SshKeys:
    """The keys in root's ssh directory.

    Args:
        directory: that directory.
        hosts: where the ssh daemon has the host's keys.
    """

    def __init__(self, directory: str, hosts: str) -> None:
        self._directory = directory
        self._hosts = hosts

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"

    def make(self, kind: SshKeyType, bits: int, comment: str) -> SshKeyMade:
        """Make a key aside.

        Raises:
            GenericError: there is no such key, or the comment is more than a word.
        """
        _check_comment(comment)
        private, public = _make(kind, bits)
        os.makedirs(self._directory, 0o700, exist_ok=True)
        line = f"{public} {comment}"
        write_atomic(self._path(_NEXT), private, mode=0o600)
        write_atomic(self._path(f"{_NEXT}.pub"), f"{line}\n".encode(), mode=0o644)
        return SshKeyMade(public=line, former=tuple(self._former()))

    def ensure(self, kind: SshKeyType, bits: int, comment: str) -> SshKeyInUse:
        """The key in use, made if there is none, and the host's.

        Raises:
            GenericError: there is no such key, or one without its public half.
        """
        _check_comment(comment)
        name = f"id_{kind}"
        # One that was being made has no private half yet, and nobody knows it.
        if not os.path.lexists(self._path(name)):
            private, made = _make(kind, bits)
            os.makedirs(self._directory, 0o700, exist_ok=True)
            write_atomic(self._path(f"{name}.pub"), f"{made} {comment}\n".encode(), mode=0o644)
            write_atomic(self._path(name), private, mode=0o600)
        public = self._public(name)
        if public is None:
            raise GenericError(f"{self._path(name)} has no public key beside it")
        return SshKeyInUse(public=f"{_bare(public)} {comment}", hosts=tuple(self._host_keys()))

    def _host_keys(self) -> Iterator[str]:
        for path in sorted(glob(f"{escape(self._hosts)}/ssh_host_*_key.pub")):
            line = (read_bytes(path) or b"").decode("ascii", "replace").strip()
            yield _bare(line)

    def take_up(self, kind: SshKeyType, public: str) -> None:
        """Use the key that was made; those of other kinds go.

        Raises:
            GenericError: another one was made.
        """
        if self._public(_NEXT) == public:
            former = "".join(f"{line}\n" for line in self._former())
            write_atomic(self._path(f"{_FORMER}.pub"), former.encode(), mode=0o644)
            os.replace(self._path(_NEXT), self._path(f"id_{kind}"))
            os.replace(self._path(f"{_NEXT}.pub"), self._path(f"id_{kind}.pub"))
        elif self._public(f"id_{kind}") != public:
            raise GenericError("the SSH key that was made is another one")
        for other in set(SshKeyType) - {kind}:
            remove(self._path(f"id_{other}"))
            remove(self._path(f"id_{other}.pub"))

    def authorize(
        self,
        allowed: Iterable[str],
        withdrawn: Iterable[str],
        *,
        only: bool,
        kept: Collection[str] = (),
    ) -> None:
        """See ``SshKeysAuthorizeCall``.

        Raises:
            GenericError: what is to be allowed is no key.
        """
        lines = {_key(line): line for line in allowed}
        gone = {_key(line) for line in withdrawn} - lines.keys()
        path = self._path("authorized_keys")
        before = (read_bytes(path) or b"").decode("utf-8", "surrogateescape").splitlines()
        stay = [one for one in before if not _is_one_of(one, gone)]
        if only:
            mine = [one for one in stay if _is_ours(one) and one.split()[-1] not in kept]
            stay = [one for one in stay if one not in mine or _is_one_of(one, lines)]
        new = [
            line for key, line in lines.items() if not any(_is_one_of(one, {key}) for one in stay)
        ]
        after = "".join(f"{line}\n" for line in (*stay, *new))
        if after.splitlines() != before:
            os.makedirs(self._directory, 0o700, exist_ok=True)
            write_atomic(path, after.encode("utf-8", "surrogateescape"), mode=0o600)

    def forget_former(self) -> None:
        """Former keys are allowed nowhere any more."""
        remove(self._path(f"{_FORMER}.pub"))

    def _former(self) -> list[str]:
        """Public keys that are in use, or were since they were forgotten last."""
        known = (self._public(_FORMER) or "").splitlines()
        used = (self._public(f"id_{one}") for one in SshKeyType)
        return list(dict.fromkeys([*known, *(one for one in used if one)]))

    def _public(self, name: str) -> str | None:
        data = read_bytes(self._path(f"{name}.pub"))
        return None if data is None else data.decode("utf-8", "replace").strip()


def _make(kind: SshKeyType, bits: int) -> tuple[bytes, str]:
    """A private key in OpenSSH's form, and its public key."""
    # Slow to load, and hardly ever needed.
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    curves = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind is SshKeyType.RSA and 1024 <= bits <= 16384:
        key = rsa.generate_private_key(65537, bits)
    elif kind is SshKeyType.ECDSA and bits in curves:
        key = ec.generate_private_key(curves[bits])
    else:
        raise GenericError(f"there is no SSH key of type {kind} with {bits} bits")
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return private, public.decode("ascii")


def _key(line: str) -> str:
    """What tells a key from others: the second word of a public key."""
    words = line.split()
    if len(words) < 2 or "\n" in line or "\r" in line:
        raise GenericError("that is no public SSH key")
    return words[1]


def _bare(line: str) -> str:
    """Type and key of a public key."""
    key = _key(line)
    return f"{line.split()[0]} {key}"


def _check_comment(comment: str) -> None:
    if comment.split() != [comment]:
        raise GenericError(f"{comment!r} is no comment of a key")


def _is_one_of(line: str, keys: Iterable[str]) -> bool:
    # Options may stand before the key.
    return not line.lstrip().startswith("#") and not set(keys).isdisjoint(line.split())


def _is_ours(line: str) -> bool:
    words = line.split()
    return bool(words) and words[-1].startswith(MARK)
