"""One execution of one opcode: its steps, its log, its unwinding.

Data flow: ``LogicalUnit.execute`` -> :meth:`Run.step` -> journal (durable) -> effect or commit;
on failure :meth:`Run.unwind` -> registered undo actions, newest first.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.ids import Ids
from pyganeti.master.config import Config, OwnChanges
from pyganeti.master.jobs.awaiting import Progress, Wait, numbers, run_tasks
from pyganeti.master.jobs.early_release import EarlyRelease
from pyganeti.master.jobs.journal import Journal, Undo
from pyganeti.master.jobs.signals import Signals
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.lu.base import HookContext
from pyganeti.master.nodes import NodeWriter
from pyganeti.master.queue.job import StepProgress
from pyganeti.model.errors import GenericError, ProgrammerError
from pyganeti.opcodes.base import Opcode
from pyganeti.store.interface import Put
from pyganeti.wire.noderpc.call import NodeCall

if TYPE_CHECKING:
    from pyganeti.master.query.engine import QueryEngine

R = TypeVar("R")


class Log(Protocol):
    """Takes what a job tells the user."""

    def __call__(self, message: str) -> None:
        """Append ``message`` to the job's log."""
        ...


class UndoContext:
    """What an undo action may use.

    Attributes:
        config: to commit changes.
        nodes: to call nodes; calls are numbered under the step that is undone.
        log: the job's log.
    """

    __slots__ = ("config", "log", "nodes")

    def __init__(self, config: Config, nodes: NodeWriter, log: Log) -> None:
        self.config = config
        self.nodes = nodes
        self.log = log


# An action takes the context and the undo's arguments as keywords. Any: JSON values.
UndoAction = Callable[..., Awaitable[None]]
UndoRegistry = dict[str, UndoAction]


class Run:
    """The running part of an opcode.

    Attributes:
        config: commits changes; see :class:`~pyganeti.master.config.ConfigState`.
        nodes: calls nodes.
        log: tells the user.
        job: id of the job.
        clock: time.
        ids: makes UUIDs and MAC addresses.
        distribute: brings all nodes the files that follow from the configuration, at once; returns
            the nodes missed by name, each with the reason.
        submit: queues jobs made by this one; for each ``(True, id)`` or ``(False, why)``.
        leftovers: says what earlier jobs left to be undone, a line each.
        lagging: names of the candidates that lack acknowledged changes.
        turns: by node UUID, held while memory is looked at and a guest is started with it.
        progress: shows how far the running step is.
        signals: tells programs that watch the job, and waits for them.
        locks: gives locks back before the end.
        queries: answers what a client may ask.
        minor: chooses a DRBD minor on a node, which nobody else gets while the opcode runs.
        keys: certificates, keys and secrets on the master's disk.
        renew_client: lets the master call nodes with the certificate that is on its disk now.
        hooks: what the pre-hooks were given, once they have run.
    """

    def __init__(
        self,
        *,
        job: int,
        config: Config,
        nodes: NodeWriter,
        journal: Journal,
        undos: UndoRegistry,
        log: Log,
        record: Callable[[], tuple[Put, ...]],
        ids: Ids,
        clock: Clock,
        distribute: Callable[[], Awaitable[dict[str, str]]],
        submit: Callable[[Sequence[Sequence[Opcode]]], Awaitable[list[tuple[bool, int | str]]]],
        leftovers: Callable[[], list[str]],
        lagging: Callable[[], list[str]],
        turns: Mapping[str, asyncio.Lock],
        progress: Callable[[StepProgress | None], None],
        signals: Signals,
        locks: EarlyRelease,
        resumable: Callable[[], bool],
        queries: "QueryEngine",
        minor: Callable[[str], int],
        keys: KeyFiles,
        renew_client: Callable[[], Awaitable[None]],
    ) -> None:
        self.job = job
        self._changes = OwnChanges(config)
        self.config: Config = self._changes
        self.nodes = nodes
        self.log = log
        self.journal = journal
        self.ids = ids
        self.clock = clock
        self.distribute = distribute
        self.submit = submit
        self.leftovers = leftovers
        self.lagging = lagging
        self.turns = turns
        self.progress = progress
        self.signals = signals
        self.hooks: HookContext | None = None
        self.locks = locks
        self.queries = queries
        self.minor = minor
        self.keys = keys
        self.renew_client = renew_client
        self._resumable = resumable
        self._undos = undos
        self._record = record

    @property
    def has_changed_config(self) -> bool:
        """Whether it, or the undoing of it, committed a change of the configuration."""
        return self._changes.are_any

    async def begin(self) -> None:
        """Make it durable that the job runs; to be called before the first effect outside steps."""
        await self.journal.note(*self._record())

    @asynccontextmanager
    async def step(self, name: str, undo: Undo | None = None) -> AsyncIterator[None]:
        """One step: ``undo`` is durable before the body runs.

        Args:
            name: what is done, for people: ``"start guest"``.
            undo: what makes it undone, whatever part of the body ran; or ``None``.
        """
        self.nodes.step += 1
        if undo is None:
            await self.begin()
        else:
            await self.journal.add(self.nodes.step, self._named(name, undo), *self._record())
        yield

    async def finish(self, name: str, last: Undo) -> None:
        """A step of one action, from which on nothing of before is undone, whatever comes.

        What cannot be done now is left to be done later. A master that dies meanwhile is followed
        by one that goes on where this opcode waited last, or only does the action.

        Args:
            name: as of :meth:`step`.
            last: the action and its arguments.
        """
        self.nodes.step += 1
        step = self.nodes.step
        named = msgspec.structs.replace(self._named(name, last), wait=self.journal.awaited)
        await self.journal.supersede(step, named, *self._record())
        try:
            await run_undo(self._undos, last, UndoContext(self.config, self.nodes, self.log))
        except GenericError as err:
            self.log(f"could not be done yet, will be tried again: {name}: {err}")
            self.journal.leave(step, str(err))

    def _named(self, name: str, undo: Undo) -> Undo:
        """``undo`` as it stands in the journal."""
        if undo.action not in self._undos:
            raise ProgrammerError(f"undo action {undo.action!r} is not registered")
        if not self.locks.may_undo:
            raise ProgrammerError(f"step {name!r} has an undo and its instances are not locked")
        instances = tuple(sorted(self.locks.instances))
        return msgspec.structs.replace(undo, step=name, instances=instances)

    async def await_tasks(
        self,
        name: str,
        calls: Mapping[str, NodeCall[R]],
        rest: msgspec.Struct,
        undo: Undo | None = None,
    ) -> dict[str, R]:
        """One step that does nothing but wait for a task on each node; their answers.

        A master that dies meanwhile is followed by one that goes on waiting, and then hands
        ``rest`` and the answers to the Logical Unit's ``resume``. So what comes after it without
        an undo of its own may be done twice. An opcode with secret parameters, which die with the
        master, is unwound instead.

        Args:
            name: of the step.
            calls: by node UUID, all of one type, long.
            rest: what is to be done then.
            undo: what ends the tasks, where more is to be done than that.

        Raises:
            GenericError: a task failed; none is running any more.
        """
        undo = undo or Undo("node.end_tasks", {"nodes": list(calls)})
        resumable = self._resumable()
        if resumable:
            undo = msgspec.structs.replace(undo, wait=self._wait(calls, rest))
        async with self.step(name, undo):
            progress = Progress(name, self.progress)
            answers = await run_tasks(self.nodes, calls, progress, awaited=resumable)
        return answers

    def _wait(self, calls: Mapping[str, NodeCall[R]], rest: msgspec.Struct) -> Wait:
        (procedure,) = {call.procedure for call in calls.values()}
        step = self.nodes.step + 1  # the one that is about to begin
        given = numbers(calls).items()
        tasks = {node: str(self.nodes.task_name(step, number)) for node, number in given}
        return Wait(procedure, tasks, msgspec.to_builtins(rest), self.locks.held, self.hooks)

    async def keep(self) -> None:
        """What was done so far stays done, whatever comes: durably, its undos are forgotten.

        What comes then without an undo is not completed after a crash.
        """
        await self.journal.forget()

    async def unwind(self) -> list[str]:
        """Undo what was done, newest first.

        Each undo relies on those of the later steps (a disk is removed once nobody uses it), so
        when one cannot be run now, the older ones wait for it.

        Returns:
            what is left to be undone, a line each; the journal keeps it.
        """
        lines: list[str] = []
        for step, undo in self.journal.pending:
            if lines:
                self.journal.leave(step, "waits for what was done after it to be undone")
                continue
            self.nodes.step = step
            try:
                await run_undo(self._undos, undo, UndoContext(self.config, self.nodes, self.log))
            except GenericError as err:
                lines.append(f"{undo.step}: {err}")
                self.journal.leave(step, str(err))
            else:
                self.journal.undone(step)
        return lines


async def run_undo(registry: UndoRegistry, undo: Undo, context: UndoContext) -> None:
    """Run one undo action.

    Raises:
        GenericError: it could not be done now.
    """
    action = registry.get(undo.action)
    if action is None:
        raise ProgrammerError(f"undo action {undo.action!r} is not registered")
    try:
        await action(context, **undo.args)
    except msgspec.ValidationError as err:
        # Another version wrote it; what fails otherwise would end whoever tries.
        raise ProgrammerError(f"the arguments of {undo.action!r} cannot be read: {err}") from err


def undo(action: str, **args: Any) -> Undo:  # Any: JSON values
    """Shorthand: ``undo("instance.stop", node=..., instance=...)``."""
    return Undo(action, args)
