"""Node calls over HTTPS: one kept connection a node (more while calls overlap).

The master builds one :class:`HttpNodeClient` for its life. What a caller may conclude from each
error is in docs/design/0002-node-calls.md, "Silence".
"""

import asyncio
import itertools
import os
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Final, Self

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import CallTimeout, NodeUnreachable, from_wire

from .call import AnyCall, CallContext, NodeAddress, NodeCall, R, TaskId
from .codec import Answer, Codec, decode_answer, encode_request
from .connection import ConnectionBroken, NodeConnection, connect
from .task import POLL_S, PROGRESS_S, TaskWaitCall
from .types import (
    TaskProgress,
    TaskReport,
    TaskState,
)

# Longer than the watcher's period, so that a quiet cluster keeps its connections; shorter than
# the server's own patience, so that it is not closed while a request is on its way.
KEEPALIVE_S: Final = 600.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
# So many connections are made at once. With a thousand, the handshakes of all of them would take
# longer on a busy machine than a single node is waited for, and healthy nodes would seem dead.
CONNECTING: Final = 64
# So many tries to connect to a node before it counts as hanging.
_PROBES: Final = 3


class CallNumbers:
    """Numbers for changes whose caller gave none; unique in one life of a master."""

    def __init__(self) -> None:
        self._next = itertools.count(1)

    def stamp(self, call: AnyCall, ctx: CallContext) -> CallContext:
        """``ctx`` with a number if ``call`` needs one."""
        if call.changes and ctx.call == 0:
            return msgspec.structs.replace(ctx, call=next(self._next))
        return ctx


class HttpNodeClient:
    """A :class:`~.call.NodeClient` over mutual TLS. An asynchronous context manager.

    Args:
        tls: from ``kit.tls.client_context``.
        clock: for deadlines and pauses.
    """

    def __init__(self, tls: ssl.SSLContext, clock: Clock) -> None:
        self._tls = tls
        self._clock = clock
        self._codec = Codec()
        self._numbers = CallNumbers()
        self._connecting = asyncio.Semaphore(CONNECTING)
        self._open: set[NodeConnection] = set()
        # Connections without a call on them, and since when.
        self._idle: dict[NodeAddress, list[tuple[NodeConnection, float]]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._idle.clear()
        for connection in tuple(self._open):
            connection.close()
        for connection in tuple(self._open):
            await connection.closed()

    def renew(self, tls: ssl.SSLContext) -> None:
        """Make connections with ``tls`` from now on; calls that were sent get their answers."""
        self._tls = tls
        for connection in self._open:
            connection.is_last = True
        for kept in self._idle.values():
            for connection, _since in kept:
                connection.close()
        self._idle.clear()

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """See :class:`~.call.NodeClient`."""
        if call.long:
            ctx = self._numbers.stamp(call, ctx)
            return await self.wait(node, await self.start(node, call, ctx), type(call), ctx)
        return self._codec.result(type(call), (await self._answer(node, call, ctx)).result)

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        """See :class:`~.call.NodeClient`."""
        return TaskId((await self._answer(node, call, ctx)).task)

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        """See :class:`~.call.NodeClient`."""
        deadline = self._clock.monotonic() + kind.timeout_s
        wait_s = PROGRESS_S
        while self._clock.monotonic() < deadline:
            report = await self._poll(node, task, ctx, wait_s)
            if report.state is TaskState.RUNNING:
                wait_s = tell(report, progress)
                continue
            return self._codec.result(kind, task_result(node, kind, report))
        raise CallTimeout(_silent(node, kind, f"its task did not end in {kind.timeout_s:g} s"))

    async def _poll(
        self, node: NodeAddress, task: TaskId, ctx: CallContext, wait_s: float
    ) -> TaskReport:
        poll = TaskWaitCall(task=task, wait_s=wait_s)
        return self._codec.result(TaskWaitCall, (await self._answer(node, poll, ctx)).result)

    async def _answer(self, node: NodeAddress, call: AnyCall, ctx: CallContext) -> Answer:
        answer = await self._send(node, call, self._numbers.stamp(call, ctx))
        if not answer.ok:
            raise from_wire(answer.error)
        return answer

    async def _send(self, node: NodeAddress, call: AnyCall, ctx: CallContext) -> Answer:
        deadline = self._clock.monotonic() + call.timeout_s
        attempt, sent = ctx.attempt, False
        for pause_s in _pauses():
            try:
                connection = await self._connection(node)
            except OSError as err:
                reason = f"{node.ip} port {node.port}: {_reason(err)}"
                # A read that was lost before did nothing either: it need not wait for the node.
                if not sent or not call.changes:
                    raise NodeUnreachable(f"node {node.name}: {reason}") from err
            else:
                left = deadline - self._clock.monotonic()
                numbered = msgspec.structs.replace(ctx, attempt=attempt)
                try:
                    return await self._exchange(node, connection, call, numbered, left)
                except ConnectionBroken as err:
                    sent, attempt, reason = True, attempt + 1, str(err)
            if sent and not call.repeatable:
                raise CallTimeout(_silent(node, type(call), reason))
            if self._clock.monotonic() + pause_s >= deadline:
                raise CallTimeout(_silent(node, type(call), reason))
            await self._clock.sleep(pause_s)
        raise AssertionError("pauses never end")

    async def _exchange(
        self,
        node: NodeAddress,
        connection: NodeConnection,
        call: AnyCall,
        ctx: CallContext,
        timeout_s: float,
    ) -> Answer:
        request = encode_request(ctx, call)
        begin = self._clock.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                body = await connection.exchange(
                    call.procedure, request, partial(self._check_alive, node)
                )
        except TimeoutError as err:
            reason = f"no answer in {self._clock.monotonic() - begin:.0f} s"
            raise CallTimeout(_silent(node, type(call), reason)) from err
        if connection.is_last:
            connection.close()
        elif connection.reusable:
            idle = (connection, self._clock.monotonic())
            self._idle.setdefault(node, []).append(idle)
        return decode_answer(body)

    async def _check_alive(self, node: NodeAddress) -> None:
        """Find out whether a node that does not answer would at least take a new connection.

        A kept connection says nothing of a node that hangs or lost its power, and calls may take
        hours.

        Raises:
            TimeoutError: it takes none, several times.
        """
        for left in reversed(range(_PROBES)):
            try:
                (await connect(node, self._tls)).close()
            except TimeoutError:
                if not left:
                    raise
            except OSError:
                # A daemon that ends listens no more, and still answers what it was asked.
                return
            else:
                return

    async def _connection(self, node: NodeAddress) -> NodeConnection:
        """A connection that was kept, the one used last, or a new one."""
        kept = self._idle.get(node, [])
        now = self._clock.monotonic()
        while kept:
            connection, since = kept.pop()
            if connection.reusable and now - since < KEEPALIVE_S:
                return connection
            connection.close()
        self._open = {connection for connection in self._open if not connection.is_lost}
        async with self._connecting:
            made = await connect(node, self._tls)
        self._open.add(made)
        return made


def tell(report: TaskReport, progress: Callable[[TaskProgress], None] | None) -> float:
    """Tell how far a task is; how long to wait for the next report."""
    if progress is None or report.progress is None:
        return POLL_S
    progress(report.progress)
    return PROGRESS_S


def task_result(node: NodeAddress, kind: type[AnyCall], report: TaskReport) -> msgspec.Raw:
    """Result of a task that does not run any more, undecoded.

    Raises:
        CallTimeout: the node does not know it.
        GenericError: the error it ended with.
    """
    if report.state is TaskState.LOST:
        raise CallTimeout(_silent(node, kind, "the node does not know its task any more"))
    if report.error is not None:
        raise from_wire(report.error)
    return report.result


def _silent(node: NodeAddress, kind: type[AnyCall], reason: str) -> str:
    unknown = "; whether it took effect is unknown" if kind.changes else ""
    return f"node {node.name}, {kind.procedure}: {reason}{unknown}"


def _reason(err: OSError) -> str:
    """Why no connection was made. The loop's own words repeat the address, a timeout has none."""
    if isinstance(err, TimeoutError):
        return "no answer"
    plain = err.errno and not isinstance(err, ssl.SSLError)
    return os.strerror(err.errno) if plain and err.errno else str(err)


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE_S)
