"""Answers to calls that keep this candidate's copy of the master's database."""

import asyncio

from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import store as calls
from pyganeti.wire.noderpc.types import StoreState


class StoreHandlers:
    """The copy, one change at a time."""

    def __init__(self, replica: calls.ReplicaStore) -> None:
        self._replica = replica
        self._lock = asyncio.Lock()

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles_with_run(calls.StoreApplyCall, self._apply),
            handles(calls.StoreArchivedCall, self._archived),
            handles_with_run(calls.StoreLoadCall, self._load),
            handles(calls.StoreStateCall, self._state),
        )

    async def _apply(self, call: calls.StoreApplyCall, run: CallRun) -> int:
        async with self._lock:
            return await self._replica.apply(run.ctx.epoch, call.first_seq, call.batches)

    async def _load(self, call: calls.StoreLoadCall, run: CallRun) -> None:
        async with self._lock:
            await self._replica.load(
                run.ctx.epoch, call.seq, call.part, call.writes, is_last=call.is_last
            )

    async def _archived(self, call: calls.StoreArchivedCall) -> bytes:
        async with self._lock:
            return await self._replica.archived(call.after, call.limit)

    async def _state(self, _call: calls.StoreStateCall) -> StoreState:
        async with self._lock:
            return await self._replica.state()
