"""Who may do what: the file of users. Pure; see ``watched.py`` for when it is read.

    lines -> parse_users -> Users -> admit(name, password) -> User or None

A line is ``name password [option,...]``. The password is plain, ``{cleartext}...`` or ``{ha1}`` and
the MD5 of ``name:realm:password``. Source: Ganeti's RAPI documentation, users and passwords.
"""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

REALM: Final = "Ganeti Remote API"
_LOG: Final = logging.getLogger(__name__)


class Option(StrEnum):
    """What a user may do."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody in the file.

    Attributes:
        digest: MD5 of name, realm and password; all kinds of passwords are compared in this form.
    """

    name: str
    digest: bytes = field(repr=False)
    options: frozenset[str] = frozenset()

    def may(self, access: frozenset[Option]) -> bool:
        """Whether one of the options that ``access`` names is there; none needed if it is empty."""
        return not access or bool(self.options & access)


def _digest(name: str, password: str) -> bytes:
    text = f"{name}:{REALM}:{password}".encode("utf-8", "surrogateescape")
    # Ganeti's format, as in HTTP digest authentication.
    return hashlib.md5(text, usedforsecurity=False).digest()


# What an unknown name is compared with, so that the answer takes as long.
_NOBODY: Final = User("", _digest("", ""))

Users = Mapping[str, User]


def parse_users(text: str) -> dict[str, User]:
    """The users in the text of a file; lines that say nothing sensible are left out and logged."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            user = _user(words)
        except ValueError as err:
            # Never the line: it holds a password.
            _LOG.warning("users file, line %d: %s; it is ignored", number, err)
            continue
        found[user.name] = user
    return found


def _user(words: list[str]) -> User:
    if len(words) not in (2, 3):
        raise ValueError("expected a name, a password and options")
    name, secret = words[:2]
    options = frozenset(words[2].split(",")) if len(words) == 3 else frozenset[str]()
    return User(name, _read_secret(name, secret), options)


def _read_secret(name: str, secret: str) -> bytes:
    if not secret.startswith("{"):
        return _digest(name, secret)
    scheme, closed, rest = secret[1:].partition("}")
    if closed and scheme.lower() == "cleartext":
        return _digest(name, rest)
    if closed and scheme.lower() == "ha1":
        digest = bytes.fromhex(rest)
        if len(digest) == hashlib.md5(usedforsecurity=False).digest_size:
            return digest
    raise ValueError("the password is of no known scheme, or no digest")


def admit(users: Users, name: str, password: str) -> User | None:
    """The user of this name, if that is the password. Takes as long for one that is unknown."""
    user = users.get(name)
    same = hmac.compare_digest((user or _NOBODY).digest, _digest(name, password))
    return user if same and user is not None else None
