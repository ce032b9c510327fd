"""Lets requests in: who they come from, by HTTP's basic authentication, and what that user may do.

    Authorization header, remote address -> Gate.admit -> User, nobody, or RapiError

Who guesses passwords is slowed down, by address, and others are not. Source: Ganeti's RAPI
documentation, users and passwords, access permissions.
"""

import base64
import binascii
import logging
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from pyganeti.kit.clock import Clock

from .status import RapiError
from .users import REALM, Option, User, Users, admit

# The answer to the first wrong password of an address is held back for so long, to each further one
# for twice as long.
FIRST_DELAY_S: Final = 0.25
LONGEST_DELAY_S: Final = 8.0
# Answers held back at once, of one address; who wants more guesses in parallel gets none.
MOST_HELD: Final = 16
# After so long without a wrong one, an address is as good as any other.
FORGET_S: Final = 60.0
_MOST_ADDRESSES: Final = 4096
_SCHEME: Final = "basic"
_CHALLENGE: Final = (("WWW-Authenticate", f'Basic realm="{REALM}"'),)
_LOG: Final = logging.getLogger(__name__)


class _Record:
    """What an address did wrong lately."""

    def __init__(self) -> None:
        self.failures = 0
        self.held = 0
        self.last = 0.0


class Gate:
    """See the module.

    Args:
        users: those of now.
        clock: of the daemon.
        all_need: whether requests that anyone may make need a user too.
    """

    def __init__(self, users: Callable[[], Users], clock: Clock, *, all_need: bool) -> None:
        self._users = users
        self._clock = clock
        self._all_need = all_need
        self._records: OrderedDict[str, _Record] = OrderedDict()

    async def admit(
        self, header: str | None, address: str, access: frozenset[Option]
    ) -> User | None:
        """Who asks; ``None`` for somebody who need not say it.

        Args:
            header: ``Authorization``.
            address: of the client.
            access: options one of which is needed.

        Raises:
            RapiError: 401, no or wrong name and password; 403, the user may not; 429, too many
                wrong ones at once.
        """
        if header is None:
            if not access and not self._all_need:
                return None
            raise RapiError(HTTPStatus.UNAUTHORIZED, headers=_CHALLENGE)
        record = self._record(address)
        if record is not None and record.held >= MOST_HELD:
            text = "Too many wrong passwords from this address at once"
            raise RapiError(HTTPStatus.TOO_MANY_REQUESTS, text, [("Retry-After", "10")])
        name, password = _credentials(header)
        user = admit(self._users(), name, password)
        if user is None:
            await self._hold(name, address)
            raise RapiError(HTTPStatus.UNAUTHORIZED, headers=_CHALLENGE)
        if not user.may(access):
            _LOG.warning("user %r from %s may not do that", name, address)
            raise RapiError(HTTPStatus.FORBIDDEN)
        return user

    def _record(self, address: str) -> _Record | None:
        record = self._records.get(address)
        if record is None or record.held or self._clock.monotonic() - record.last < FORGET_S:
            return record
        del self._records[address]
        return None

    async def _hold(self, name: str, address: str) -> None:
        """Log a wrong password, and let the client wait."""
        record = self._records.setdefault(address, _Record())
        self._records.move_to_end(address)
        if len(self._records) > _MOST_ADDRESSES:
            self._records.popitem(last=False)
        delay_s = min(FIRST_DELAY_S * 2 ** min(record.failures, 10), LONGEST_DELAY_S)
        record.failures += 1
        _LOG.warning("unknown user or wrong password: %r from %s", name[:80], address)
        record.held += 1
        try:
            await self._clock.sleep(delay_s)
        finally:
            record.held -= 1
            record.last = self._clock.monotonic()


def _credentials(header: str) -> tuple[str, str]:
    """Name and password; of nobody if the header says nothing of the kind."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != _SCHEME:
        return "", ""
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return "", ""
    name, _, password = text.partition(":")
    return name, password
