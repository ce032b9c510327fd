"""From a request to a handler: procedure, admission, epoch, arguments, repeat memory.

No HTTP here: noded puts ``wire.noderpc.server`` in front, the simulated cluster calls
:meth:`Dispatcher.dispatch` with the same bytes. Source: docs/design/0002-node-calls.md.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pyganeti.kit.process import Runner
from pyganeti.kit.tls import Peer
from pyganeti.model.errors import NodeCallError, StaleEpoch
from pyganeti.wire.noderpc.call import AnyCall, CallContext
from pyganeti.wire.noderpc.codec import Answer, Codec, Refusal, Refused, Request, started
from pyganeti.wire.noderpc.registry import CALLS

from .epoch import EpochKeeper
from .tasks import CallRun, Tasks, attempt

C = TypeVar("C", bound=AnyCall)


class Admission(Protocol):
    """Decides who may call."""

    def check(self, peer: Peer) -> None:
        """Admit ``peer``.

        Raises:
            NodeCallError: it may not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Handler:
    """What does the work of one kind of call."""

    kind: type[AnyCall]
    # Any: the codec has checked that the call is of this kind.
    work: Callable[[Any, CallRun], Awaitable[object]]


def handles(kind: type[C], work: Callable[[C], Awaitable[object]]) -> Handler:
    """``work`` answers calls of ``kind``."""

    async def alone(call: C, _run: CallRun) -> object:
        return await work(call)

    return Handler(kind, alone)


def handles_with_run(kind: type[C], work: Callable[[C, CallRun], Awaitable[object]]) -> Handler:
    """As :func:`handles`, for work that wants the :class:`CallRun` too."""
    return Handler(kind, work)


class Dispatcher:
    """Answers calls. Calls run concurrently; see the collaborators for what is guaranteed.

    Args:
        handlers: one for each procedure this node answers.
        admission: who may call.
        epochs: which master is obeyed.
        tasks: where changes run; open while the dispatcher is used.
        runner: runs the programs of calls that change nothing.
    """

    def __init__(
        self,
        handlers: tuple[Handler, ...],
        *,
        admission: Admission,
        epochs: EpochKeeper,
        tasks: Tasks,
        runner: Runner,
    ) -> None:
        self._handlers = {handler.kind: handler for handler in handlers}
        self._admission = admission
        self._epochs = epochs
        self._tasks = tasks
        self._runner = runner
        self._codec = Codec()

    async def dispatch(self, procedure: str, request: Request, peer: Peer) -> Answer:
        """Answer a call; see ``wire.noderpc.server.Dispatch``."""
        handler = self._find(procedure)
        await self._let_in(handler.kind, request.ctx, peer)
        call = self._codec.call(handler.kind, request.args)

        async def body(run: CallRun) -> object:
            return await handler.work(call, run)

        if not handler.kind.changes:
            return await attempt(body, CallRun(request.ctx, self._runner, peer.uuid), procedure)
        return await self._change(handler.kind, request.ctx, body)

    def _find(self, procedure: str) -> Handler:
        kind = CALLS.get(procedure)
        handler = None if kind is None else self._handlers.get(kind)
        if handler is None:
            text = f"this node has no procedure {procedure!r}"
            raise Refused(Refusal.UNKNOWN, NodeCallError(text))
        return handler

    async def _let_in(self, kind: type[AnyCall], ctx: CallContext, peer: Peer) -> None:
        if kind.open_to_members:
            return
        try:
            self._admission.check(peer)
        except NodeCallError as err:
            raise Refused(Refusal.NOT_ADMITTED, err) from err
        try:
            await self._epochs.enter(ctx.epoch)
        except StaleEpoch as err:
            raise Refused(Refusal.STALE, err) from err

    async def _change(
        self, kind: type[AnyCall], ctx: CallContext, body: Callable[[CallRun], Awaitable[object]]
    ) -> Answer:
        if ctx.call == 0:
            text = f"{kind.procedure} changes something, so it needs a call number"
            raise Refused(Refusal.MALFORMED, NodeCallError(text))
        work = self._tasks.once(ctx, kind.procedure, body)
        if kind.long:
            return started(ctx.task_id)
        try:
            answer = await work.wait()
        except StaleEpoch as err:
            raise Refused(Refusal.STALE, err) from err
        if answer is None:
            raise AssertionError("waiting without a limit ended without an answer")
        return answer
