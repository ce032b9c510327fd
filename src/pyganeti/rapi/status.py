"""Errors as HTTP statuses, and the bodies that say so: ``{"code", "message", "explain"}``. Pure.

    RapiError, or an error of the system -> status_of -> (status, body)

Source: protocols.json, rapi; answers of Ganeti's ganeti-rapi in ``tests/golden/rapi``.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from pyganeti.model.errors import (
    ECode,
    GenericError,
    JobLost,
    JobQueueDrainError,
    JobQueueFull,
    LuxiError,
    NoMasterError,
    OpCodeUnknown,
    OpPrereqError,
    ParameterError,
    ParseError,
)
from pyganeti.wire.luxi.client import LuxiPermissionError, LuxiTimeout

# In these words clients look for them.
_WORDS: Final = {
    HTTPStatus.NOT_FOUND: ("Not Found", "Nothing matches the given URI"),
    HTTPStatus.UNAUTHORIZED: ("Unauthorized", "No permission -- see authorization schemes"),
    HTTPStatus.FORBIDDEN: ("Forbidden", "Request forbidden -- authorization will not help"),
}


class RapiError(Exception):
    """A request is answered with an error.

    Args:
        status: of HTTP.
        message: what is wrong; without it, what the status means.
        headers: more for the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        message: str = "",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message or status.phrase)
        self.status = status
        self.message = message
        self.headers = dict(headers)

    def body(self) -> dict[str, object]:
        """What the client is told."""
        phrase, explain = _WORDS.get(self.status, (self.status.phrase, self.status.description))
        return {
            "code": int(self.status),
            "message": self.message or phrase,
            "explain": explain or phrase,
        }


class BadRequest(RapiError):
    """What the client sent is wrong, and will be wrong next time."""

    def __init__(self, message: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, message)


class NotFound(RapiError):
    """There is no such path, or no such object."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.NOT_FOUND)


# The first that fits counts.
_STATUS: Final[tuple[tuple[type[GenericError], HTTPStatus], ...]] = (
    (NoMasterError, HTTPStatus.SERVICE_UNAVAILABLE),
    (LuxiPermissionError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (LuxiTimeout, HTTPStatus.GATEWAY_TIMEOUT),
    (LuxiError, HTTPStatus.BAD_GATEWAY),
    (JobQueueDrainError, HTTPStatus.SERVICE_UNAVAILABLE),
    (JobQueueFull, HTTPStatus.SERVICE_UNAVAILABLE),
    (JobLost, HTTPStatus.NOT_FOUND),
    (OpCodeUnknown, HTTPStatus.BAD_REQUEST),
    (ParameterError, HTTPStatus.BAD_REQUEST),
    (ParseError, HTTPStatus.BAD_REQUEST),
)
_RETRY_S: Final = "5"


def status_of(error: GenericError) -> RapiError:
    """How a client is told of ``error``."""
    if isinstance(error, OpPrereqError):
        missing = len(error.args) > 1 and error.args[1] == ECode.NOENT
        return NotFound() if missing else BadRequest(str(error))
    status = next(
        (status for kind, status in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if status is HTTPStatus.NOT_FOUND:
        return NotFound()
    if isinstance(error, NoMasterError):
        text = "the master daemon does not answer: it starts, was stopped, or failed over"
        return RapiError(status, text, [("Retry-After", _RETRY_S)])
    return RapiError(status, str(error))
