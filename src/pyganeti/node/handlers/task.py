"""Answers to calls about tasks."""

from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.tasks import CallRun, Tasks
from pyganeti.wire.noderpc import task as calls
from pyganeti.wire.noderpc.call import TaskId
from pyganeti.wire.noderpc.types import TaskReport


class TaskHandlers:
    """Tasks of a node."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles_with_run(calls.TasksEndCall, self._end),
            handles(calls.TaskWaitCall, self._wait),
        )

    async def _end(self, call: calls.TasksEndCall, run: CallRun) -> None:
        await self._tasks.end_of(run.ctx)

    async def _wait(self, call: calls.TaskWaitCall) -> TaskReport:
        # The client's patience is a minute: never wait longer, whatever it asks for.
        return await self._tasks.report(TaskId(call.task), min(call.wait_s, calls.POLL_S))
