"""Answers to calls by which nodes give each other data."""

from pyganeti.kit.threads import in_thread
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.inflight import InFlight
from pyganeti.node.packing import pack, unpack
from pyganeti.node.storage.blocks import Blocks
from pyganeti.node.tasks import CallRun
from pyganeti.node.transfers import Transfers
from pyganeti.wire.noderpc import transfer as calls


class TransferHandlers:
    """What other nodes read and write here.

    Args:
        transfers: what they may.
        blocks: contents of disks.
        writes: what they write to disks just now, by the name of the transfer.
    """

    def __init__(self, transfers: Transfers, blocks: Blocks, writes: InFlight) -> None:
        self._transfers = transfers
        self._writes = writes
        self._blocks = blocks

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
        found = await in_thread(self._transfers.find, call.transfer)
        await in_thread(self._transfers.end, call.transfer)
        # A guest may write there next.
        await self._writes.done(call.transfer)
        for path in found.files.values() if found is not None and found.disks else ():
            await self._blocks.release(path)
