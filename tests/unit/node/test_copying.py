"""Answers to calls by which the content of disks gets to other disks."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import run
from pyganeti.model.errors import OpExecError
from pyganeti.node.handlers.copying import CopyingHandlers
from pyganeti.node.handlers.transfer import TransferHandlers
from pyganeti.node.inflight import InFlight
from pyganeti.node.storage.base import MIB, Storage
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.node.tasks import CallRun
from pyganeti.node.transfers import Transfers
from pyganeti.testing.contents import SimBlocks
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.wire.noderpc.call import AnyCall, CallContext, NodeClient
from pyganeti.wire.noderpc.copying import (
    BlockdevAcceptCall,
    BlockdevConvertCall,
    BlockSumsCall,
    BlockWriteCall,
    Copied,
    TransferSyncCall,
)
from pyganeti.wire.noderpc.specs import DiskSpec
from pyganeti.wire.noderpc.transfer import TransferEndCall

PIECE = b"\xa5" * MIB
OLD = DiskSpec(dev_type="file", logical_id=("loop", "/srv/old"), size=4, uuid="u-old")
NEW = DiskSpec(dev_type="file", logical_id=("loop", "/srv/new"), size=6, uuid="u-new")


def nobody() -> AbstractAsyncContextManager[NodeClient]:
    """No other node is called here."""
    raise AssertionError("another node was called")


class Node:
    """A node with two disks; the new one is full of something else."""

    def __init__(self, directory: Path) -> None:
        self.driver = FakeDriver()
        for disk in (OLD, NEW):
            self.driver.disks[str(disk.logical_id[1])] = (disk.size, disk.uuid)
        self.driver.contents["/srv/old"] = {MIB: PIECE}
        self.driver.contents["/srv/new"] = {n * MIB: b"x" * MIB for n in range(6)}
        self.blocks = SimBlocks([self.driver], SimDrbd(DrbdNetwork(SystemClock()), set()))
        self.writes = InFlight()
        transfers = Transfers(str(directory))
        copying = CopyingHandlers(
            Storage({"file": self.driver}),
            self.blocks,
            transfers,
            self.writes,
            nobody,
            SystemClock(),
        )
        handlers = (*copying.all(), *TransferHandlers(transfers, self.blocks, self.writes).all())
        self.handlers = {handler.kind: handler for handler in handlers}

    async def call(self, call: AnyCall, caller: str = "n-1") -> object:
        """Make a call as another node."""
        made = CallRun(CallContext(epoch=1), run, caller)
        return await self.handlers[type(call)].work(call, made)


ACCEPT = BlockdevAcceptCall(transfer="t", source="n-1", disks=(NEW,), sizes=(4 * MIB,))
WRITE = BlockWriteCall(transfer="t", file="u-new", offset=MIB, data=PIECE)


async def test_what_a_new_disk_has_beyond_is_made_zeroes(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await node.call(ACCEPT)
    assert sorted(node.driver.contents["/srv/new"]) == [n * MIB for n in range(4)]


async def test_only_the_source_writes_and_only_until_the_end(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await node.call(ACCEPT)
    await node.call(WRITE)
    assert node.driver.contents["/srv/new"][MIB] == PIECE
    with pytest.raises(OpExecError, match="not open"):
        await node.call(WRITE, caller="n-2")
    await node.call(TransferSyncCall(transfer="t"))
    assert node.blocks.writing == {"/srv/new"}
    await node.call(TransferEndCall(transfer="t"))
    assert node.blocks.writing == set()
    sums = BlockSumsCall(transfer="t", file="u-new", offset=0, size=MIB)
    for call in (WRITE, sums, TransferSyncCall(transfer="t")):
        with pytest.raises(OpExecError, match="not open"):
            await node.call(call)


async def test_its_end_waits_for_what_is_being_written(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await node.call(ACCEPT)
    async with asyncio.TaskGroup() as group:
        with node.writes.doing("t"):
            end = group.create_task(node.call(TransferEndCall(transfer="t")))
            await asyncio.sleep(0.05)
            assert not end.done()


async def test_within_a_node(tmp_path: Path) -> None:
    node = Node(tmp_path)
    copied = await node.call(BlockdevConvertCall(disk=OLD, new=NEW, compare=False))
    assert copied == Copied(size=4 * MIB, written=4 * MIB)
    assert node.driver.contents["/srv/new"] == {MIB: PIECE}
    assert node.blocks.writing == set()
    copied = await node.call(BlockdevConvertCall(disk=OLD, new=NEW, compare=True))
    assert copied == Copied(size=4 * MIB, written=0)


async def test_a_copy_that_does_not_fit_leaves_nothing_open(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.driver.disks["/srv/new"] = (3, "u-new")
    with pytest.raises(OpExecError):
        await node.call(BlockdevConvertCall(disk=OLD, new=NEW, compare=False))
    assert node.blocks.writing == set()
