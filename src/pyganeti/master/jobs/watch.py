"""Waiting for a job to change: the long poll behind every command that waits."""

import asyncio
from typing import Any, Final

import msgspec

from pyganeti.master.query.engine import QueryEngine
from pyganeti.master.queue.job import Job, LogEntry
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.enums import FINALIZED
from pyganeti.model.errors import JobLost

NO_CHANGE: Final = "nochange"
# Longer waits are cut, so that a client's own time limit does not end them first.
MAX_WAIT_S: Final = 60.0


# Any: values and log entries are JSON.
async def wait_for_change(
    queue: JobQueue,
    queries: QueryEngine,
    job_id: int,
    fields: list[str],
    known: Any,
    serial: int | None,
    timeout_s: float,
) -> Any:
    """``[values of fields, new log entries]`` once they are other than known.

    Args:
        queue: the jobs.
        queries: reads the fields.
        job_id: which job.
        fields: job fields to watch.
        known: their values as the client has them.
        serial: the last log entry the client has.
        timeout_s: after this the answer is ``nochange``.

    Raises:
        JobLost: there is no such job.
        OpPrereqError: an unknown field.
    """
    read = queries.job_reader(fields)
    end = asyncio.get_running_loop().time() + min(max(timeout_s, 0.0), MAX_WAIT_S)
    while True:
        # Looking takes its time as well, and comes first however short the wait.
        job = queue.jobs.get(job_id) or await queue.find_job(job_id)
        if job is None:
            raise JobLost(f"Job {job_id} not found")
        row = read(queue.as_told(job))
        values = msgspec.json.decode(msgspec.json.encode(row))  # as the client knows them
        news = _entries(job, serial)
        if values != known or news or job.status in FINALIZED:
            return [values, news]
        try:
            async with asyncio.timeout_at(end):
                await job.changed()
        except TimeoutError:
            return NO_CHANGE


def _entries(job: Job, serial: int | None) -> list[LogEntry]:
    after = -1 if serial is None else serial
    return sorted(entry for op in job.ops for entry in op.log if entry[0] > after)
