"""The master as one object: all its parts, put together, started and stopped.

Built by the master daemon on SQLite and HTTPS, and by the simulated cluster on memory and function
calls. Data flow: store -> term -> snapshot, queue, journal -> recovery -> scheduler.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from pyganeti.kit.clock import Clock, timestamp
from pyganeti.kit.ids import Ids
from pyganeti.master.config import ConfigState, load_view
from pyganeti.master.deposed import FormerMasters
from pyganeti.master.distribution import Distributor
from pyganeti.master.events import Events
from pyganeti.master.hooks import HookRunner
from pyganeti.master.jobs.doorbells import Doorbells
from pyganeti.master.jobs.execution import Services
from pyganeti.master.jobs.filters import JobFilters
from pyganeti.master.jobs.journal import Journal
from pyganeti.master.jobs.leftovers import Leftovers
from pyganeti.master.jobs.node_tasks import NodeTasks
from pyganeti.master.jobs.processor import Processor
from pyganeti.master.jobs.recovery import awaited_tasks, recover
from pyganeti.master.jobs.run import Run
from pyganeti.master.jobs.waits import all_waits
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.locks import LockManager, OwnedLocks
from pyganeti.master.lu.registry import LOGICAL_UNITS, AnyLU
from pyganeti.master.measures import Measures
from pyganeti.master.nodes import NodeAccess, NodeReader, NodeWriter
from pyganeti.master.query.engine import QueryEngine
from pyganeti.master.query.live import NodeLiveReader
from pyganeti.master.query.sources import Sources
from pyganeti.master.queue.job import Job
from pyganeti.master.queue.queue import JobQueue
from pyganeti.master.queue.scheduler import Scheduler
from pyganeti.master.queue.waits import QueueWait
from pyganeti.master.replication import CandidateReplication, check_not_behind
from pyganeti.master.superseded import TermWatch
from pyganeti.master.term import VOTING_S, Election
from pyganeti.master.undo.registry import UNDO_ACTIONS
from pyganeti.model.change import Change
from pyganeti.model.enums import FINALIZED, JobStatus, LogType
from pyganeti.model.errors import GenericError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import encode
from pyganeti.store.committer import Committer
from pyganeti.store.interface import IMPORTED, Batch, Contents, Delete, Put, Table
from pyganeti.wire.noderpc.call import NodeClient
from pyganeti.wire.noderpc.watched import WatchedNodes

WATCHER_PAUSE: Final = "watcher_pause"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a master stands on.

    Attributes:
        store: its records.
        client: calls nodes.
        clock: time.
        ids: identifiers.
        resolve: full name and address of a host name; raises ``ResolverError``.
        answers: whether something at an address answers.
        data_dir: shown to hooks.
        socket_dir: for sockets at which jobs wait for programs.
        has_config_hooks: whether programs are to be run after changes of the configuration.
        keys: certificates, keys and secrets on the master's disk.
        renew_client: lets ``client`` use the certificate that is on the master's disk now.
        lus: the Logical Unit of each opcode type.
    """

    store: Committer
    client: NodeClient
    clock: Clock
    ids: Ids
    resolve: Callable[[str], Awaitable[tuple[str, str]]]
    answers: Callable[[str], Awaitable[bool]]
    data_dir: str
    socket_dir: str
    has_config_hooks: Callable[[], bool]
    keys: KeyFiles
    renew_client: Callable[[], Awaitable[None]]
    lus: Mapping[type[Opcode], AnyLU] = field(default_factory=lambda: LOGICAL_UNITS)


class Master:
    """A master in its term.

    Made by :meth:`begin`; ``background`` are the tasks it needs to run beside it, then
    :meth:`recover` and :meth:`serve`.
    """

    def __init__(
        self, around: Surroundings, contents: Contents, view: ClusterView, epoch: int
    ) -> None:
        self.around = around
        self.epoch = epoch
        self._contents = contents
        store, clock = around.store, around.clock
        self.config = ConfigState(store, clock, view)
        self.measures = Measures(clock)
        self.term = TermWatch(lambda: len(self.config.view.online_nodes()))
        self.tasks = NodeTasks(clock.now)
        self.access = NodeAccess(
            WatchedNodes(WatchedNodes(around.client, self.measures), self.term),
            lambda: self.config.view,
            lambda: epoch,
            around.resolve,
            around.answers,
            self.tasks,
            around.keys,
        )
        self.locks = LockManager()
        self.bells = Doorbells(around.socket_dir)
        self.queue = JobQueue(store, clock, self._ready)
        self.queue.load(contents)
        self.events = Events(epoch, clock, self.queue)
        self.queue.subscribe(self.events.job_changed)
        self.leftovers = Leftovers(store, clock, self.config, self.access, self.locks, UNDO_ACTIONS)
        self.leftovers.load(contents)
        self.former_masters = FormerMasters(store, NodeWriter(self.access), clock, self.config)
        self.former_masters.load(contents)
        pause = contents[Table.META].get(WATCHER_PAUSE, b"null")
        self.watcher_pause = msgspec.json.decode(pause, type=float | None)
        self.replication = CandidateReplication(
            store, NodeWriter(self.access), clock, self.measures.confirmed
        )
        self.distributor = Distributor(
            NodeWriter(self.access),
            clock,
            view,
            around.keys,
            self.watcher_pause,
            lambda: self.replication.is_majority_live,
        )
        self.scheduler = Scheduler(self.queue, self._run_job, self._job_limit, clock)
        self.scheduler.set_rules(view.filters.values())
        self.filters = JobFilters(self.config, around.ids, lambda: self.queue.serial, clock)
        self._live = NodeLiveReader(NodeReader(self.access))
        self.queries = QueryEngine(self._sources)
        self.processor = Processor(self._services())
        self.config.subscribe(self._config_changed)
        self.replication.subscribe(self._replicated_too_little)

    async def _run_job(self, job: Job) -> None:
        if self.replication.is_minority_known:
            self._say_not_replicated(job)
        await self.processor.run_job(job)

    def _replicated_too_little(self) -> None:
        for job_id in self.scheduler.running:
            self._say_not_replicated(self.queue.get(job_id))

    def _say_not_replicated(self, job: Job) -> None:
        """Tell who watches ``job`` that the master's disk alone keeps what is acknowledged."""
        have, candidates = self.replication.count()
        text = f"not replicated: {have} of {candidates} master candidates have the newest changes"
        index = next((n for n, op in enumerate(job.ops) if op.status not in FINALIZED), None)
        if index is not None:
            now = timestamp(self.around.clock.now())
            job.add_log(index, now, LogType.MESSAGE, text)

    def _ready(self, job: Job) -> None:
        self.scheduler.add(job)

    @classmethod
    async def begin(
        cls,
        around: Surroundings,
        contents: Contents,
        *,
        voting: bool = True,
        timeout_s: float = VOTING_S,
    ) -> "Master":
        """Win a term with the state that was loaded.

        Args:
            around: what it stands on.
            contents: as loaded from its store; not again here, for a newer master may have replaced
                it in between, and this one would ask for votes in that one's name.
            voting: whether a majority of nodes must agree.
            timeout_s: how long to ask for votes.

        Raises:
            ConfigurationError: the state contradicts itself, or too few nodes answer.
            NotMasterError: most nodes obey another master.
        """
        view = load_view(contents)
        stored = around.store.stored_epoch
        election = Election(
            around.client, around.clock, stored, voting, timeout_s, awaited_tasks(contents)
        )
        epoch = await election.win(view)
        master = cls(around, contents, view, epoch)
        if IMPORTED not in contents[Table.META]:
            others = {uuid: view.nodes[uuid].name for uuid in master._candidates(view)}
            await check_not_behind(NodeReader(master.access), others, around.store.seq, stored)
        await around.store.take_term(epoch)
        master.replication.load(contents, master._candidates(view))
        around.store.replication = master.replication
        return master

    def _services(self) -> Services:
        return Services(
            store=self.around.store,
            clock=self.around.clock,
            config=self.config,
            access=self.access,
            locks=self.locks,
            queue=self.queue,
            hooks=HookRunner(self.around.data_dir, self.around.has_config_hooks),
            lus=self.around.lus,
            undos=UNDO_ACTIONS,
            ids=self.around.ids,
            distribute=self.distributor.resend,
            submit=self._submit_from,
            leftovers=self.leftovers,
            lagging=self._lagging,
            bells=self.bells,
            ageing=self.scheduler.ageing,
            queries=self.queries,
            keys=self.around.keys,
            renew_client=self.around.renew_client,
            measures=self.measures,
        )

    def _lagging(self) -> list[str]:
        nodes = self.config.view.nodes
        return sorted(nodes[uuid].name for uuid in self.replication.silent if uuid in nodes)

    def _sources(self) -> Sources:
        """What one query reads."""
        return Sources(
            self.config.view,
            self._live,
            self.queue,
            self.locks.states,
            self.waits,
            self.watcher_pause,
        )

    async def pause_watcher(self, until: float | None) -> None:
        """Let the watcher do nothing until then, seconds since the epoch; or let it go on."""
        value = msgspec.json.encode(until)
        await self.around.store.commit(Batch((Put(Table.META, WATCHER_PAUSE, value),)))
        self.watcher_pause = until
        self.distributor.pause_changed(until)

    def background(self) -> list[Coroutine[Any, Any, None]]:  # Any: coroutines yield to the loop
        """The master's tasks; the store's must run from the start, all end with cancellation."""
        return [
            self.around.store.run(),
            self.replication.run(),
            self.distributor.run(),
            self.leftovers.run(),
            self.former_masters.run(),
            self.scheduler.ageing.run(),
            self.queue.beginnings.run(),
        ]

    async def recover(self) -> None:
        """Unwind what the last master left, then let the queued jobs start."""
        self.bells.clear()
        imported = IMPORTED in self._contents[Table.META]
        resumed = await recover(
            self.queue, self._contents, self._run_of, self.leftovers.keep, imported=imported
        )
        self._contents = {}
        for job_id, journal in resumed.items():
            self.processor.resume_later(self.queue.get(job_id), journal)
            self.scheduler.resume(self.queue.get(job_id))
        if imported:
            await self.around.store.commit(Batch((Delete(Table.META, IMPORTED),)))
        self.scheduler.take_up(self.queue.jobs.values())

    def _run_of(self, job: Job, op: int) -> Run:
        journal = Journal(self.around.store, job.id, op)
        return self._services().run(job, op, journal, OwnedLocks(self.locks))

    async def serve(self) -> None:
        """Run jobs until :meth:`stop`."""
        await self.scheduler.run()

    async def close(self) -> list[int]:
        """Take no new jobs and begin nothing more; the jobs that run.

        A job that waits for locks has done nothing: it is queued again, for the next master.
        """
        self.queue.closed = True
        self.processor.begin_no_more()
        await self.scheduler.stop()
        for job_id in self.scheduler.running:
            task = self.scheduler.task(job_id)
            if task is not None:
                self.processor.set_back(self.queue.get(job_id), task)
        await asyncio.sleep(0)  # those that were set back leave
        return self.scheduler.running

    async def finish_running(self, timeout_s: float) -> list[int]:
        """Wait for running jobs up to ``timeout_s``; those that still run, for the next master."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.scheduler.idle()
        except TimeoutError:
            self.processor.abandon()
        return self.scheduler.running

    async def cancel(self, job: Job, *, kill: bool) -> tuple[bool, str]:
        """Cancel a job; whether it was, and what to tell the user."""
        if job.status in FINALIZED:
            return False, f"Job {job.id} is finished ({job.status}) and cannot be cancelled"
        task = self.scheduler.task(job.id)
        if task is None and job.is_ending:
            return False, f"Job {job.id} is about to end and cannot be cancelled"
        if task is None:
            try:
                await self.queue.finish(job, JobStatus.CANCELED, "Job canceled by request")
            except GenericError:
                self.scheduler.look_again(job)
                raise
            self.scheduler.job_ended(job)
            return True, f"Job {job.id} canceled"
        if self.processor.cancel(job, task, kill=kill):
            # Whoever heard this is not to see it run after all, under the next master. What is
            # about to end is written already.
            if not job.is_ending and job.status not in FINALIZED:
                await self.queue.save(job)
            return True, f"Job {job.id} will be canceled"
        return False, f"Job {job.id} is running and cannot be cancelled without --kill"

    async def change_priority(self, job: Job, priority: int) -> None:
        """Give the opcodes of ``job`` that are not done another priority."""
        self.scheduler.change_priority(job, priority)
        await self.queue.save(job)

    def _job_limit(self) -> int:
        return self.config.view.cluster.max_running_jobs

    async def _submit_from(
        self, job: Job, jobs: Sequence[Sequence[Opcode]]
    ) -> list[tuple[bool, int | str]]:
        """Queue jobs that ``job`` made; they inherit its reason trail."""
        trail = job.ops[0].input.get("reason") or []
        encoded = [
            [{**(op := encode(opcode)), "reason": [*trail, *op["reason"]]} for opcode in ops]
            for ops in jobs
        ]
        return await self.queue.submit_many(encoded, by_job=True)

    def waits(self) -> list[QueueWait]:
        """Why jobs wait that have not ended, by job."""
        queued, locks = self.scheduler.waits(), self.locks.waits()
        return all_waits(queued, locks, self.tasks, self.queue, self.config.view)

    def other_candidates(self) -> list[str]:
        """UUIDs of the candidates beside the master, by the newest snapshot."""
        return self._candidates(self.config.view)

    @staticmethod
    def _candidates(view: ClusterView) -> list[str]:
        return [
            node.uuid
            for node in view.master_candidates()
            if not view.is_master(node) and not node.offline
        ]

    def _config_changed(self, change: Change, before: ClusterView, after: ClusterView) -> None:
        self.distributor.config_changed(change, before, after)
        self.events.config_changed(change, before, after)
        self.scheduler.wake()
        if before.filters is not after.filters:
            self.scheduler.set_rules(after.filters.values())
        if before.nodes is not after.nodes:
            self.replication.set_candidates(self._candidates(after))
