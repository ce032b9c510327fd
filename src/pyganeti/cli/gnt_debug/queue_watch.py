"""Watches a job of ``OP_TEST_JQUEUE`` through all its phases.

log entry -> connect to its socket -> is the job where it says? -> close -> the job goes on
"""

import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

from pyganeti.model.errors import GenericError, OpExecError
from pyganeti.wire.luxi.client import FINAL, WAIT_TIMEOUT_S, LuxiClient, OpDict

_PREFIX: Final = "TESTMSG="
_CONNECT_S: Final = 30.0
# The job's state in each phase.
_STATES: Final = {
    "expandnames": "waiting",
    "exec": "running",
    "startmsg": "running",
    "logmsg": "running",
}


def _fail(text: str) -> OpExecError:
    return OpExecError(f"the job queue does not hold what it promises: {text}")


def _entries(client: LuxiClient, job_id: int) -> Iterator[tuple[str, Any]]:
    """Type and content of a job's log entries as they come, until it ends. Any: JSON."""
    info, serial = None, -1
    while info is None or info[0] not in FINAL:
        change = client.wait_for_job_change(job_id, ["status"], info, serial, WAIT_TIMEOUT_S)
        if change is not None:
            info, entries = change
            for number, _, kind, content in entries:
                serial = max(serial, number)
                yield kind, content


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_CONNECT_S)
    try:
        connection.connect(path)
    except OSError as err:
        connection.close()
        raise _fail(f"nobody listens at {path}, of which the job says so: {err}") from err
    return connection


def told_how_to_end(client: LuxiClient, job_id: int) -> Callable[[], None]:
    """What ends an interruptible delay, once it says at which socket it waits."""
    for kind, content in _entries(client, job_id):
        if kind == "delay-test":
            return lambda: _connect(content[0]).close()
    raise _fail(f"job {job_id} ended without saying at which socket it waits")


class _Watcher:
    """What a job has told so far."""

    def __init__(self, client: LuxiClient, job_id: int) -> None:
        self._client = client
        self._job_id = job_id
        self.phases: list[str] = []
        self.messages: list[str] = []
        self._before = 0

    def hear(self, kind: str, content: Any) -> None:
        """Take a log entry. Any: JSON."""
        if kind == "jqueue-test":
            path, phase, argument = content
            with _connect(path):
                self._check(phase, argument)
            self.phases.append(phase)
        elif kind == "message" and str(content).startswith(_PREFIX):
            self.messages.append(content.removeprefix(_PREFIX))

    def _check(self, phase: str, argument: object) -> None:
        (row,) = self._client.query_jobs([self._job_id], ["status"])
        if phase not in _STATES:
            raise _fail(f"job {self._job_id} tells of {phase!r}, which is no phase")
        if row is None or row[0] != _STATES[phase]:
            text = f"job {self._job_id} says {phase!r} and is {row}, not {_STATES[phase]!r}"
            raise _fail(text)
        if phase == "startmsg":
            self._before = len(self.messages)
        elif phase == "logmsg" and len(self.messages) - self._before != argument:
            raise _fail(f"job {self._job_id} counts {argument} messages, got {self.messages}")


def run_watched(client: LuxiClient, ops: list[OpDict], fails: list[bool]) -> None:
    """Run a job of ``ops``, of which some are to fail, and check all it tells and leaves.

    Raises:
        OpExecError: something is not as it must be.
    """
    job_id = client.submit_job(ops)
    watcher = _Watcher(client, job_id)
    for kind, content in _entries(client, job_id):
        watcher.hear(kind, content)
    runs = [op for op, failed in zip(ops, _before(fails), strict=True) if not failed]
    wanted = [message for op in runs for message in op["log_messages"]]
    if watcher.messages != wanted:
        raise _fail(f"job {job_id} said {watcher.messages}, not {wanted}")
    told = [
        phase
        for op in runs
        for phase in ("expandnames", "exec", "startmsg", *["logmsg"] * len(op["log_messages"]))
    ]
    if watcher.phases != told:
        raise _fail(f"job {job_id} told of the phases {watcher.phases}, not {told}")
    _check_end(client, job_id, fails)


def _before(fails: list[bool]) -> list[bool]:
    """Of each opcode whether one before it fails, so that it never runs."""
    return [any(fails[:index]) for index in range(len(fails))]


def _check_end(client: LuxiClient, job_id: int, fails: list[bool]) -> None:
    (row,) = client.query_jobs([job_id], ["status", "opstatus"])
    ends = ["error" if any(fails[: index + 1]) else "success" for index in range(len(fails))]
    wanted = ["error" if any(fails) else "success", ends]
    if row != wanted:
        raise _fail(f"job {job_id} ended as {row}, not {wanted}")
    try:
        results = client.job_results(job_id)
    except GenericError as err:
        if not any(fails):
            raise _fail(f"job {job_id} answered an error: {err}") from err
    else:
        if any(fails) or results != [True] * len(fails):
            raise _fail(f"job {job_id} answered {results}")
