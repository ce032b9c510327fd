"""Client of one cluster's REST interface, for move-instance.

    request -> thread -> HTTPS, one connection each -> JSON

No certificate is believed unseen: it stands in the CA file itself, or an authority there, or the
system's, signed it for the name that is called. Passwords go to such a server alone.
"""

import base64
import json
import re
import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from typing import Any, Final, Protocol

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import GenericError

_TIMEOUT_S: Final = 60.0
_PASSING: Final = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
                   HTTPStatus.GATEWAY_TIMEOUT}  # fmt: skip
_PEM: Final = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)


class MoveError(GenericError):
    """It cannot go on."""


class PassingError(MoveError):
    """Nobody answered, or the cluster's master did not; it may later. The request may have come."""


class Rest(Protocol):
    """A cluster."""

    name: str

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer, which is JSON.

        Raises:
            PassingError: none came.
            MoveError: it was refused.
        """
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """Where a cluster is, and as whom it is asked.

    Attributes:
        ca_file: vouches for its certificate; without one the system's authorities do.
        password: ``None`` if nobody in particular asks.
    """

    host: str
    port: int
    ca_file: str | None
    username: str | None
    password: str | None = field(default=None, repr=False)


class RestClient:
    """A cluster over HTTPS.

    Raises:
        OSError: the CA file cannot be read.
    """

    def __init__(self, account: Account) -> None:
        self.name = account.host
        self._account = account
        self._context = ssl.create_default_context(cafile=account.ca_file)
        self._known = _certificates(account.ca_file) if account.ca_file else frozenset()
        self._pinned = ssl.create_default_context(cafile=account.ca_file)
        self._pinned.check_hostname = False
        # The server's own certificate is enough, whoever signed it.
        self._pinned.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """See :class:`Rest`."""
        return await in_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: object) -> Any:
        try:
            connection = self._connect()
            try:
                text = None if body is None else json.dumps(body)
                connection.request(method, path, text, self._headers())
                answer = connection.getresponse()
                return self._read(answer.status, answer.read())
            finally:
                connection.close()
        except ssl.SSLCertVerificationError as err:
            raise MoveError(f"{self.name}: its certificate: {err.verify_message}") from err
        except (OSError, HTTPException) as err:
            raise PassingError(f"{self.name}: {err or type(err).__name__}") from err

    def _connect(self) -> HTTPSConnection:
        """A connection to whom the CA file names, or to the one that its certificate names."""
        for context in (self._pinned, self._context) if self._known else (self._context,):
            connection = HTTPSConnection(
                self._account.host, self._account.port, timeout=_TIMEOUT_S, context=context
            )
            connection.connect()
            der = connection.sock.getpeercert(binary_form=True)
            if context.check_hostname or der in self._known:
                break
            connection.close()
        return connection

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._account.username is not None:
            words = f"{self._account.username}:{self._account.password or ''}"
            headers["Authorization"] = f"Basic {base64.b64encode(words.encode()).decode()}"
        return headers

    def _read(self, status: int, data: bytes) -> Any:
        try:
            found = json.loads(data)
        except ValueError:
            found = None
        if status == HTTPStatus.OK:
            return found
        told = found if isinstance(found, dict) else {}
        why = told.get("explain") or told.get("message") or HTTPStatus(status).phrase
        if status == HTTPStatus.UNAUTHORIZED:
            why = "user name or password is wrong"
        kind = PassingError if status in _PASSING else MoveError
        raise kind(f"{self.name}: {why} ({status})")


def _certificates(path: str) -> frozenset[bytes]:
    with open(path, encoding="ascii", errors="replace") as source:
        found = _PEM.findall(source.read())
    return frozenset(ssl.PEM_cert_to_DER_cert(text) for text in found)
