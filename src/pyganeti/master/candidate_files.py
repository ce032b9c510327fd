"""Keeps ``config.data`` and the job files on the candidates as they are on the master.

    exporter (written here) -> CandidateFiles -> upload_file, jobqueue_update on each candidate

One task a candidate, so that one that hangs delays nobody; jobs never wait for any of this. What
counts is the candidates' database (``replication.py``): these files are for people and for Ganeti's
tools. Source: ``docs/design/0001-state.md`` (Exports).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.paths import Paths
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.errors import GenericError
from pyganeti.wire.noderpc.files import JobqueueListCall, JobqueueUpdateCall, UploadFileCall

_log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S: Final = 30.0
RETRY_S: Final = 10.0
# Jobs of one call: far below what a node accepts as one body.
_CHUNK: Final = 200
_CONFIG_MODE: Final = 0o640


class _Candidate:
    """What one candidate does not have yet."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = {job.id: job for job in jobs}
        self.config: bytes | None = None
        self.is_compared = False
        self.wakeup = asyncio.Event()
        self.turn = asyncio.Lock()


class CandidateFiles:
    """Sends what the exporter has written.

    Args:
        nodes: makes the calls.
        clock: for the pauses between tries.
        queue: jobs for a candidate that has none yet, and the highest number given out.
        candidates: UUIDs of the present candidates, the master not among them.
    """

    def __init__(
        self,
        nodes: NodeWriter,
        clock: Clock,
        queue: JobQueue,
        candidates: Callable[[], Sequence[str]],
    ) -> None:
        self._nodes = nodes
        self._clock = clock
        self._queue = queue
        self._candidates = candidates
        self._config: bytes | None = None
        self._known: dict[str, _Candidate] = {}
        self._changed = asyncio.Event()

    def config_written(self, data: bytes) -> None:
        """``config.data`` is this now; the candidates may be others, too."""
        self._config = data
        self._take_up_candidates()
        for candidate in self._known.values():
            candidate.config = data
            candidate.wakeup.set()

    def jobs_written(self, jobs: Iterable[Job]) -> None:
        """The files of ``jobs`` were written."""
        self._take_up_candidates()
        written = {job.id: job for job in jobs}
        for candidate in self._known.values():
            candidate.jobs |= written
            candidate.wakeup.set()

    def renew(self, node: str) -> None:
        """``node`` was away: what was sent to it last may not have reached its disk."""
        before = self._known.pop(node, None)
        if before is not None:
            before.wakeup.set()
            self._take_up_candidates()
            anew = self._known.get(node)
            if anew is not None:
                anew.config = self._config
                anew.wakeup.set()

    def _take_up_candidates(self) -> None:
        wanted = self._candidates()
        for node in set(self._known) - set(wanted):
            self._known.pop(node).wakeup.set()
        for node in wanted:
            if node not in self._known:
                self._known[node] = _Candidate(self._queue.jobs.values())
                self._changed.set()

    async def run(self) -> None:
        """Serve all candidates, for ever."""
        served: set[_Candidate] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                for node, candidate in self._known.items():
                    if candidate not in served:
                        group.create_task(self._serve(node, candidate))
                served = set(self._known.values())
                await self._changed.wait()
                self._changed.clear()

    async def _serve(self, node: str, candidate: _Candidate) -> None:
        """Send ``candidate`` what it lacks until it is a candidate no more."""
        while self._known.get(node) is candidate:
            await candidate.wakeup.wait()
            candidate.wakeup.clear()
            try:
                await self._send(node, candidate)
            except (GenericError, TimeoutError) as err:
                _log.info("candidate %s has not the newest files: %s", node, err)
                await self._clock.sleep(RETRY_S)
                candidate.wakeup.set()

    async def flush(self, timeout_s: float) -> None:
        """Send what is missing now, for at most ``timeout_s``; those that do not answer wait."""

        async def one(node: str, candidate: _Candidate) -> None:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._send(node, candidate)
            except (GenericError, TimeoutError) as err:
                _log.info("candidate %s has not the newest files: %s", node, err)

        async with asyncio.TaskGroup() as group:
            for node, candidate in self._known.items():
                group.create_task(one(node, candidate))

    async def _send(self, node: str, candidate: _Candidate) -> None:
        async with candidate.turn:
            if not candidate.is_compared:
                await self._compare(node, candidate)
            while candidate.jobs:
                await self._send_jobs(node, candidate)
            data, candidate.config = candidate.config, None
            if data is None:
                return
            path = Paths().config_file  # as on a real node; a virtual one adds its root
            call = UploadFileCall(file_name=path, content=data, mode=_CONFIG_MODE)
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    await self._nodes.call(node, call)
            except BaseException:
                # A newer one may have come meanwhile.
                candidate.config = candidate.config or data
                raise

    async def _compare(self, node: str, candidate: _Candidate) -> None:
        """Find out which jobs were archived while the candidate or the master was down."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            listed = await self._nodes.call(node, JobqueueListCall())
        for job_id in listed:
            if job_id not in self._queue.jobs and job_id not in candidate.jobs:
                job = await self._queue.find_job(job_id)
                # What nobody knows is left alone.
                if job is not None:
                    candidate.jobs[job_id] = job
        candidate.is_compared = True

    async def _send_jobs(self, node: str, candidate: _Candidate) -> None:
        # Taken off before they are sent: a job that changes meanwhile is put on again.
        chunk = dict(islice(candidate.jobs.items(), _CHUNK))
        for job_id in chunk:
            del candidate.jobs[job_id]
        files: dict[str, bytes | None] = {"serial": b"%d\n" % self._queue.serial}
        for job in chunk.values():
            files |= _job_files(self._queue.as_told(job))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._nodes.call(node, JobqueueUpdateCall(files=files))
        except BaseException:
            candidate.jobs = {**chunk, **candidate.jobs}
            raise


def _job_files(job: Job) -> dict[str, bytes | None]:
    """The files of a job below the queue's directory; ``None`` for one that must go."""
    here = f"job-{job.id}"
    if not job.archived:
        return {here: job.to_export()}
    return {here: None, f"archive/{job.id // 10000}/{here}": job.to_export()}
