"""Why each job waits that has not ended: ``gnt-debug waits``.

    scheduler (filters, dependencies, limits), locks, tasks on nodes -> one list, by job

Called by queries.
"""

from collections.abc import Iterable, Iterator

from pyganeti.master.jobs.node_tasks import NodeTasks
from pyganeti.master.locks import SHOWN, Level, LockName, LockWait, lock_name
from pyganeti.master.queue.job import Job, Timestamp
from pyganeti.master.queue.queue import JobQueue
from pyganeti.master.queue.waits import QueueWait, WaitKind
from pyganeti.model.enums import FINALIZED
from pyganeti.model.view import ClusterView

_LEFTOVER = "leftover/"


def all_waits(
    queued: Iterable[QueueWait],
    locks: Iterable[LockWait],
    tasks: NodeTasks,
    queue: JobQueue,
    view: ClusterView,
) -> list[QueueWait]:
    """All waits, by job.

    Args:
        queued: of jobs that have not been started.
        locks: of requests for locks.
        tasks: on nodes.
        queue: knows since when a job asks for locks.
        view: names what is locked.
    """
    waits = [*queued, *_lock_waits(locks, queue, view), *tasks.waits()]
    return sorted(waits, key=lambda wait: wait.job)


def _lock_waits(
    locks: Iterable[LockWait], queue: JobQueue, view: ClusterView
) -> Iterator[QueueWait]:
    for wait in locks:
        job = queue.jobs.get(_job_of(wait.owner) or 0)
        if job is None or wait.owner.startswith(_LEFTOVER):
            continue  # the master itself, which tries to undo what is left
        yield QueueWait(
            job.id,
            WaitKind.LOCK,
            readable(wait.lock, view),
            _since(job),
            _jobs(wait.holders),
            _jobs(wait.ahead),
            wait.place,
            mode=SHOWN[wait.mode],
            lock=lock_name(wait.lock),
        )


def _since(job: Job) -> Timestamp | None:
    """When its running opcode asked for locks."""
    return next((op.start_timestamp for op in job.ops if op.status not in FINALIZED), None)


def _job_of(owner: str) -> int | None:
    """The job of which the operation ``12/TEST_DELAY(1.0)`` or the leftover is a part."""
    number = owner.removeprefix(_LEFTOVER).partition("/")[0]
    return int(number) if number.isdecimal() else None


def _jobs(owners: Iterable[str]) -> tuple[int, ...]:
    return tuple(job for owner in owners if (job := _job_of(owner)) is not None)


def readable(lock: LockName, view: ClusterView) -> str:
    """A lock with the name of what it locks, where that has another one: ``node/node1``."""
    level, name = lock
    find = {
        Level.NODEGROUP: view.find_group,
        Level.NODE: view.find_node,
        Level.NODE_RES: view.find_node,
        Level.NETWORK: view.find_network,
    }.get(level)
    found = None if find is None else find(name)
    return f"{level.label}/{name if found is None else found.name}"
