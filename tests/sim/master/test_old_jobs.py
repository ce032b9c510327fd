"""Archived jobs go from the database once their files are gone, and not before."""

import asyncio
import os
from pathlib import Path

import pytest

from pyganeti.master.old_jobs import AGAIN_S, FIRST_S, OldJobs, archived_files
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.store.interface import Table
from pyganeti.testing.cluster import SimCluster

# Virtual time is short: none of these tests lasts three weeks.
OLD_S = 7200.0


async def archived(*, age_s: float = OLD_S + 10.0) -> tuple[SimCluster, list[int]]:
    """A cluster with three archived jobs that ended so long ago, and their ids."""
    cluster = SimCluster()
    ids = []
    for _ in range(3):
        job = cluster.submit(OpTestDelay(duration=0.1))
        await cluster.finished(job)
        ids.append(await job)
    master = await cluster.master()
    await master.queue.archive(list(master.queue.jobs.values()))
    await cluster.clock.sleep(age_s)
    return cluster, ids


async def old_jobs(cluster: SimCluster, files: set[int]) -> OldJobs:
    store = (await cluster.master()).around.store
    return OldJobs(store, cluster.clock, lambda: files, old_s=OLD_S)


def kept(cluster: SimCluster, node: str = "node1") -> list[int]:
    backend = cluster.backend if node == "node1" else cluster.nodes[node].backend
    return sorted(map(int, backend.keys(Table.ARCHIVE)))


async def test_those_without_a_file_go_from_all_databases() -> None:
    cluster, (first, second, third) = await archived()
    await cluster.replicated()
    assert await (await old_jobs(cluster, {second})).delete() == 2
    await cluster.replicated()
    for node in cluster.nodes:
        assert kept(cluster, node) == [second]
    queue = (await cluster.master()).queue
    assert [await queue.find_job(job) is None for job in (first, second, third)] == [
        True,
        False,
        True,
    ]
    # Their numbers are not given out again.
    job = cluster.submit(OpTestDelay(duration=0.1))
    await cluster.finished(job)
    assert await job > third


async def test_young_ones_stay_though_they_have_no_file() -> None:
    cluster, ids = await archived(age_s=OLD_S - 3600.0)
    assert await (await old_jobs(cluster, set())).delete() == 0
    assert kept(cluster) == ids


async def test_it_is_done_once_a_day_and_goes_on_after_a_failure() -> None:
    cluster, ids = await archived()
    found: list[set[int]] = [set(ids[:1])]

    def files() -> set[int]:
        if found:
            return found.pop()
        raise PermissionError("not yours")

    store = (await cluster.master()).around.store
    async with asyncio.TaskGroup() as group:
        task = group.create_task(OldJobs(store, cluster.clock, files, old_s=OLD_S).run())
        await cluster.clock.sleep(FIRST_S - 1.0)
        assert kept(cluster) == ids
        await cluster.clock.sleep(2.0)
        assert kept(cluster) == ids[:1]
        await cluster.clock.sleep(AGAIN_S)
        assert kept(cluster) == ids[:1]
        found.append(set())
        await cluster.clock.sleep(AGAIN_S)
        assert kept(cluster) == []
        task.cancel()


def test_files_of_the_archive(tmp_path: Path) -> None:
    for name in ("0/job-7", "1/job-10001", "1/job-10002.tmp", "0/serial"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert archived_files(str(tmp_path)) == {7, 10001}


def test_an_archive_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        archived_files(os.fspath(tmp_path / "gone"))
