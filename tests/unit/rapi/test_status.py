"""Errors of the system as clients see them."""

import pytest

from pyganeti.model.errors import (
    ECode,
    GenericError,
    JobLost,
    JobQueueDrainError,
    JobQueueFull,
    LuxiError,
    NoMasterError,
    OpCodeUnknown,
    OpExecError,
    OpPrereqError,
    ParameterError,
    QueryFilterParseError,
)
from pyganeti.rapi.status import status_of
from pyganeti.wire.luxi.client import LuxiClosed, LuxiPermissionError, LuxiTimeout


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OpPrereqError("node 'x' is unknown", ECode.NOENT), 404),
        (OpPrereqError("wrong"), 400),
        (OpPrereqError("wrong", ECode.STATE), 400),
        (ParameterError("wrong"), 400),
        (QueryFilterParseError("wrong"), 400),
        (OpCodeUnknown("wrong"), 400),
        (JobLost("gone"), 404),
        (JobQueueDrainError("drained"), 503),
        (JobQueueFull("full"), 503),
        (NoMasterError("/run/socket"), 503),
        (LuxiTimeout("late"), 504),
        (LuxiClosed("closed"), 502),
        (LuxiError("odd"), 502),
        (LuxiPermissionError("closed to us"), 500),
        (OpExecError("broken"), 500),
        (GenericError("broken"), 500),
    ],
)
def test_statuses(error: GenericError, status: int) -> None:
    found = status_of(error)
    assert found.status == status
    body = found.body()
    assert body["code"] == status
    assert body.keys() == {"code", "message", "explain"}
    assert all(isinstance(body[name], str) and body[name] for name in ("message", "explain"))


def test_a_master_that_is_away_is_told_without_its_place() -> None:
    found = status_of(NoMasterError("/var/run/ganeti/socket/ganeti-query"))
    assert "master daemon" in found.message
    assert "/var/run" not in found.message
    assert found.headers == {"Retry-After": "5"}


def test_a_refusal_says_what_is_wrong() -> None:
    assert (
        status_of(OpPrereqError("disk 3 is too small")).body()["message"] == "disk 3 is too small"
    )
