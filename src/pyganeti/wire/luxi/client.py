"""The blocking LUXI client of commands and tools: one socket and the standard library.

    method, arguments -> request -> socket -> response -> result, or the master's error, raised

Every method below is one LUXI method; shapes of results are Ganeti's. A connection is made at the
first call and kept.

Source: Ganeti's LUXI protocol and its timeouts.
"""

import errno
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from pyganeti.kit.clock import monotonic, sleep_blocking
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import (
    GenericError,
    JobCanceled,
    JobLost,
    LuxiError,
    NoMasterError,
    OpExecError,
    from_wire,
)
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.framing import Splitter, encode, parse_response, request
from pyganeti.wire.luxi.results import (
    definitions,
    job_change,
    mapping,
    pair,
    pairs,
    plain_list,
    query_result,
    rows,
)

CONNECT_TIMEOUT_S: Final = 30.0
RW_TIMEOUT_S: Final = 180.0
# The longest that one WaitForJobChange may take: well below the read timeout.
WAIT_TIMEOUT_S: Final = 89
# A serial number above that of any log entry: entries are not waited for.
_NO_LOG: Final = 1 << 40
# Between two tries while the server's backlog is full.
_RETRY_S: Final = 0.1
_CHUNK: Final = 256 * 1024

T = TypeVar("T")

# One opcode, ready for JSON; values are whatever the opcode's parameters are.
OpDict = dict[str, Any]


# States that a job does not leave.
FINAL: Final = frozenset({"success", "error", "canceled"})


class LuxiTimeout(LuxiError):
    """The master did not answer in time; whether it acted is unknown."""


class LuxiClosed(LuxiError):
    """The master ended the connection instead of answering: it stops, or was stopped."""


class LuxiPermissionError(LuxiError):
    """This user may not talk to the master."""


def socket_path(paths: Paths, env: Mapping[str, str], *, query: bool = False) -> str:
    """The socket to use: the master's or the query one, or what ``FORCE_LUXI_SOCKET`` says."""
    forced = env.get("FORCE_LUXI_SOCKET", "")
    if forced == "master" or (not forced and not query):
        return paths.master_socket
    if forced == "query" or not forced:
        return paths.query_socket
    return forced


class LuxiClient:
    """A connection to the master daemon.

    Args:
        address: path of the unix socket.
        connect_timeout_s: how long a full backlog is waited for.
        rw_timeout_s: the longest silence while sending or waiting for an answer.
    """

    def __init__(
        self,
        address: str,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        rw_timeout_s: float = RW_TIMEOUT_S,
    ) -> None:
        self.address = address
        self._connect_timeout_s = connect_timeout_s
        self._rw_timeout_s = rw_timeout_s
        self._socket: socket.socket | None = None
        self._splitter = Splitter()

    def close(self) -> None:
        """End the connection; the next call makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> "LuxiClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # The result's type depends on the method; the wrappers below say which.
    def call(self, method: str, args: list[object]) -> Any:
        """Call ``method`` and return its result.

        Raises:
            NoMasterError: nothing listens; argument: the socket's path.
            LuxiPermissionError: the socket is closed to this user.
            LuxiTimeout: no answer in time; the call may have been done.
            LuxiError: the connection broke or the answer was malformed.
            GenericError: what the master answered.
        """
        connection = self._socket or self._connect()
        self._socket = connection
        try:
            connection.sendall(encode(request(method, args, LUXI_VERSION)))
            document = self._receive(connection)
        except TimeoutError as err:
            self.close()
            raise LuxiTimeout(f"no answer to {method} within {self._rw_timeout_s:g} s") from err
        except OSError as err:
            self.close()
            raise LuxiError(f"connection lost during {method}: {err.strerror or err}") from err
        return parse_response(document, LUXI_VERSION)

    def _connect(self) -> socket.socket:
        deadline = monotonic() + self._connect_timeout_s
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._connect_timeout_s)
            try:
                connection.connect(self.address)
            except OSError as err:
                connection.close()
                self._explain(err, monotonic() < deadline)
                sleep_blocking(_RETRY_S)
                continue
            connection.settimeout(self._rw_timeout_s)
            self._splitter = Splitter()
            return connection

    def _explain(self, err: OSError, may_retry: bool) -> None:
        """Raise what ``err`` means, or return when it is worth another try."""
        if err.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
            raise NoMasterError(self.address) from err
        if err.errno in (errno.EACCES, errno.EPERM):
            raise LuxiPermissionError(self.address) from err
        if not isinstance(err, BlockingIOError | TimeoutError):
            raise LuxiError(f"cannot connect to {self.address}: {err.strerror or err}") from err
        if not may_retry:
            raise LuxiTimeout(f"cannot connect to {self.address} in time") from err

    def _receive(self, connection: socket.socket) -> bytes:
        while True:
            data = connection.recv(_CHUNK)
            if not data:
                self.close()
                raise LuxiClosed("connection closed while waiting for the answer")
            documents = self._splitter.feed(data)
            if documents:
                return documents[0]

    def _ask(self, method: str, args: list[object], read: Callable[[Any], T]) -> T:
        """Call ``method`` and ``read`` its result.

        Raises:
            LuxiError: the result is not of the form that this method has.
        """
        result = self.call(method, args)  # Any: from JSON
        try:
            return read(result)
        except (TypeError, ValueError) as err:
            raise LuxiError(f"unexpected answer to {method}: {_brief(result)}") from err

    # Queries

    def query(self, what: str, fields: list[str], qfilter: object = None) -> dict[str, Any]:
        """``{"fields": [definition, ...], "data": [[[status, value], ...], ...]}``."""
        return self._ask("Query", [what, fields, qfilter], query_result)

    def query_fields(self, what: str, fields: list[str] | None = None) -> list[dict[str, str]]:
        """Definitions: name, title, kind, doc; of all fields when ``fields`` is empty."""
        return self._ask("QueryFields", [what, fields or []], definitions)

    def query_cluster_info(self) -> dict[str, Any]:
        """The cluster's settings, by Ganeti's 55 names."""
        return self._ask("QueryClusterInfo", [], mapping)

    def query_config_values(self, fields: list[str]) -> list[Any]:
        """Values in the order asked."""
        return self._ask("QueryConfigValues", [fields], partial(plain_list, length=len(fields)))

    def query_tags(self, kind: str, name: str) -> list[str]:
        """Tags of one object; the cluster's name is empty."""
        return self._ask("QueryTags", [kind, name], plain_list)

    def query_jobs(self, ids: list[int], fields: list[str]) -> list[list[Any] | None]:
        """A row a job, ``None`` where there is no such job: its ``status``, if asked for, tells."""
        read = partial(rows, width=len(fields), count=len(ids) or None)
        found = self._ask("QueryJobs", [ids, fields], read)
        if "status" not in fields:
            return found
        status = fields.index("status")
        return [None if row is None or row[status] is None else row for row in found]

    # Jobs

    def submit_job(self, ops: list[OpDict]) -> int:
        """The id of the new job, which is durable by now."""
        return self._ask("SubmitJob", [ops], int)

    def submit_many_jobs(self, jobs: list[list[OpDict]]) -> list[tuple[bool, Any]]:
        """For each job whether it was taken, and its id or the reason."""
        return self._ask("SubmitManyJobs", [jobs], pairs)

    def wait_for_job_change(
        self, job_id: int, fields: list[str], prev_info: object, prev_serial: object, timeout: int
    ) -> tuple[list[Any], list[list[Any]]] | None:
        """New values of ``fields`` and log entries after ``prev_serial``; ``None``: no change.

        A log entry is ``[serial, [seconds, microseconds], type, content]``.
        """
        args = [job_id, fields, prev_info, prev_serial, timeout]
        return self._ask("WaitForJobChange", args, partial(job_change, width=len(fields)))

    def job_results(self, job_id: int) -> list[Any]:
        """Results of the opcodes of a job that has ended.

        Raises:
            JobLost: there is no such job.
            JobCanceled: it was cancelled.
            GenericError: what its first failed opcode raised.
        """
        (row,) = self.query_jobs([job_id], ["status", "opstatus", "opresult"])
        if row is None:
            raise JobLost(f"job {job_id} does not exist")
        status, op_status, op_results = row
        if not isinstance(op_status, list) or not isinstance(op_results, list):
            raise LuxiError(f"unexpected answer about job {job_id}: {_brief(row)}")
        if status == "canceled":
            raise JobCanceled(_why_canceled(op_status, op_results))
        if status == "error":
            raise _failure(op_status, op_results)
        return op_results

    def wait_for_end(self, job_id: int) -> list[Any]:
        """Wait until a job has ended, and return its results as :meth:`job_results`."""
        change = None
        while change is None:
            # Of all that changes, only the end is asked for: one answer a job.
            change = self.wait_for_job_change(job_id, ["end_ts"], [None], _NO_LOG, WAIT_TIMEOUT_S)
        return self.job_results(job_id)

    def archive_job(self, job_id: int) -> bool:
        """Whether the job was archived."""
        return bool(self.call("ArchiveJob", [job_id]))

    def auto_archive_jobs(self, age: int, timeout: int) -> tuple[int, int]:
        """How many were archived, and how many were not looked at for lack of time."""
        return self._ask("AutoArchiveJobs", [age, timeout], pair)

    def cancel_job(self, job_id: int, kill: bool = False) -> tuple[bool, str]:
        """Whether it was cancelled, and a sentence about it."""
        return self._ask("CancelJob", [job_id, kill], pair)

    def change_job_priority(self, job_id: int, priority: int) -> tuple[bool, str]:
        """Whether it was changed, and a sentence about it."""
        return self._ask("ChangeJobPriority", [job_id, priority], pair)

    # Job filters

    def query_filters(self, uuids: list[str], fields: list[str]) -> list[list[Any]]:
        """A row for each of the named rules, or for all."""
        found = self._ask("QueryFilters", [uuids, fields], partial(rows, width=len(fields)))
        return [row for row in found if row is not None]

    def replace_filter(
        self,
        uuid: str | None,
        priority: int,
        predicates: object,
        action: object,
        reason: list[list[object]],
    ) -> str:
        """Make a rule, or put another in the place of one; its UUID."""
        return str(self.call("ReplaceFilter", [uuid, priority, predicates, action, reason]))

    def delete_filter(self, uuid: str) -> None:
        """Remove a rule."""
        self.call("DeleteFilter", [uuid])

    # Switches

    def set_drain_flag(self, flag: bool) -> None:
        """Refuse new jobs, or take them again."""
        self.call("SetDrainFlag", [flag])

    def set_watcher_pause(self, until: float | None) -> Any:
        """Pause the watcher until ``until`` (seconds since the epoch), or let it go on."""
        return self.call("SetWatcherPause", [until])


def _brief(result: object) -> str:
    try:
        return repr(result)[:80]
    except RecursionError:
        return "nested too deep to be shown"


def _why_canceled(op_status: list[str], op_results: list[Any]) -> str:
    """What the first cancelled opcode says, if that is a text."""
    for status, result in zip(op_status, op_results, strict=False):
        if status == "canceled" and isinstance(result, str):
            return result
    return "job was canceled"


def _failure(op_status: list[str], op_results: list[Any]) -> GenericError:
    """The error of the first opcode that failed."""
    for index, (status, result) in enumerate(zip(op_status, op_results, strict=False)):
        if status == "error":
            if isinstance(result, list) and len(result) == 2 and isinstance(result[1], list):
                return from_wire(result)
            partial = f"partial failure (opcode {index}): " if index else ""
            return OpExecError(f"{partial}{result}")
    return OpExecError(str(op_results))
