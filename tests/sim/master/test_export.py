"""``config.data`` and job files: written from the database."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.paths import Paths
from pyganeti.master.export import check_config_file
from pyganeti.model.enums import TagKind
from pyganeti.opcodes.instance import OpInstanceReinstall
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import stopped
from tests.sim.master.exporting import SOON_S, TAG, empty_node, exporting, same_objects, written


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return empty_node(tmp_path)


def job_file(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_bytes())
    return found


def content(path: str) -> bytes | None:
    """Of a file, if it is there."""
    return Path(path).read_bytes() if Path(path).exists() else None


def put(path: str, text: str) -> None:
    """Make a file."""
    Path(path).write_text(text)


@contextmanager
def locked(path: str) -> Iterator[None]:
    """As a process does that writes it."""
    with open(path, "rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def inode(path: str) -> int:
    """Another one says that the file was written anew."""
    return Path(path).stat().st_ino


async def test_the_file_is_the_snapshot_soon_after_a_change(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.run(TAG)
        await cluster.clock.sleep(SOON_S)
        assert same_objects(written(paths), cluster.view)
        assert written(paths).serial == cluster.view.serial


async def test_several_changes_make_one_write(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
        before = inode(paths.config_file)
        for number in range(5):
            await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=(f"tag{number}",)))
        assert inode(paths.config_file) == before
        await cluster.clock.sleep(SOON_S)
        assert same_objects(written(paths), cluster.view)


async def test_jobs_have_files_with_their_numbers(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.clock.sleep(SOON_S)
        found = job_file(paths.job_file(1))
        assert found["id"] == 1
        assert found["ops"][0]["status"] == "success"
        assert content(f"{paths.queue_dir}/serial") == b"1\n"


async def test_job_files_hold_no_private_values(paths: Paths) -> None:
    cluster = stopped()
    op = OpInstanceReinstall(
        instance_name="web1",
        osparams_private={"message": "mine"},
        osparams_secret={"message": "sesame"},
    )
    async with exporting(cluster, paths):
        await cluster.run(op)
        await cluster.clock.sleep(SOON_S)
        text = (content(paths.job_file(1)) or b"").decode()
    assert "mine" not in text
    assert "sesame" not in text
    assert text.count("<redacted>") == 2


async def test_an_archived_job_moves_to_its_directory(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.clock.sleep(SOON_S)
        queue = (await cluster.master()).queue
        await queue.archive([queue.get(1)])
        await cluster.clock.sleep(SOON_S)
        assert content(paths.job_file(1)) is None
        assert job_file(paths.archived_job_file(1))["id"] == 1


async def test_a_job_that_ended_just_before_a_crash_gets_its_file(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        job = cluster.submit(OpTestDelay(duration=10.0))
        await cluster.clock.sleep(5.0)
        assert job_file(paths.job_file(1))["end_timestamp"] is None
    await cluster.finished(job)
    await cluster.kill_master()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
        assert job_file(paths.job_file(1))["ops"][0]["status"] == "success"


async def archived_before_a_crash(cluster: SimCluster, paths: Paths) -> None:
    """Job 1 is archived, and the master dies before the files show it."""
    async with exporting(cluster, paths):
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.clock.sleep(SOON_S)
        queue = (await cluster.master()).queue
        await queue.archive([queue.get(1)])
    await cluster.kill_master()


async def test_a_job_archived_just_before_a_crash_moves_afterwards(paths: Paths) -> None:
    cluster = stopped()
    await archived_before_a_crash(cluster, paths)
    assert content(paths.job_file(1)) is not None
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    for place in (paths, cluster.nodes["node2"].paths):
        assert content(place.job_file(1)) is None
        assert job_file(place.archived_job_file(1))["id"] == 1


async def test_a_candidate_that_was_down_hears_of_archived_jobs(paths: Paths) -> None:
    cluster = stopped()
    node = cluster.nodes["node2"]
    async with exporting(cluster, paths):
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.clock.sleep(SOON_S)
        assert content(node.paths.job_file(1)) is not None
        node.reachable = False
        queue = (await cluster.master()).queue
        await queue.archive([queue.get(1)])
        await cluster.clock.sleep(SOON_S)
    await cluster.kill_master()
    node.reachable = True
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    assert content(node.paths.job_file(1)) is None
    assert job_file(node.paths.archived_job_file(1))["id"] == 1


async def test_a_candidate_hears_of_a_job_archived_right_after_the_start(paths: Paths) -> None:
    cluster = stopped()
    await cluster.run(OpTestDelay(duration=1.0))
    async with exporting(cluster, paths):
        queue = (await cluster.master()).queue
        await queue.archive([queue.get(1)])
        await cluster.clock.sleep(2 * SOON_S)
    place = cluster.nodes["node2"].paths
    assert content(place.job_file(1)) is None
    assert job_file(place.archived_job_file(1))["id"] == 1


async def test_a_candidate_that_lost_its_power_gets_its_files_again(paths: Paths) -> None:
    cluster = stopped()
    node = cluster.nodes["node2"]
    async with exporting(cluster, paths):
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.replicated()
        await cluster.clock.sleep(SOON_S)
        node.reachable = False
        # What was not synced is not there.
        for path in (node.paths.job_file(1), node.paths.config_file):
            put(path, "")
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.clock.sleep(SOON_S)
        node.reachable = True
        await cluster.replicated()
        await cluster.clock.sleep(SOON_S)
    assert content(node.paths.config_file) == content(paths.config_file) != b""
    assert content(node.paths.job_file(1)) == content(paths.job_file(1)) != b""


async def test_files_of_archived_jobs_are_durable_before_the_old_ones_go(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = stopped()
    done: list[tuple[str, str]] = []
    sync, unlink = os.fsync, os.unlink

    def note_sync(handle: int) -> None:
        done.append(("sync", os.readlink(f"/proc/self/fd/{handle}")))
        sync(handle)

    def note_unlink(path: str) -> None:
        done.append(("remove", path))
        unlink(path)

    async with exporting(cluster, paths):
        await cluster.run(OpTestDelay(duration=1.0))
        await cluster.clock.sleep(SOON_S)
        monkeypatch.setattr(os, "fsync", note_sync)
        monkeypatch.setattr(os, "unlink", note_unlink)
        queue = (await cluster.master()).queue
        await queue.archive([queue.get(1)])
        await cluster.clock.sleep(SOON_S)
    for place in (paths, cluster.nodes["node2"].paths):
        there, here = place.archived_job_file(1), place.job_file(1)
        mine = [(what, path) for what, path in done if path.startswith(place.queue_dir)]
        assert [what for what, _ in mine] == ["sync", "sync", "remove"]
        assert mine[0][1].startswith(f"{there}.new.")
        assert mine[1:] == [("sync", os.path.dirname(there)), ("remove", here)]


async def test_files_of_jobs_that_nobody_knows_are_left_alone(paths: Paths) -> None:
    cluster = stopped()
    put(paths.job_file(77), "not ours")
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
    assert content(paths.job_file(77)) == b"not ours"


async def test_halves_of_files_that_a_killed_daemon_left_are_removed(paths: Paths) -> None:
    cluster = stopped()
    os.makedirs(os.path.dirname(paths.archived_job_file(1)))
    files = (paths.config_file, paths.job_file(1), paths.archived_job_file(1))
    # Process ids are below 2**22; the second was given to another process since.
    dead = [f"{path}.new.{pid}.3" for path in files for pid in (4194305, os.getppid())]
    alive = [f"{path}.new.{os.getppid()}.4" for path in files]
    for path in (*dead, *alive):
        put(path, "half")
    with ExitStack() as writers:
        for path in alive:
            writers.enter_context(locked(path))
        async with exporting(cluster, paths):
            await cluster.clock.sleep(SOON_S)
    assert [content(path) for path in dead] == [None] * 6
    assert [content(path) for path in alive] == [b"half"] * 3


async def test_what_could_not_be_written_is_written_later(paths: Paths) -> None:
    cluster = stopped()
    async with exporting(cluster, paths):
        await cluster.clock.sleep(SOON_S)
        before = content(paths.config_file)
        with unwritable(paths):
            for name in ("blue", "red"):
                await cluster.run(OpTagsSet(kind=TagKind.CLUSTER, tags=(name,)))
                await cluster.clock.sleep(SOON_S)
        assert content(paths.config_file) == before
        # A master that starts now must not take our own old file for an edited one.
        check_config_file(paths, cluster.backend.load())
        await cluster.clock.sleep(SOON_S)
        assert same_objects(written(paths), cluster.view)
        check_config_file(paths, cluster.backend.load())


class unwritable:  # noqa: N801 - reads as a statement
    """Meanwhile ``config.data`` cannot be replaced."""

    def __init__(self, paths: Paths) -> None:
        self._directory = Path(paths.config_file).parent
        self._aside = self._directory.with_name("aside")

    def __enter__(self) -> None:
        # Root may write anywhere, so what it writes into is taken away.
        self._directory.rename(self._aside)
        self._directory.symlink_to("/proc/self/nothing")

    def __exit__(self, *_: object) -> None:
        self._directory.unlink()
        self._aside.rename(self._directory)
