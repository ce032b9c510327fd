"""A program that watches a job's log, as ``gnt-debug test-jobqueue`` does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pyganeti.model.enums import LogType
from pyganeti.testing.cluster import SimCluster


async def entries(cluster: SimCluster, job_id: int, kind: LogType) -> AsyncIterator[list[Any]]:
    """Contents of a job's log entries of one type, as they come. Any: JSON."""
    job, seen = (await cluster.master()).queue.get(job_id), 0
    while job.end_timestamp is None:
        changed = job.changed()
        log = sorted(entry for op in job.ops for entry in op.log)
        fresh = [content for _, _, found, content in log[seen:] if found == kind]
        seen = len(log)
        if fresh:
            changed.close()
            for content in fresh:
                yield content
        else:
            await changed


def is_socket(path: str) -> bool:
    """Whether a job waits there."""
    return Path(path).is_socket()


async def ring(path: str) -> asyncio.StreamWriter:
    """Connect to a job's socket; whoever is done with it closes the connection."""
    _, writer = await asyncio.open_unix_connection(path)
    return writer
