"""Memory of changes and records of what they run."""

import asyncio
import os
from pathlib import Path

from pyganeti.kit.process import Command, ProcessError, is_alive, run, start_time
from pyganeti.node.groups import GroupRecords, RecordedRunner
from pyganeti.node.tasks import REMEMBERED, CallRun, Tasks
from pyganeti.wire.noderpc.call import CallContext, TaskId
from pyganeti.wire.noderpc.types import TaskState


async def nothing(_run: CallRun) -> None:
    return None


async def test_only_the_last_thousand_are_remembered() -> None:
    async with Tasks(lambda _name: run) as tasks:
        for number in range(REMEMBERED + 5):
            work = tasks.once(CallContext(epoch=1, call=number + 1), "x", nothing)
            await work.wait()
        first = CallContext(epoch=1, call=1).task_id
        last = CallContext(epoch=1, call=REMEMBERED + 5).task_id
        assert (await tasks.report(first, 0)).state is TaskState.LOST
        assert (await tasks.report(last, 0)).state is TaskState.DONE


async def test_what_a_journal_knows_outlives_its_master_until_the_next_one_decides() -> None:
    async def forever(_run: CallRun) -> None:
        await asyncio.Event().wait()

    async def states(*names: TaskId) -> list[TaskState]:
        return [(await tasks.report(name, 0)).state for name in names]

    async with Tasks(lambda _name: run) as tasks:
        contexts = [CallContext(epoch=1, call=number, awaited=number > 1) for number in (1, 2, 3)]
        works = [tasks.once(ctx, "x", forever) for ctx in contexts]
        _plain, kept, unkept = (ctx.task_id for ctx in contexts)
        await tasks.end_below(2)
        assert works[0].task.cancelled()
        assert await states(kept, unkept) == [TaskState.RUNNING, TaskState.RUNNING]
        await tasks.end_unkept(2, {kept})
        assert works[2].task.cancelled()
        assert await states(kept) == [TaskState.RUNNING]


async def test_a_failing_program_is_an_answer(tmp_path: Path) -> None:
    runner = RecordedRunner(GroupRecords(str(tmp_path)), "1-1")

    async def body(running: CallRun) -> None:
        await running.runner(Command(("false",)))

    async with Tasks(lambda _name: runner) as tasks:
        ctx = CallContext(epoch=1, call=1)
        tasks.once(ctx, "x", body)
        report = await tasks.report(ctx.task_id, 5)
    assert report.state is TaskState.FAILED
    assert report.error is not None
    assert report.error[0] == "CommandError"
    assert os.listdir(tmp_path) == []


async def test_a_program_is_on_record_while_it_runs_and_ended_with_its_task(tmp_path: Path) -> None:
    runner = RecordedRunner(GroupRecords(str(tmp_path)), "1-1")
    seen: list[str] = []

    async def watch() -> None:
        async with asyncio.timeout(10):
            while True:
                seen.extend(os.listdir(tmp_path))
                if seen:
                    return
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        sleeping = group.create_task(runner(Command(("sleep", "60"))))
        await watch()
        sleeping.cancel()
    assert seen == ["1-1"]
    assert os.listdir(tmp_path) == []


async def test_leftovers_of_a_killed_daemon_are_ended(tmp_path: Path) -> None:
    records = GroupRecords(str(tmp_path))
    recorded = asyncio.Event()

    def started(pid: int) -> None:
        recorded.set()
        records.write("1-1", {pid: start_time(pid) or 0})

    async def program() -> str:
        try:
            await run(Command(("sleep", "60")), started=started)
        except ProcessError as err:
            return str(err)
        return "ended by itself"

    async with asyncio.TaskGroup() as group:
        running = group.create_task(program())
        await recorded.wait()
        assert records.end_leftovers() == ("1-1",)
    assert running.result() == "sleep: killed by signal 9"


def test_a_number_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    records = GroupRecords(str(tmp_path))
    records.write("1-1", {os.getpid(): 1})
    records.end_leftovers()
    assert is_alive(os.getpid())


def test_a_record_cut_off_by_a_crash_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "1-1").write_bytes(b'{"boot_')
    assert GroupRecords(str(tmp_path)).end_leftovers() == ("1-1",)
    assert os.listdir(tmp_path) == []
