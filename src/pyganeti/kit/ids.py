"""Identifiers that must not repeat: a dependency, so that simulated clusters can be repeated."""

import random
import secrets
import uuid
from typing import Final, Protocol

_SECRET_BYTES: Final = 20


class Ids(Protocol):
    """Makes identifiers."""

    def uuid(self) -> str:
        """A new UUID."""
        ...

    def mac(self, prefix: str) -> str:
        """A MAC address that begins with ``prefix`` (three pairs); may be taken."""
        ...

    def secret(self) -> str:
        """40 hexadecimal digits that nobody can guess."""
        ...


class SystemIds:
    """Identifiers from the system's random source."""

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.uuid4())

    def mac(self, prefix: str) -> str:
        """A random MAC address below ``prefix``."""
        return f"{prefix}:{secrets.token_bytes(3).hex(':')}"

    def secret(self) -> str:
        """Random digits."""
        return secrets.token_hex(_SECRET_BYTES)


class SeededIds:
    """The same identifiers for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def uuid(self) -> str:
        """A UUID from the seed."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def mac(self, prefix: str) -> str:
        """A MAC address from the seed."""
        return f"{prefix}:{self._random.randbytes(3).hex(':')}"

    def secret(self) -> str:
        """Digits from the seed, which anybody can guess."""
        return self._random.randbytes(_SECRET_BYTES).hex()
