"""Datagrams of confd: a mark, then JSON with a message, a salt and a signature of both. Pure.

    message + salt -> seal -> datagram -> unseal -> message + salt

A question's salt is the time, an answer's what the question asked for. Nothing is encrypted.
Source: protocols.json, confd; answers of Ganeti's ganeti-confd in ``tests/golden/confd``.
"""

import hmac
from typing import Final

import msgspec

from pyganeti.kit.nesting import is_too_deep
from pyganeti.model.errors import GenericError

MAGIC: Final = b"plj0"
# What Ganeti sends at most; it leaves room below the 64 KiB of UDP.
MAX_BYTES: Final = 61440
MAX_SKEW_S: Final = 300
_SALT_DIGITS: Final = 12


class ConfdError(GenericError):
    """A datagram that is none of ours, or cannot be made."""


class _Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    msg: str
    salt: str
    hmac: str


_DECODER: Final = msgspec.json.Decoder(_Sealed)


def _signature(key: bytes, salt: str, message: str) -> str:
    return hmac.new(key, f"{salt}{message}".encode(), "sha1").hexdigest()


def seal(key: bytes, message: bytes, salt: str) -> bytes:
    """A datagram that carries ``message``.

    Args:
        key: all of the key's file, its line end included.
        message: JSON.
        salt: what makes its signature its own.

    Raises:
        ConfdError: it is too long.
    """
    text = message.decode("utf-8")
    sealed = _Sealed(msg=text, salt=salt, hmac=_signature(key, salt, text))
    datagram = MAGIC + msgspec.json.encode(sealed)
    if len(datagram) > MAX_BYTES:
        raise ConfdError(f"{len(datagram)} bytes do not fit into a datagram of {MAX_BYTES}")
    return datagram


def unseal(key: bytes, datagram: bytes) -> tuple[bytes, str]:
    """The message in a datagram and its salt.

    Raises:
        ConfdError: it is not signed with ``key``, or nothing that could be.
    """
    if not datagram.startswith(MAGIC):
        raise ConfdError("a datagram without the mark of confd")
    try:
        sealed = _DECODER.decode(memoryview(datagram)[len(MAGIC) :])
        expected = _signature(key, sealed.salt, sealed.msg)
        message = sealed.msg.encode("utf-8")
    except (msgspec.DecodeError, UnicodeError) as err:
        raise ConfdError(f"a datagram that cannot be read: {err}") from err
    # As bytes: a comparison in constant time refuses other letters than those of ASCII.
    if not hmac.compare_digest(expected.encode(), sealed.hmac.lower().encode("utf-8", "replace")):
        raise ConfdError("a datagram with another signature")
    if is_too_deep(message):
        raise ConfdError("a message that is nested too deeply")
    return message, sealed.salt


def check_time(salt: str, now: float) -> None:
    """Make sure that a question was asked a moment ago.

    Raises:
        ConfdError: its salt is not the time, give or take five minutes.
    """
    if not (salt.isascii() and salt.isdecimal() and len(salt) <= _SALT_DIGITS):
        raise ConfdError("a question whose salt is not a time")
    if abs(int(salt) - now) > MAX_SKEW_S:
        raise ConfdError(f"a question of another time: {salt}, it is {now:.0f} here")
