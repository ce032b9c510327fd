"""What changed lately, one event after another, for who follows the cluster instead of asking it.

    commits of the configuration, jobs in another state -> :class:`Events` -> LUXI ``WaitForEvents``

Kept in memory, the newest some thousand. An event says that something is other than before and not
what it is now: that is asked for as always. Source: ``docs/design/0024-events.md``.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.master.jobs.watch import MAX_WAIT_S
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.change import AnyObject, Change, Kind, kind_of
from pyganeti.model.cluster import Cluster
from pyganeti.model.disk import Disk
from pyganeti.model.enums import JobStatus, QueryResource
from pyganeti.model.filter import FilterRule
from pyganeti.model.view import ClusterView

# About four a job; some megabytes.
MOST: Final = 20_000
# In one answer; who wants more asks again.
_MOST_TOLD: Final = 1000
_KINDS: Final = {
    Kind.CLUSTER: QueryResource.CLUSTER,
    Kind.NODE: QueryResource.NODE,
    Kind.NODEGROUP: QueryResource.GROUP,
    Kind.INSTANCE: QueryResource.INSTANCE,
    Kind.NETWORK: QueryResource.NETWORK,
    Kind.FILTER: QueryResource.FILTER,
}


class Action(StrEnum):
    """What happened to an object; a job that is archived is removed."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event.

    Attributes:
        serial: one more than that of the event before it.
        name: of the object, after the change; a job's number, a filter's UUID.
        time: seconds since the epoch.
        uuid: of the object; a job has none.
        status: of a job.
    """

    serial: int
    kind: QueryResource
    action: Action
    name: str
    time: float
    uuid: str | None = None
    status: JobStatus | None = None


class Events:
    """See the module.

    Args:
        epoch: the master's term: events of another one are not counted on from.
        clock: gives their times.
        queue: loaded; tells what may be told of a job.
        most: that are kept.
    """

    def __init__(self, epoch: int, clock: Clock, queue: JobQueue, most: int = MOST) -> None:
        self._epoch = epoch
        self._clock = clock
        self._queue = queue
        self._kept: deque[Event] = deque(maxlen=most)
        self._serial = 0
        # What was told of each job last; those that an earlier master left are known.
        self._told = {job.id: job.status for job in queue.current_jobs()}
        self._news = asyncio.Event()

    def job_changed(self, job: Job) -> None:
        """See :meth:`JobQueue.subscribe`."""
        if job.archived:
            self._told.pop(job.id, None)
            self._add(QueryResource.JOB, Action.REMOVED, str(job.id), status=job.status)
            return
        status = self._queue.as_told(job).status
        known = self._told.get(job.id)
        if status is not known:
            self._told[job.id] = status
            action = Action.ADDED if known is None else Action.CHANGED
            self._add(QueryResource.JOB, action, str(job.id), status=status)

    def config_changed(self, change: Change, before: ClusterView, after: ClusterView) -> None:
        """See :meth:`ConfigState.subscribe`."""
        for item in _shown(change.puts, after):
            kind = kind_of(item)
            known = before.find_object(kind, item.uuid) is not None
            action = Action.CHANGED if known else Action.ADDED
            self._add(_KINDS[kind], action, _name(item), uuid=item.uuid)
        for kind, uuid in change.deletes:
            gone = before.find_object(kind, uuid)
            if gone is not None and kind in _KINDS:
                self._add(_KINDS[kind], Action.REMOVED, _name(gone), uuid=uuid)

    def _add(
        self,
        kind: QueryResource,
        action: Action,
        name: str,
        *,
        uuid: str | None = None,
        status: JobStatus | None = None,
    ) -> None:
        self._serial += 1
        now = self._clock.now()
        self._kept.append(Event(self._serial, kind, action, name, now, uuid, status))
        self._news.set()

    # Any: JSON.
    async def after(self, epoch: int, serial: int, timeout_s: float) -> dict[str, Any]:
        """What came after an event, the oldest first; waits for it if there is nothing yet.

        Args:
            epoch: of the last event that is known.
            serial: of the same; 0 before the first.
            timeout_s: how long to wait, a minute at most.

        Returns:
            ``epoch``; ``whole``, whether nothing is missing between the known event and these;
            ``events``, not all if there are many; ``serial`` of the last of them.
        """
        known = epoch == self._epoch and self._first - 1 <= serial <= self._serial
        if known and serial == self._serial:
            await self._wait(min(max(timeout_s, 0.0), MAX_WAIT_S))
            # While it was waited for, it may have been pushed out by what came.
            known = self._first - 1 <= serial
        begin = serial - self._first + 1 if known else 0
        found = list(islice(self._kept, begin, begin + _MOST_TOLD))
        last = found[-1].serial if found else self._serial
        return {"epoch": self._epoch, "whole": known, "serial": last, "events": found}

    @property
    def _first(self) -> int:
        """Serial number of the oldest event that is kept, or of the next if there is none."""
        return self._serial - len(self._kept) + 1

    async def _wait(self, timeout_s: float) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            pass


def _shown(puts: tuple[AnyObject, ...], after: ClusterView) -> Iterator[AnyObject]:
    """What was put; of a disk, which has no page of its own, its instance, once."""
    known = {item.uuid for item in puts}
    for item in puts:
        if not isinstance(item, Disk):
            yield item
            continue
        owner = after.owner_of_disk(item.uuid)
        if owner is not None and owner.uuid not in known:
            known.add(owner.uuid)
            yield owner


def _name(item: AnyObject) -> str:
    if isinstance(item, Cluster):
        return item.cluster_name
    if isinstance(item, FilterRule | Disk):
        return item.uuid
    return item.name
