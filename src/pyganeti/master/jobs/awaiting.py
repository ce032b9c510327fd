"""What a job waits for on nodes, and how the next master goes on with it.

A wait is data, as undo is: the tasks and the rest of the operation are durable in the journal
before the first task starts. ``docs/design/0003-jobs-locks-steps.md``, "Waiting for nodes".

    Run.await_tasks -> journal (undo, wait) -> tasks -> answers -> the Logical Unit goes on
    crash -> recovery -> the same tasks     -> answers -> LogicalUnit.resume(run, rest, answers)
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Self, TypeVar

import msgspec

from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.queue.job import StepProgress
from pyganeti.model.errors import ConfigurationError, GenericError, OpExecError
from pyganeti.wire.noderpc.call import AnyCall, NodeCall, TaskId
from pyganeti.wire.noderpc.registry import CALLS
from pyganeti.wire.noderpc.types import TaskProgress

R = TypeVar("R")

# Tasks that are waited for are named before they start, by numbers that clients never give out.
_FIRST_NUMBER: Final = 1 << 31


class Wait(msgspec.Struct, frozen=True):
    """A step that waits for tasks on nodes.

    Attributes:
        procedure: of the calls that start them.
        tasks: name of each task, by node UUID.
        rest: what is to be done then, as the Logical Unit's ``rest_type``.
        locks: what the opcode held.
        hooks: what its pre-hooks were given, or ``None`` if it has no hooks.
        is_past: all has been done since, and the post-hooks have begun.
    """

    procedure: str
    tasks: dict[str, str]
    rest: Any  # JSON of a type that only the Logical Unit knows
    locks: LockRequest
    hooks: HookContext | None = None
    is_past: bool = False

    @property
    def kind(self) -> type[AnyCall]:
        """The type of the calls.

        Raises:
            ConfigurationError: there is no such call any more.
        """
        kind = CALLS.get(self.procedure)
        if kind is None:
            raise ConfigurationError(f"a job waits for {self.procedure!r}, which is no node call")
        return kind


def numbers(nodes: Iterable[str]) -> dict[str, int]:
    """The call number of each node's task in one step."""
    return {node: _FIRST_NUMBER + index for index, node in enumerate(nodes)}


class Progress:
    """How far the tasks of a step are, all together.

    Args:
        step: its name.
        tell: told of each change, and of ``None`` in the end.
    """

    def __init__(self, step: str, tell: Callable[[StepProgress | None], None]) -> None:
        self._step = step
        self._tell = tell
        self._made: dict[str, TaskProgress] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._tell(None)

    def of(self, node: str) -> Callable[[TaskProgress], None]:
        """What to call with the progress of a node's task."""

        def told(made: TaskProgress) -> None:
            self._made[node] = made
            done = sum(one.done for one in self._made.values())
            total = sum(one.total for one in self._made.values())
            self._tell(StepProgress(self._step, done, total))

        return told


async def run_tasks(
    nodes: NodeWriter, calls: Mapping[str, NodeCall[R]], progress: Progress, *, awaited: bool
) -> dict[str, R]:
    """Start each node's task and wait for all of them.

    Raises:
        GenericError: one failed; the others have ended, too.
    """
    given = numbers(calls)

    async def one(node: str, call: NodeCall[R]) -> R:
        task = await nodes.start(node, call, number=given[node], awaited=awaited)
        return await nodes.wait(node, task, type(call), progress.of(node))

    with progress:
        return await _all({node: one(node, call) for node, call in calls.items()}, nodes)


async def go_on_waiting(nodes: NodeWriter, wait: Wait, progress: Progress) -> dict[str, Any]:
    """Wait for the tasks of a step that an earlier master began. Any: as the calls answer.

    Raises:
        GenericError: as :func:`run_tasks`; ``CallTimeout`` when a node knows a task no more.
    """
    kind = wait.kind
    waits = {
        node: nodes.wait(node, TaskId(task), kind, progress.of(node))
        for node, task in wait.tasks.items()
    }
    with progress:
        return await _all(waits, nodes)


async def _all(tasks: Mapping[str, Awaitable[R]], nodes: NodeWriter) -> dict[str, R]:
    failed: dict[str, GenericError] = {}
    found: dict[str, R] = {}

    async def one(node: str, task: Awaitable[R]) -> None:
        try:
            found[node] = await task
        except GenericError as err:
            failed[node] = err

    async with asyncio.TaskGroup() as group:
        for node, task in tasks.items():
            group.create_task(one(node, task))
    if failed and len(tasks) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise OpExecError("; ".join(f"{nodes.name(node)}: {err}" for node, err in failed.items()))
    return found
