"""One opcode's way through the phases of its Logical Unit.

Data flow: opcode -> locks -> plan -> journaled steps -> result. Called by the processor, which
records how it ended. The order of phases: ``docs/design/0003-jobs-locks-steps.md``.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import Clock, timestamp
from pyganeti.kit.ids import Ids
from pyganeti.master.config import ConfigState
from pyganeti.master.disks.minors import Minors
from pyganeti.master.hooks import HookRunner
from pyganeti.master.instances.forthcoming import check_real
from pyganeti.master.jobs.awaiting import Progress, go_on_waiting
from pyganeti.master.jobs.doorbells import Doorbells
from pyganeti.master.jobs.early_release import EarlyRelease
from pyganeti.master.jobs.expected import check_uuids
from pyganeti.master.jobs.journal import Journal
from pyganeti.master.jobs.leftovers import Leftovers
from pyganeti.master.jobs.run import Run, UndoRegistry
from pyganeti.master.jobs.signals import Signals
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.locks import LockManager, LockRequest, OwnedLocks
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.measures import Measures
from pyganeti.master.nodes import NodeAccess, NodeReader, NodeWriter
from pyganeti.master.query.engine import QueryEngine
from pyganeti.master.queue.ageing import Ageing
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.enums import JobStatus, LogType
from pyganeti.model.errors import (
    BlockDeviceError,
    ConfigurationError,
    ECode,
    GenericError,
    HypervisorError,
    InvalidOS,
    NetworkError,
    NodeCallError,
    OpExecError,
    OpPrereqError,
    ParameterError,
    ParseError,
    ProgrammerError,
    ReservationError,
    ResolverError,
    TagError,
    UnitParseError,
)
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import decode
from pyganeti.store.interface import Delete, Put, Store

_REFUSALS: Final = (
    (ResolverError, ECode.RESOLVER),
    (ReservationError, ECode.NOTUNIQUE),
    ((ParameterError, UnitParseError, ParseError, TagError, InvalidOS), ECode.INVAL),
    (
        (NodeCallError, HypervisorError, BlockDeviceError, NetworkError, ConfigurationError),
        ECode.ENVIRON,
    ),
)

# Any: a Logical Unit's plan and result types matter only between its own phases.
AnyLU = LogicalUnit[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """What running opcodes takes.

    Attributes:
        lus: the Logical Unit of each opcode type.
        undos: registered undo actions.
    """

    store: Store
    clock: Clock
    config: ConfigState
    access: NodeAccess
    locks: LockManager
    queue: JobQueue
    hooks: HookRunner
    lus: Mapping[type[Opcode], AnyLU]
    undos: UndoRegistry
    ids: Ids
    distribute: Callable[[], Awaitable[dict[str, str]]]
    submit: Callable[[Job, Sequence[Sequence[Opcode]]], Awaitable[list[tuple[bool, int | str]]]]
    leftovers: Leftovers
    lagging: Callable[[], list[str]]
    ageing: Ageing
    queries: QueryEngine
    bells: Doorbells
    keys: KeyFiles
    renew_client: Callable[[], Awaitable[None]]
    measures: Measures
    minors: Minors = field(default_factory=Minors)
    turns: Mapping[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def run(self, job: Job, index: int, journal: Journal, locks: OwnedLocks) -> Run:
        """A run of opcode ``index`` of ``job``, which holds ``locks``."""

        signals = self.signals(job, index)
        return Run(
            job=job.id,
            config=self.config,
            nodes=NodeWriter(self.access, job=job.id, op=index),
            journal=journal,
            undos=self.undos,
            log=partial(signals.tell, LogType.MESSAGE),
            record=lambda: self.queue.record(job),
            ids=self.ids,
            clock=self.clock,
            distribute=self.distribute,
            submit=lambda jobs: self.submit(job, jobs),
            leftovers=self.leftovers.lines,
            lagging=self.lagging,
            turns=self.turns,
            progress=job.set_progress,
            signals=signals,
            locks=EarlyRelease(locks, journal),
            queries=self.queries,
            minor=lambda node: self.minors.take(job.id, node, self.config.view),
            keys=self.keys,
            renew_client=self.renew_client,
            resumable=lambda: not job.has_lost_secrets,
        )

    def signals(self, job: Job, index: int) -> Signals:
        """What opcode ``index`` of ``job`` says."""

        def tell(kind: LogType, content: Any) -> None:  # Any: JSON
            job.add_log(index, timestamp(self.clock.now()), kind, content)

        return Signals(tell, self.bells, partial(self.queue.beginnings.shown, job))


@dataclass(slots=True)
class JobTask:
    """Where a started job is, and whether it was asked to end.

    Attributes:
        begun: its task runs; it is started a moment before.
        in_lock_wait: it may be interrupted without a trace.
        ending: an opcode is unwound or its end recorded: that must not be interrupted.
        cancel: it was asked to end.
        set_back: it is to be left to the next master as if it had not begun.
    """

    begun: bool = False
    in_lock_wait: bool = False
    ending: bool = False
    cancel: bool = False
    set_back: bool = False


class Execution:
    """One opcode's way through its phases."""

    def __init__(self, services: Services, job: Job, index: int, state: JobTask) -> None:
        self._s = services
        self._job = job
        self._index = index
        self._state = state
        self._locks = OwnedLocks(services.locks)
        self._run: Run | None = None

    async def run(self) -> object:
        """All phases; the opcode's result as JSON."""
        queued = self._job.ops[self._index]
        op = decode(self._job.secrets.get(self._index, queued.input))
        lu = self._lu(op)
        queued.status = JobStatus.WAITING
        self._job.touch()
        with _refusing():
            reader = NodeReader(self._s.access, job=self._job.id, op=self._index)
            await self._begin(lu, op)
            op = await lu.expand(op, reader)
            op, plan = await self._decide(lu, op, reader)
        if op.dry_run:
            self._tell_outline(lu.outline(plan, self._s.config.view))
            return None
        self._job.changed_here()
        journal = Journal(self._s.store, self._job.id, self._index)
        run = self._run = self._s.run(self._job, self._index, journal, self._locks)
        run.hooks = await self._s.hooks.pre(lu, op, plan, run)
        await self._s.hooks.early(lu, op, run.hooks, run)
        result = await lu.execute(run, plan)
        post = self._s.hooks.post
        report = await post(lu, op, run, run.hooks, lambda view: lu.hooks(plan, view))
        return _as_json(lu.after_hooks(run, op, result, report))

    async def resume(self, journal: Journal) -> object:
        """The phases after a wait that an earlier master began; result as :meth:`run`."""
        op = decode(self._job.ops[self._index].input)
        lu, wait = self._lu(op), journal.awaited
        if wait is None or lu.rest_type is None:
            raise ProgrammerError(f"job {self._job.id} waits for nothing")
        run = self._run = self._s.run(self._job, self._index, journal, self._locks)
        run.nodes.step, run.hooks = journal.pending[0][0], wait.hooks
        # Nothing else has run since: whatever was held then is free, but for what other jobs that
        # are resumed have taken up again.
        await self._lock(op, lambda: wait.locks)
        names = ", ".join(run.nodes.name(node) for node in wait.tasks)
        run.log(f"the master daemon was restarted; still waiting for {names}")
        step = journal.pending[0][1].step
        answers = await go_on_waiting(run.nodes, wait, Progress(step, run.progress))
        rest = msgspec.convert(wait.rest, lu.rest_type)
        result = await lu.resume(run, rest, answers)
        if wait.is_past:
            run.log("the master daemon ended while post-hooks ran: they are not run again")
            return _as_json(result)
        post = self._s.hooks.post
        report = await post(lu, op, run, wait.hooks, lambda view: lu.resumed_hooks(rest, view))
        return _as_json(lu.after_hooks(run, op, result, report))

    def _tell_outline(self, lines: Sequence[str]) -> None:
        """Say what a dry run leaves undone."""
        for text in lines or ("change nothing",):
            self._tell(f"Dry run: would {text}")

    def _lu(self, op: Opcode) -> AnyLU:
        return self._s.lus[type(op)]

    def _now(self) -> tuple[int, int]:
        return timestamp(self._s.clock.now())

    async def _decide(
        self, lu: AnyLU, op: Opcode, reader: NodeReader
    ) -> tuple[Opcode, Any]:  # Any: lu's plan
        """Hold what ``op`` needs on the newest snapshot, and plan on that.

        A plan that fails for want of resources among the nodes that were free is tried again with
        all nodes.
        """
        queued = self._job.ops[self._index]
        while True:
            await self._lock(op, partial(self._declared, lu, op))
            queued.status, queued.exec_timestamp = JobStatus.RUNNING, self._now()
            # Nothing that others see is another yet, so nobody is woken.
            self._s.queue.beginnings.add(self._job)
            drop = self._tell if lu.gives_up(op) and not op.dry_run else None
            undone = await self._s.leftovers.settle(self._locks.instances, drop)
            reader.settled |= undone
            if undone and not self._locks.hold(self._declared(lu, op)):
                # Where an instance is may be among what was undone.
                self._take_back()
                continue
            reader.granted = self._locks.chosen
            try:
                if not lu.takes_forthcoming:
                    check_real(op, self._s.config.view)
                check_uuids(op, self._s.config.view)
                return op, await lu.check_prereq(op, self._s.config.view, reader)
            except OpPrereqError as err:
                if err.code is not ECode.TEMP_NORES or not reader.granted:
                    raise
                text = f"not enough resources on the nodes that are free, waiting for all: {err}"
            self._tell(text)
            self._take_back()
            op = msgspec.structs.replace(op, opportunistic_locking=False)

    def _tell(self, message: str) -> None:
        self._job.add_log(self._index, self._now(), LogType.MESSAGE, message)

    def _take_back(self) -> None:
        """Wait for locks again, in the same place."""
        self._locks.end()
        self._job.ops[self._index].status = JobStatus.WAITING
        self._s.queue.beginnings.add(self._job)

    async def _begin(self, lu: AnyLU, op: Opcode) -> None:
        self._state.in_lock_wait = True
        try:
            await lu.begin(op, self._s.signals(self._job, self._index))
        finally:
            self._state.in_lock_wait = False

    def _declared(self, lu: AnyLU, op: Opcode) -> LockRequest:
        return lu.declare_locks(op, self._s.config.view)

    async def _lock(self, op: Opcode, declare: Callable[[], LockRequest]) -> None:
        owner, queued = f"{self._job.id}/{op.summary()}", self._job.ops[self._index]
        self._state.in_lock_wait = True
        try:
            with (
                self._s.ageing.waiting(self._job, partial(self._s.locks.change_priority, owner)),
                self._s.measures.timed(self._s.measures.lock_waits),
            ):
                await self._locks.take(owner, declare, lambda: queued.priority)
        finally:
            self._state.in_lock_wait = False

    async def tell_config_changed(self) -> None:
        """Let the master's own programs know, if this opcode has changed the configuration."""
        if self._run is not None:
            op = decode(self._job.secrets.get(self._index, self._job.ops[self._index].input))
            await self._s.hooks.config_updated(op, self._run)

    async def stop_waiting(self) -> None:
        """From now on the next master unwinds this opcode as well, wherever it was."""
        if self._run is not None:
            await self._run.journal.note(*self._run.journal.stop_waiting())

    async def unwound(self, error: GenericError) -> GenericError:
        """Undo the steps taken; ``error``, in which stands what could not be undone."""
        left = [] if self._run is None else await self._run.unwind()
        for line in left:
            text = f"could not be undone yet, will be tried again: {line}"
            self._tell(text)
        if left and isinstance(error, OpExecError):
            return OpExecError(f"{error}; left to be undone: {'; '.join(left)}")
        return error

    def closing(self) -> tuple[Put | Delete, ...]:
        """Writes that end the opcode's journal."""
        return () if self._run is None else self._run.journal.closing()

    def release(self) -> None:
        """Hand over what is left to be undone, and give the locks back."""
        if self._run is not None:
            self._s.leftovers.keep(self._run.journal)
        self._s.minors.release(self._job.id)
        self._locks.end()


def _as_json(result: object) -> object:
    """The same for who asks now and for who asks after a restart."""
    return None if result is None else msgspec.json.decode(msgspec.json.encode(result))


@contextmanager
def _refusing() -> Iterator[None]:
    """What goes wrong in here is a refusal: nothing was changed."""
    try:
        yield
    except GenericError as err:
        raise refusal(err) from err


def refusal(error: GenericError) -> OpPrereqError:
    """``error``, met before anything was changed, as a refusal with the fitting code."""
    if isinstance(error, OpPrereqError):
        return error
    code = next((code for kind, code in _REFUSALS if isinstance(error, kind)), ECode.FAULT)
    return OpPrereqError(str(error), code)
