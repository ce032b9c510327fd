"""CPU of the lock manager with ten thousand waiting jobs; run by hand, no figure to hold."""

import asyncio
import json
import time

from pyganeti.master.locks import Held, LockManager, LockRequest

JOBS = 10_000


def instance(name: str) -> LockRequest:
    """What an operation on one instance locks: it, and the cluster's lock shared."""
    return LockRequest(instances=frozenset({name}))


async def shared_behind_exclusive(results: dict[str, float]) -> None:
    """All wait for the cluster's lock, which one job holds alone, and go at once."""
    locks, loop = LockManager(), asyncio.get_running_loop()
    first = await locks.acquire("first", LockRequest(cluster=True))
    began = time.process_time()
    tasks = [
        loop.create_task(locks.acquire(str(number), instance(str(number))))
        for number in range(JOBS)
    ]
    while len(locks.waiting()) < JOBS:  # noqa: ASYNC110  # the manager has no event for it
        await asyncio.sleep(0)
    results["queue"], began = time.process_time() - began, time.process_time()
    locks.release(first)
    results["grant"], began = time.process_time() - began, time.process_time()
    for held in await asyncio.gather(*tasks):
        locks.release(held)
    results["release"] = time.process_time() - began


async def one_after_another(results: dict[str, float]) -> None:
    """All want the same instance."""
    locks, loop = LockManager(), asyncio.get_running_loop()
    first = await locks.acquire("first", instance("same"))

    async def take(owner: str) -> None:
        held: Held = await locks.acquire(owner, instance("same"))
        locks.release(held)

    began = time.process_time()
    tasks = [loop.create_task(take(str(number))) for number in range(JOBS)]
    await asyncio.sleep(0)
    locks.release(first)
    await asyncio.gather(*tasks)
    results["one after another"] = time.process_time() - began


def main() -> None:
    """Print microseconds of CPU a job."""
    results: dict[str, float] = {}
    asyncio.run(shared_behind_exclusive(results))
    asyncio.run(one_after_another(results))
    print(json.dumps({name: round(spent / JOBS * 1e6, 1) for name, spent in results.items()}))


if __name__ == "__main__":
    main()
