"""Answers to calls that keep this candidate's copy of the master's database."""

import asyncio

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.resolver import own_hostname
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.leave import forget_candidacy
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import store as calls
from pyganeti.wire.noderpc.types import StorePage, StoreState


class StoreHandlers:
    """The copy, one change at a time."""

    def __init__(self, paths: Paths, replica: calls.ReplicaStore) -> None:
        self._paths = paths
        self._replica = replica
        self._lock = asyncio.Lock()

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.NodeDemoteFromMcCall, self._demote),
            handles_with_run(calls.StoreApplyCall, self._apply),
            handles(calls.StoreArchivedCall, self._archived),
            handles_with_run(calls.StoreLoadCall, self._load),
            handles(calls.StoreReadCall, self._read),
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

    async def _read(self, call: calls.StoreReadCall) -> StorePage:
        async with self._lock:
            return await self._replica.read(call.table, call.after, call.keys)

    async def _state(self, _call: calls.StoreStateCall) -> StoreState:
        async with self._lock:
            return await self._replica.state()

    async def _demote(self, _call: calls.NodeDemoteFromMcCall) -> None:
        master = (read_bytes(self._paths.ssconf("master_node")) or b"").decode("utf-8", "replace")
        if master.strip() == await in_thread(own_hostname, self._paths):
            raise OpExecError("this node knows itself as the master: it keeps what it has")
        async with self._lock:
            await self._replica.forget()
            await in_thread(forget_candidacy, self._paths)
