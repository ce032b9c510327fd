"""A whole cluster in one process: the real master over simulated nodes, memory and virtual time.

    cluster = SimCluster()
    cluster.add_instance("web1", admin_state=AdminState.DOWN)
    await cluster.run(OpInstanceStartup(instance_name="web1"))
    assert cluster.guest_states("web1") == {"node1": "running"}

Nothing here is patched: what is fake are the drivers (held to the real ones' contract), the
transport and the clock.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from pyganeti.master.app import Master, Surroundings
from pyganeti.master.changes import instance_fields
from pyganeti.master.config_hooks import has_hooks
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.registry import LOGICAL_UNITS, AnyLU
from pyganeti.model.change import Change
from pyganeti.model.enums import AdminState, JobStatus, LogType
from pyganeti.model.errors import ResolverError, from_wire
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.codec import check_result, decode, encode
from pyganeti.store.interface import Contents, Table, Transaction
from pyganeti.store.memory import MemoryBackend
from pyganeti.testing.beginning import (
    records,
)
from pyganeti.testing.certificates import SimKeys
from pyganeti.testing.faults import FaultPoints
from pyganeti.testing.footprint import footprint
from pyganeti.testing.founding import Foundation
from pyganeti.testing.node_client import MASTER, SimNodeClient
from pyganeti.testing.store import FaultyCommitter, SimBackend
from pyganeti.wire.noderpc.guests import GuestRole


class SimCluster(Foundation):
    """A simulated cluster; its daemons start when they are first needed.

    Args:
        nodes: how many nodes; ``node1`` is the master, all are candidates.
        seed: of all identifiers.
        options: further settings as for ``gnt-cluster init``.
        voting: whether a majority of nodes must agree to a master.
        lus: Logical Units to run in place of the real ones.

    Attributes:
        faults: injects faults; see :mod:`pyganeti.testing.faults`.
        rpc_changes: calls that changed something for a job, as ``(node, procedure)``.
        rpc_reads: calls that changed nothing, whether they were answered or not.
        answering: addresses that answer when an instance's is tried.
    """

    def __init__(
        self,
        nodes: int = 3,
        *,
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        voting: bool = True,
        lus: Mapping[type[Opcode], AnyLU] | None = None,
    ) -> None:
        super().__init__(nodes, seed=seed, options=options or {})
        self._voting = voting
        self._lus = {**LOGICAL_UNITS, **(lus or {})}
        self.rpc_changes: list[tuple[str, str]] = []
        self.rpc_reads: list[tuple[str, str]] = []
        self.faults = FaultPoints()
        self.backend = SimBackend()
        self.answering: set[str] = set()
        self._client = SimNodeClient(
            self.nodes,
            MASTER,
            self.faults,
            lambda node, call: self.rpc_changes.append((node, call)),
            lambda node, call: self.rpc_reads.append((node, call)),
        )
        self._master: Master | None = None
        self._turn = asyncio.Lock()
        self._holders = 0
        self._tasks: list[asyncio.Task[None]] = []

    # --- the master's life

    async def master(self) -> Master:
        """The master; started when first needed."""
        async with self._turn:
            if self._master is None:
                if not self.backend.keys(Table.CONFIG):
                    self.backend.apply(Transaction(1, records(self._initial)))
                self._master = await self._start()
            return self._master

    async def _start(self) -> Master:
        return await self._start_on(self.backend, voting=self._voting)

    async def take_over(self, node: str) -> Master:
        """Start another master on a candidate's database, while the one there is goes on."""
        return await self.start_on(node, voting=self._voting)

    async def start_on(self, node: str, *, voting: bool) -> Master:
        """As :meth:`take_over`, with or without a vote."""
        return await self._start_on(self.nodes[node].backend, voting=voting)

    async def begin_with(self, node: str, contents: Contents) -> Master:
        """Let a master on a node's database win a term with what that was before."""
        around = self._around(self.nodes[node].backend)
        await around.store.load()
        return await Master.begin(around, contents, voting=self._voting)

    def _around(self, backend: MemoryBackend) -> Surroundings:
        return Surroundings(
            store=FaultyCommitter(backend, self.faults),
            client=self._client,
            clock=self.clock,
            ids=self.ids,
            resolve=self._resolve,
            answers=self._answers,
            data_dir="/var/lib/ganeti",
            socket_dir=self._directory,
            has_config_hooks=partial(has_hooks, self.nodes["node1"].paths.hooks_dir),
            keys=SimKeys(self.nodes["node1"].paths),
            renew_client=self._renew_client,
            lus=self._lus,
        )

    async def _start_on(self, backend: MemoryBackend, *, voting: bool) -> Master:
        around = self._around(backend)
        master = await Master.begin(around, await around.store.load(), voting=voting)
        loop = asyncio.get_running_loop()
        self._tasks += [loop.create_task(task) for task in master.background()]
        await master.recover()
        self._tasks.append(loop.create_task(master.serve()))
        return master

    async def _resolve(self, name: str) -> tuple[str, str]:
        if name in self.hosts:
            return name, self.hosts[name]
        full = next((host for host in self.hosts if host.startswith(f"{name}.")), None)
        if full is not None:
            return full, self.hosts[full]
        raise ResolverError(name, "resolver_error", "unknown in this simulation")

    async def _renew_client(self) -> None:
        """Calls on simulated nodes need no certificate."""

    async def _answers(self, address: str) -> bool:
        return address in self.answering

    async def kill_master(self) -> None:
        """The master dies at once; the next use starts another on what is in the store."""
        if self._master is not None:
            self._master.processor.abandon()
        for task in self._tasks:
            task.cancel()
        self.faults.bury()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._master, self._tasks = None, []

    # --- jobs

    def submit(self, *ops: Opcode) -> "asyncio.Task[int]":
        """Queue a job of ``ops``; awaiting the answer gives its id."""
        return asyncio.get_running_loop().create_task(self._submit(ops))

    async def _submit(self, ops: Sequence[Opcode]) -> int:
        return await (await self.master()).queue.submit([encode(op) for op in ops])

    async def run(self, *ops: Opcode) -> Any:  # Any: the opcode's result
        """Run a job of ``ops`` to its end and return the last one's result.

        Raises:
            GenericError: the error the job ended with.
        """
        return await self.finished(self.submit(*ops))

    async def finished(self, submitted: "asyncio.Task[int]") -> Any:  # Any: the opcode's result
        """Wait for a job's end; as :meth:`run`. A master that dies is followed by another.

        Raises:
            OpResultError: its result has not the declared shape.
            GenericError: the error the job ended with.
        """
        job_id = await submitted
        while True:
            job = (await self.master()).queue.get(job_id)
            if job.end_timestamp is not None:
                break
            await self._changed_or_died(job.changed())
        last = next((op for op in job.ops if op.status is not JobStatus.SUCCESS), job.ops[-1])
        if last.status is not JobStatus.SUCCESS:
            raise from_wire(last.result)
        op = decode(last.input)
        if not op.dry_run:
            check_result(op, last.result)
        return last.result

    async def _changed_or_died(self, changed: Any) -> None:  # Any: a coroutine
        loop = asyncio.get_running_loop()
        change = loop.create_task(changed)
        death = loop.create_task(self.faults.died.wait())
        await asyncio.wait({change, death}, return_when=asyncio.FIRST_COMPLETED)
        for task in (change, death):
            task.cancel()
        if self.faults.died.is_set():
            await self.kill_master()

    def logged(self, kind: LogType) -> list[object]:
        """What jobs told of that kind, the oldest first."""
        if self._master is None:
            return []
        ops = [op for job in self._master.queue.jobs.values() for op in job.ops]
        return [entry[3] for op in ops for entry in op.log if entry[2] == kind]

    def log(self, job_id: int) -> list[str]:
        """Messages of a job's log."""
        if self._master is None:
            raise RuntimeError("no master runs")
        ops = self._master.queue.get(job_id).ops
        return [str(entry[3]) for op in ops for entry in op.log]

    @asynccontextmanager
    async def locks_held(self, request: LockRequest) -> AsyncIterator[None]:
        """Hold locks meanwhile, as some other job would."""
        locks = (await self.master()).locks
        self._holders += 1
        held = await locks.acquire(f"test{self._holders}", request)
        try:
            yield
        finally:
            locks.release(held)

    def lock_held(self, node: str) -> AbstractAsyncContextManager[None]:
        """Hold the locks on a node and its resources meanwhile."""
        uuid = frozenset({self.view.node(node).uuid})
        return self.locks_held(LockRequest(nodes=uuid, node_res=uuid))

    def instance_held(self, name: str) -> AbstractAsyncContextManager[None]:
        """Hold the lock on an instance meanwhile."""
        return self.locks_held(LockRequest(instances=frozenset({name})))

    async def replicated(self) -> None:
        """Wait until all candidates that answer have all changes."""
        replication = (await self.master()).replication
        silent = {node.uuid for node in self.nodes.values() if not node.reachable}
        while replication.lost - silent:
            await self.clock.sleep(1.0)

    @asynccontextmanager
    async def held_up(self, node: str, procedure: str) -> AsyncIterator[None]:
        """Calls of ``procedure`` to a node do not arrive there before this ends."""
        gate = self.nodes[node].gates[procedure] = asyncio.Event()
        try:
            yield
        finally:
            del self.nodes[node].gates[procedure]
            gate.set()

    # --- what is

    @property
    def view(self) -> ClusterView:
        """The newest durable snapshot."""
        return self._initial if self._master is None else self._master.config.view

    def instance(self, name: str) -> Instance:
        """An instance as recorded."""
        return self.view.instance(name)

    def guest_states(self, name: str) -> dict[str, str]:
        """Nodes on which a copy of this guest is, with its state."""
        found = {}
        for node in self.nodes.values():
            record = node.guests.get(name)
            if record is not None:
                running = record.role is GuestRole.RUNNING
                found[node.name] = "paused" if running and record.paused else str(record.role)
        return found

    def footprint(self) -> dict[str, object]:
        """All that exists, recorded or on a node; see :mod:`pyganeti.testing.footprint`."""
        return footprint(self.view, self.nodes.values(), self.shared, self.array)

    # --- the world moves

    async def set_admin_state(self, name: str, state: AdminState) -> None:
        """Change what the administrator wants, without a job."""
        config = (await self.master()).config
        uuid = config.view.instance(name).uuid
        await config.commit(instance_fields(uuid, admin_state=state))

    async def mark_node(self, name: str, **fields: object) -> None:
        """Change a node's record (``offline=True``), without a job."""
        config = (await self.master()).config
        changed = msgspec.structs.replace(config.view.node(name), **fields)
        await config.commit(lambda _view: Change(puts=(changed,)))

    def dies_at_call(self, procedure: str) -> None:
        """Let the master die before it calls ``procedure`` for a job the next time."""
        self.faults.deadly = procedure

    async def move(self, name: str, to: str) -> None:
        """Move an instance's record and its disks' books to another node, without a job."""
        config = (await self.master()).config
        instance = config.view.instance(name)
        source = self.nodes[config.view.node(instance.primary_node).name]
        target = config.view.node(to)
        disks = config.view.disks_of(instance)
        for disk in disks:
            place = str(disk.logical_id[1])
            self.nodes[to].disks.disks[place] = source.disks.disks.pop(place)
        moved = msgspec.structs.replace(instance, primary_node=target.uuid)
        nodes = [msgspec.structs.replace(disk, nodes=(target.uuid,)) for disk in disks]
        await config.commit(lambda _view: Change(puts=(moved, *nodes)))
