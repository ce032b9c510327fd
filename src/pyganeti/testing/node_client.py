"""Calls to simulated nodes, without a network; faults are injected here.

Requests and answers pass through the real codec, so that whatever cannot travel fails here too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, cast

import msgspec

from pyganeti.kit.tls import Peer
from pyganeti.model.errors import CallTimeout, NodeUnreachable, from_wire
from pyganeti.node.dispatcher import Dispatcher
from pyganeti.testing.faults import FaultPoints
from pyganeti.wire.noderpc.call import AnyCall, CallContext, NodeAddress, NodeCall, R, TaskId
from pyganeti.wire.noderpc.client import CallNumbers, task_result, tell
from pyganeti.wire.noderpc.codec import (
    Answer,
    Codec,
    Refused,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from pyganeti.wire.noderpc.files import WriteSsconfFilesCall
from pyganeti.wire.noderpc.task import PROGRESS_S, TaskWaitCall
from pyganeti.wire.noderpc.types import TaskProgress, TaskState

MASTER: Final = Peer("digest", "master", "uuid")


class CalledNode(Protocol):
    """What a call needs of a node; see :class:`pyganeti.testing.nodes.SimNode`."""

    name: str
    reachable: bool
    dies_after: str | None
    gates: dict[str, asyncio.Event]
    twists: dict[str, Callable[[Any], Any]]
    ssconf_written: list[set[str]]

    async def dispatcher(self) -> Dispatcher:
        """The running daemon."""
        ...


def _ignore(_node: str, _procedure: str) -> None:
    return None


class SimNodeClient:
    """A ``NodeClient`` that calls simulated nodes' dispatchers, and injects faults.

    Args:
        nodes: by name; those that are made later are called, too.
        peer: who calls.
        faults: counts calls that change something.
        on_change: told of each such call that is sent: node and procedure.
        on_read: told of each other call.
    """

    def __init__(
        self,
        nodes: Mapping[str, CalledNode],
        peer: Peer,
        faults: FaultPoints | None = None,
        on_change: Callable[[str, str], None] = _ignore,
        on_read: Callable[[str, str], None] = _ignore,
    ) -> None:
        self._peer = peer
        self._nodes = nodes
        self._faults = faults or FaultPoints()
        self._on_change = on_change
        self._on_read = on_read
        self._codec = Codec()
        self._numbers = CallNumbers()

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """See ``NodeClient``."""
        ctx = self._numbers.stamp(call, ctx)
        counted = call.changes and ctx.job != 0
        async with self._point(f"{call.procedure} on {node.name}", counted=counted):
            if call.long:
                task = TaskId((await self._answer(node, call, ctx)).task)
                return await self._ended(node, task, type(call), ctx)
            result = self._codec.result(type(call), (await self._answer(node, call, ctx)).result)
            twist = self._nodes[node.name].twists.get(call.procedure)
            return result if twist is None else cast("R", twist(result))

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        """See ``NodeClient``."""
        async with self._point(f"start {call.procedure} on {node.name}", counted=ctx.job != 0):
            return TaskId((await self._answer(node, call, ctx)).task)

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        """See ``NodeClient``."""
        async with self._point(f"wait for {kind.procedure} on {node.name}", counted=ctx.job != 0):
            return await self._ended(node, task, kind, ctx, progress)

    @asynccontextmanager
    async def _point(self, what: str, *, counted: bool) -> AsyncIterator[None]:
        """What can fail, if it is counted."""
        number = await self._faults.before(what, is_commit=False) if counted else -1
        yield
        await self._faults.after(number, what)

    async def _ended(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        wait_s = PROGRESS_S
        while True:
            answer = await self._answer(node, TaskWaitCall(task=task, wait_s=wait_s), ctx)
            report = self._codec.result(TaskWaitCall, answer.result)
            if report.state is not TaskState.RUNNING:
                return self._codec.result(kind, task_result(node, kind, report))
            wait_s = tell(report, progress)

    async def _answer(self, address: NodeAddress, call: AnyCall, ctx: CallContext) -> Answer:
        node = self._nodes.get(address.name)
        if not call.changes:
            self._on_read(address.name, call.procedure)
        if node is not None and call.procedure in node.gates:
            await node.gates[call.procedure].wait()
        if node is None or not node.reachable:
            raise NodeUnreachable(f"node {address.name}: connection refused")
        if call.changes and ctx.job != 0:
            self._on_change(node.name, call.procedure)
        request = decode_request(encode_request(msgspec.structs.replace(ctx), call))
        dispatcher = await node.dispatcher()
        try:
            answer = await dispatcher.dispatch(call.procedure, request, self._peer)
        except Refused as err:
            raise err.error from err
        if isinstance(call, WriteSsconfFilesCall):
            node.ssconf_written.append(set(call.values))
        if call.procedure == node.dies_after:
            node.reachable = False
        if not node.reachable or dispatcher is not await node.dispatcher():
            raise CallTimeout(f"node {address.name}: the answer was lost")
        found = decode_answer(encode_answer(answer))
        if not found.ok:
            raise from_wire(found.error)
        return found
