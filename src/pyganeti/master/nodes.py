"""Calls on nodes as the master's logic makes them: by node UUID, with the right context.

:class:`NodeReader` admits read-only calls, :class:`NodeWriter` all; the first is what
``check_prereq`` gets, so that it cannot change anything. Over both lies the ``NodeClient`` of
``wire/noderpc`` (docs/design/0002-node-calls.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from pyganeti.master.jobs.node_tasks import NodeTasks
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.locks import Level
from pyganeti.model.errors import CallTimeout, GenericError, NodeUnreachable, ProgrammerError
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, NodeClient, TaskId
from pyganeti.wire.noderpc.types import TaskProgress

R = TypeVar("R")

NODED_PORT: Final = 1811


@dataclass(frozen=True, slots=True)
class NodeAccess:
    """What it takes to call nodes.

    Attributes:
        client: the transport.
        view: gives the newest durable snapshot.
        epoch: gives this master's term.
        resolve: full name and address of a host name; raises ``ResolverError``.
        answers: whether something at an address answers.
        tasks: is told of waits for tasks.
        keys: certificates, keys and secrets on the master's disk.
    """

    client: NodeClient
    view: Callable[[], ClusterView]
    epoch: Callable[[], int]
    resolve: Callable[[str], Awaitable[tuple[str, str]]]
    answers: Callable[[str], Awaitable[bool]]
    tasks: NodeTasks
    keys: KeyFiles


class NodeReader:
    """Read-only calls.

    Args:
        access: how to call.
        job: the job for which calls are made, 0 for the master itself.
        op: index of the opcode in the job.

    Attributes:
        granted: names that were free of the opportunistic part of the opcode's lock request, by
            level; a plan chooses among them.
        settled: whether something was left to be undone on the opcode's instances before.
    """

    def __init__(self, access: NodeAccess, *, job: int = 0, op: int = 0) -> None:
        self._access = access
        self._job = job
        self._op = op
        self.step = 0
        self.granted: Mapping[Level, frozenset[str]] = {}
        self.settled = False

    @property
    def keys(self) -> KeyFiles:
        """Certificates, keys and secrets on the master's disk."""
        return self._access.keys

    def address(self, node: str) -> NodeAddress:
        """Where the daemon of the node with UUID ``node`` listens.

        Raises:
            NodeUnreachable: the node is marked offline: it is not called.
        """
        known = self._access.view().node(node)
        if known.offline:
            raise NodeUnreachable(f"node {known.name} is marked offline")
        return NodeAddress(known.name, known.primary_ip, NODED_PORT)

    def name(self, node: str) -> str:
        """The node's name, for messages."""
        found = self._access.view().find_node(node)
        return node if found is None else found.name

    def is_offline(self, node: str) -> bool:
        """Whether the node with UUID ``node`` is marked offline, or no member any more."""
        found = self._access.view().nodes.get(node)
        return found is None or found.offline

    def _context(self) -> CallContext:
        return CallContext(epoch=self._access.epoch(), job=self._job, op=self._op, step=self.step)

    async def call(self, node: str, call: NodeCall[R]) -> R:
        """Make a read-only ``call`` on the node with UUID ``node``; raises as ``NodeClient``."""
        return await self.call_address(self.address(node), call)

    async def call_address(self, address: NodeAddress, call: NodeCall[R]) -> R:
        """Make ``call`` on a node that the configuration does not know (yet, or any more)."""
        self._check(call)
        if call.long:
            with self._access.tasks.waiting(self._job, address.name, call.procedure):
                return await self._access.client.call(address, call, self._context())
        return await self._access.client.call(address, call, self._context())

    def _check(self, call: NodeCall[R]) -> None:
        if call.changes:
            raise ProgrammerError(f"{call.procedure} changes something and was asked of a reader")

    async def resolve(self, name: str) -> tuple[str, str]:
        """Full name and address of a host name.

        Raises:
            ResolverError: it has none.
        """
        return await self._access.resolve(name)

    async def answers(self, address: str) -> bool:
        """Whether something at ``address`` answers."""
        return await self._access.answers(address)

    async def call_all(
        self, nodes: Iterable[str], call: NodeCall[R], *, limit_s: float | None = None
    ) -> dict[str, R | GenericError]:
        """Make ``call`` on all ``nodes`` at once; the answer or the error of each, by UUID."""
        return await self.call_each(dict.fromkeys(nodes, call), limit_s=limit_s)

    async def call_each(
        self, calls: Mapping[str, NodeCall[R]], *, limit_s: float | None = None
    ) -> dict[str, R | GenericError]:
        """Make to each node its own call, all at once; the answer or the error of each.

        Args:
            calls: by UUID of the node.
            limit_s: how long a node is waited for, where the call's own limit is too long.
        """

        async def one(node: str, call: NodeCall[R]) -> R | GenericError:
            try:
                async with asyncio.timeout(limit_s):
                    return await self.call(node, call)
            except GenericError as err:
                return err
            except TimeoutError:
                return CallTimeout(f"{call.procedure}: no answer in {limit_s:g} s")

        async with asyncio.TaskGroup() as group:
            tasks = {node: group.create_task(one(node, call)) for node, call in calls.items()}
        return {node: task.result() for node, task in tasks.items()}


class NodeWriter(NodeReader):
    """All calls. ``step`` says to which step of the opcode the changes belong."""

    def _check(self, call: NodeCall[R]) -> None:
        """Admit every call."""

    def task_name(self, step: int, number: int) -> TaskId:
        """Name of the task that call ``number`` of ``step`` starts."""
        return msgspec.structs.replace(self._context(), step=step, call=number).task_id

    async def start(self, node: str, call: NodeCall[R], *, number: int, awaited: bool) -> TaskId:
        """Start the long ``call`` as task ``number`` of this step; raises as ``NodeClient``."""
        ctx = msgspec.structs.replace(self._context(), call=number, awaited=awaited)
        return await self._access.client.start(self.address(node), call, ctx)

    async def wait(
        self,
        node: str,
        task: TaskId,
        kind: type[NodeCall[R]],
        progress: Callable[[TaskProgress], None],
    ) -> R:
        """Wait for a task that a call of ``kind`` started; raises as ``NodeClient``."""
        ctx, address = self._context(), self.address(node)
        with self._access.tasks.waiting(self._job, address.name, kind.procedure):
            return await self._access.client.wait(address, task, kind, ctx, progress)
