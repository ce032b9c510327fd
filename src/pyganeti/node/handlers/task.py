"""Answers to calls about tasks."""

from pyganeti.node.dispatcher import Handler, handles
from pyganeti.node.tasks import Tasks
from pyganeti.wire.noderpc import task as calls
from pyganeti.wire.noderpc.call import TaskId
from pyganeti.wire.noderpc.types import TaskReport


class TaskHandlers:
    """Tasks of a node."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (handles(calls.TaskWaitCall, self._wait),)

    async def _wait(self, call: calls.TaskWaitCall) -> TaskReport:
        # The client's patience is a minute: never wait longer, whatever it asks for.
        return await self._tasks.report(TaskId(call.task), min(call.wait_s, calls.POLL_S))
