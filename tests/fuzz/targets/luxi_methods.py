"""Requests to a whole simulated master: each is answered, and jobs that come of it end in order."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any, Final

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.errors import GenericError, LuxiError
from pyganeti.opcodes.registry import OPCODES
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.loop import VirtualLoop
from pyganeti.wire.luxi.message import Request, answer, decode_request, refusal
from tests.fuzz.engine import TooSlow

from .checks import Unexpected, compact, is_secret, refused
from .opcodes import example

# The world of one input must not become that of the next: bad input may well work.
_INPUTS_EACH: Final = 25
_SETTLE_S: Final = 3.0
_ANSWERS: Final = {
    "ArchiveJob": [1], "AutoArchiveJobs": [-1, 10], "CancelJob": [1, True],
    "ChangeJobPriority": [1, 5], "DeleteFilter": ["8b53f7de-f8e2-4470-99bd-1efe746e434f"],
    "PickupJob": [1], "Query": ["node", ["name"], ["=", "name", "node1"]],
    "QueryClusterInfo": [], "QueryConfigValues": [["cluster_name"]], "QueryExports": [[], False],
    "QueryFields": ["node", ["name"]], "QueryFilters": [[], ["uuid"]],
    "QueryGroups": [[], ["name"], False], "QueryInstances": [["web1"], ["name"], False],
    "QueryJobs": [[1], ["id", "status", "ops"]], "QueryMeasures": [],
    "QueryNetworks": [[], ["name"], False],
    "QueryNodes": [[], ["name", "mfree"], False], "QueryTags": ["node", "node1"],
    "ReplaceFilter": [
        "8b53f7de-f8e2-4470-99bd-1efe746e434f", 0, [["jobid", ["<", "id", 5]]], "PAUSE",
        [["a", "b", 1]],
    ],
    "SetDrainFlag": [False], "SetWatcherPause": [None],
    "SubmitJob": [[{"OP_ID": "OP_TEST_DELAY", "duration": 0.1}]],
    "SubmitJobToDrainedQueue": [[{"OP_ID": "OP_TAGS_GET", "kind": "cluster"}]],
    "SubmitManyJobs": [[[{"OP_ID": "OP_CLUSTER_VERIFY"}], [{"OP_ID": "OP_OS_DIAGNOSE"}]]],
    "WaitForEvents": [0, 0, 10], "WaitForJobChange": [1, ["status"], ["queued"], 0, 10],
}  # fmt: skip


class _Bugs(logging.Handler):
    """Keeps what supervisors log: a bug that its caller was only told of."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.exc_info:
            self.found.append(record)


class LuxiMethodCalls:
    """See the module. The input is a request; what it submits is run."""

    name = "luxi-methods"

    def __init__(self) -> None:
        self._bugs = _Bugs()
        self._log = logging.getLogger("pyganeti")
        self._log.addHandler(self._bugs)
        self._log.propagate = False
        self._count = 0
        self._loop: VirtualLoop | None = None
        self._cluster: SimCluster | None = None

    def seeds(self) -> Sequence[bytes]:
        """Every method, and every opcode in a job."""
        calls = [{"method": method, "args": args} for method, args in _ANSWERS.items()]
        jobs = [{"method": "SubmitJob", "args": [[example(op.op_id())]]} for op in OPCODES]
        return [compact(request) for request in [*calls, *jobs]]

    def run(self, data: bytes) -> str:
        """Ask, and let what comes of it go on for a while."""
        try:
            request = decode_request(data)
        except LuxiError as err:
            return refused(err)
        if self._loop is None or self._count % _INPUTS_EACH == 0:
            self._begin()
        assert self._loop is not None
        self._count += 1
        secret = is_secret(request.args)
        try:
            return self._loop.run_until_complete(self._handled(request, secret=secret))
        except TooSlow:
            # The loop was stopped in the middle.
            self._loop = None
            raise
        finally:
            self._raise_bugs()

    def close(self) -> None:
        """End the master, and hear no more of it."""
        self._end()
        self._log.removeHandler(self._bugs)
        self._log.propagate = True

    def _end(self) -> None:
        if self._loop is not None and self._cluster is not None:
            self._loop.run_until_complete(self._cluster.kill_master())
            self._loop.close()

    def _begin(self) -> None:
        self._end()
        self._loop = VirtualLoop()
        self._cluster = SimCluster(nodes=2, seed=self._count)
        self._cluster.add_instance("web1")
        self._master = self._loop.run_until_complete(self._cluster.master())
        self._methods = LuxiMethods(self._master)

    async def _handled(self, request: Request, *, secret: bool) -> str:
        try:
            sent = answer(await self._methods.handle(request.method, request.args))
            kind = "answered"
        except GenericError as err:
            kind, sent = refused(err, secret=secret), refusal(err)
        json.loads(sent[:-1])
        await asyncio.sleep(_SETTLE_S)
        return f"{request.method[:30]} {kind} {self._ends()}"

    def _ends(self) -> str:
        """How the newest job stands."""
        jobs = self._master.queue.jobs
        if not jobs:
            return ""
        job = jobs[max(jobs)]
        return f"{job.status} {str(job.ops[-1].result)[:30] if job.ops else ''}"

    def _raise_bugs(self) -> None:
        found, self._bugs.found = self._bugs.found, []
        for record in found:
            assert record.exc_info is not None
            error: Any = record.exc_info[1]  # Any: an exception, as typeshed has it
            raise Unexpected(record.getMessage()[:300]) from error
