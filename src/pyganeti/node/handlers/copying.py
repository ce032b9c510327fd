"""Answers to calls by which the content of disks gets to other disks."""

from collections.abc import Callable

from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.node.contents import LocalEnd, RemoteEnd, clear_beyond, copy_content, sums
from pyganeti.node.copying import Peers
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.inflight import InFlight
from pyganeti.node.packing import unpack
from pyganeti.node.storage.base import MIB, Storage
from pyganeti.node.storage.blocks import Blocks
from pyganeti.node.tasks import CallRun
from pyganeti.node.transfers import Transfer, Transfers
from pyganeti.wire.noderpc import copying as calls
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.types import TaskProgress


class CopyingHandlers:
    """Copies of disks, to this node and from it.

    Args:
        storage: drivers of the disks.
        blocks: what is on them.
        transfers: what other nodes may write.
        writes: told of what they write, by the name of the transfer.
        peers: to send what is on a disk.
        clock: for pauses.
    """

    def __init__(
        self,
        storage: Storage,
        blocks: Blocks,
        transfers: Transfers,
        writes: InFlight,
        peers: Peers,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._blocks = blocks
        self._transfers = transfers
        self._writes = writes
        self._peers = peers
        self._clock = clock

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.BlockdevAcceptCall, self._accept),
            handles_with_run(calls.BlockdevConvertCall, self._convert),
            handles_with_run(calls.BlockdevSendCall, self._send),
            handles_with_run(calls.BlockSumsCall, self._sums),
            handles_with_run(calls.BlockWriteCall, self._write),
            handles(calls.TransferSyncCall, self._sync),
        )

    async def _accept(self, call: calls.BlockdevAcceptCall) -> None:
        files = {}
        for disk, size in zip(call.disks, call.sizes, strict=True):
            files[disk.uuid] = path = await self._writable(disk)
            await clear_beyond(self._blocks, path, size)
        transfer = Transfer(peer=call.source, files=files, writable=True, disks=True)
        await in_thread(self._transfers.allow, call.transfer, transfer)

    async def _writable(self, disk: DiskSpec) -> str:
        driver = self._storage.driver(disk.dev_type)
        path = (await driver.assemble(disk)).path
        await driver.open(disk, exclusive=True)
        # What is still open may be a disk that was removed since.
        await self._blocks.release(path)
        return path

    async def _send(self, call: calls.BlockdevSendCall, run: CallRun) -> calls.Copied:
        source = await self._storage.driver(call.disk.dev_type).assemble(call.disk)
        async with self._peers() as client:
            end = RemoteEnd(call.target, client, run.runner, self._clock)
            return await copy_content(
                self._blocks,
                source.path,
                end,
                compare=call.compare,
                progress=_progress(run, source.size),
            )

    async def _convert(self, call: calls.BlockdevConvertCall, run: CallRun) -> calls.Copied:
        source = await self._storage.driver(call.disk.dev_type).assemble(call.disk)
        path = await self._writable(call.new)
        try:
            copied = await copy_content(
                self._blocks,
                source.path,
                LocalEnd(self._blocks, path),
                compare=call.compare,
                progress=_progress(run, source.size),
            )
            await clear_beyond(self._blocks, path, copied.size)
            await self._blocks.sync(path)
        finally:
            await self._blocks.release(path)
        return copied

    async def _sums(self, call: calls.BlockSumsCall, run: CallRun) -> tuple[bytes, ...]:
        path = await self._path(call.transfer, run.caller, call.file)
        return await sums(self._blocks, path, call.offset, call.size)

    async def _write(self, call: calls.BlockWriteCall, run: CallRun) -> None:
        data = await unpack(call.compress, call.data, run.runner)
        with self._writes.doing(call.transfer):
            path = await self._path(call.transfer, run.caller, call.file)
            await self._blocks.write(path, call.offset, data)

    async def _path(self, transfer: str, caller: str, file: str) -> str:
        return await in_thread(
            self._transfers.path, transfer, caller, file, writable=True, disks=True
        )

    async def _sync(self, call: calls.TransferSyncCall) -> None:
        found = await in_thread(self._transfers.find, call.transfer)
        if found is None:
            text = f"transfer {call.transfer} is not open: what was written may not be complete"
            raise OpExecError(text)
        for path in found.files.values():
            await self._blocks.sync(path)


def _progress(run: CallRun, size: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        run.progress = TaskProgress(done // MIB, size // MIB)

    return tell
