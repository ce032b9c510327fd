"""The changes a node works on, and its memory of those it has done.

Each change (``CallContext.task_id``) runs once, in a task group: a repeat waits for the first, or
is answered from memory. A long call's caller gets its name and asks again; a short one's waits
here. Source: docs/design/0002-node-calls.md, "Repeats" and "Tasks".
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final

from pyganeti.kit.process import ProcessError, Runner
from pyganeti.model.errors import CommandError, GenericError, ProgrammerError, StaleEpoch
from pyganeti.wire.noderpc.call import CallContext, TaskId
from pyganeti.wire.noderpc.codec import Answer, failure, success
from pyganeti.wire.noderpc.types import (
    TaskProgress,
    TaskReport,
    TaskState,
)

REMEMBERED: Final = 1000
_LOG: Final = logging.getLogger(__name__)


class CallRun:
    """One call being done: what its handler may use.

    Attributes:
        ctx: who asked.
        runner: runs programs; on record, so that the next daemon ends them if this one dies.
        caller: UUID in the caller's certificate; of calls that change nothing by the books.
        progress: how far it is, for whoever waits; of work that can be measured.
    """

    def __init__(self, ctx: CallContext, runner: Runner, caller: str = "") -> None:
        self.ctx = ctx
        self.runner = runner
        self.caller = caller
        self.progress: TaskProgress | None = None


Body = Callable[[CallRun], Awaitable[object]]


async def attempt(body: Body, run: CallRun, what: str) -> Answer:
    """Do a call's work and shape its answer; every error becomes one."""
    try:
        return success(await body(run))
    except GenericError as err:
        return failure(err)
    except ProcessError as err:
        return failure(CommandError(str(err)))
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        return failure(GenericError(f"{where}{err.strerror or err}"))
    except Exception as err:  # supervisor: a bug in one handler must not end the daemon
        _LOG.exception("%s failed unexpectedly", what)
        return failure(ProgrammerError(f"{what}: {type(err).__name__}: {err}"))


class Work:
    """A change that runs or is remembered."""

    def __init__(self, run: CallRun, task: asyncio.Task[Answer]) -> None:
        self.run = run
        self.task = task

    async def wait(self, timeout_s: float | None = None) -> Answer | None:
        """Its answer, or ``None`` when ``timeout_s`` passed first.

        Raises:
            StaleEpoch: it was ended because a newer master took over.
        """
        await asyncio.wait([self.task], timeout=timeout_s)
        if not self.task.done():
            return None
        if self.task.cancelled():
            raise StaleEpoch("ended because a newer master took over", self.run.ctx.epoch + 1)
        return self.task.result()


class Tasks:
    """All changes of one daemon's life. An asynchronous context manager; leaving it ends them.

    Args:
        runner_for: makes the runner of a change, given its name.
    """

    def __init__(self, runner_for: Callable[[TaskId], Runner]) -> None:
        self._runner_for = runner_for
        self._works: OrderedDict[TaskId, Work] = OrderedDict()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> "Tasks":
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._end(self._works.values())
        await self._group.__aexit__(None, None, None)

    def once(self, ctx: CallContext, what: str, body: Body) -> Work:
        """The work of the change that ``ctx`` names, started if it is not known."""
        name = ctx.task_id
        work = self._works.get(name)
        if work is None:
            run = CallRun(ctx, self._runner_for(name))
            task = self._group.create_task(attempt(body, run, what), name=f"{what} {name}")
            work = self._works[name] = Work(run, task)
            self._forget()
        return work

    async def report(self, name: TaskId, wait_s: float) -> TaskReport:
        """State of a change after at most ``wait_s`` seconds."""
        work = self._works.get(name)
        if work is None:
            return TaskReport(state=TaskState.LOST)
        answer = await work.wait(wait_s)
        if answer is None:
            return TaskReport(state=TaskState.RUNNING, progress=work.run.progress)
        if answer.ok:
            return TaskReport(state=TaskState.DONE, result=answer.result)
        return TaskReport(state=TaskState.FAILED, error=answer.error)

    async def end_below(self, epoch: int) -> None:
        """End work of epochs below ``epoch`` unless a journal knows it; returns when it ended."""
        await self._end(
            work
            for work in self._works.values()
            if work.run.ctx.epoch < epoch and not work.run.ctx.awaited
        )

    async def end_unkept(self, epoch: int, keep: Collection[str]) -> None:
        """End all work of epochs below ``epoch`` but ``keep``; returns when it has ended."""
        await self._end(
            work
            for name, work in self._works.items()
            if work.run.ctx.epoch < epoch and name not in keep
        )

    async def end_of(self, ctx: CallContext) -> None:
        """End all other work of the opcode that ``ctx`` belongs to; returns when it has ended."""
        await self._end(
            work
            for name, work in self._works.items()
            if (work.run.ctx.job, work.run.ctx.op) == (ctx.job, ctx.op) and name != ctx.task_id
        )

    async def _end(self, works: Iterable[Work]) -> None:
        tasks = [work.task for work in works if not work.task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _forget(self) -> None:
        # What still runs is never forgotten, however many there are.
        while len(self._works) > REMEMBERED:
            done = (name for name, work in self._works.items() if work.task.done())
            oldest = next(done, None)
            if oldest is None:
                return
            del self._works[oldest]
