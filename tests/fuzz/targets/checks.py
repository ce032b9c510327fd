"""What holds for every answer, and how it is told apart from others."""

import json
from collections.abc import Iterator
from typing import Any, Final

from pyganeti.model.errors import GenericError, ProgrammerError, to_wire
from pyganeti.opcodes.codec import PRIVATE, SECRET
from tests.fuzz.engine import kind_of

# Stands for a password in kept inputs.
PASSWORD: Final = "hunter2"
# Longest text of a refusal: it names what was wrong and what was expected, and shows a little.
LONGEST: Final = 6000


class Unexpected(AssertionError):
    """An answer that should not be one."""


def refused(error: GenericError, *, secret: bool = False) -> str:
    """How ``error`` answers.

    Args:
        error: what was raised.
        secret: whether the password must not be in it.

    Raises:
        Unexpected: it says that there is a bug, or says too much.
    """
    text = json.dumps(to_wire(error), default=repr)
    if isinstance(error, ProgrammerError) or "internal error" in text:
        raise Unexpected(f"a bug: {text[:500]}") from error
    if len(text) > LONGEST:
        raise Unexpected(f"{len(text)} characters: {text[:200]}") from error
    check_secret(text, secret=secret)
    return kind_of(error)


def check_secret(text: str, *, secret: bool) -> None:
    """Refuse the password in ``text`` where it is secret.

    Raises:
        Unexpected: it is there.
    """
    if secret and PASSWORD in text:
        raise Unexpected(f"a secret is shown: {text[:500]}")


def is_secret(data: Any, *, private: bool = True) -> bool:  # Any: JSON
    """Whether the password is in ``data``, and in no other place than those of secrets."""
    hidden = SECRET | PRIVATE if private else SECRET
    places = list(_places_of_password(data, hidden=False, names=hidden))
    return bool(places) and all(places)


def _places_of_password(data: Any, *, hidden: bool, names: frozenset[str]) -> Iterator[bool]:
    if isinstance(data, dict):
        for key, value in data.items():
            if PASSWORD in key:
                yield False
            yield from _places_of_password(value, hidden=hidden or key in names, names=names)
    elif isinstance(data, list):
        for value in data:
            yield from _places_of_password(value, hidden=hidden, names=names)
    elif isinstance(data, str) and PASSWORD in data:
        yield hidden


def compact(value: Any) -> bytes:  # Any: JSON
    """An input from a value."""
    return json.dumps(value, separators=(",", ":")).encode()
