"""Answers to calls by which nodes give each other data."""

from pyganeti.kit.threads import in_thread
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.packing import pack, unpack
from pyganeti.node.tasks import CallRun
from pyganeti.node.transfers import Transfers
from pyganeti.wire.noderpc import transfer as calls


class TransferHandlers:
    """What other nodes read and write here."""

    def __init__(self, transfers: Transfers) -> None:
        self._transfers = transfers

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles_with_run(calls.ChunkReadCall, self._read),
            handles_with_run(calls.ChunkWriteCall, self._write),
            handles(calls.TransferEndCall, self._end),
        )

    async def _read(self, call: calls.ChunkReadCall, run: CallRun) -> bytes:
        data = await in_thread(
            self._transfers.read,
            call.transfer,
            run.caller,
            call.file,
            offset=call.offset,
            size=call.size,
        )
        return await pack(call.compress, data, run.runner) if data else data

    async def _write(self, call: calls.ChunkWriteCall, run: CallRun) -> None:
        await in_thread(
            self._transfers.write,
            call.transfer,
            run.caller,
            call.file,
            offset=call.offset,
            data=await unpack(call.compress, call.data, run.runner),
        )

    async def _end(self, call: calls.TransferEndCall) -> None:
        await in_thread(self._transfers.end, call.transfer)
