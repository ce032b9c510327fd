"""Brings this node's copy of the database to where the newest one stands."""

from collections.abc import AsyncIterator
from typing import Final

from pyganeti.kit.threads import in_thread
from pyganeti.master.failover.copies import Copy, CopyReader
from pyganeti.store.codec import decode_checksums, encode_writes
from pyganeti.store.interface import LOADED, Delete, Put, Table
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeClient
from pyganeti.wire.noderpc.store import StoreArchivedCall, StoreLoadCall

_CHECKSUMS: Final = 10_000


async def bring_up_to_date(
    client: NodeClient, ctx: CallContext, me: NodeAddress, newest: Copy
) -> None:
    """Replace this node's copy by the newest one, if that is another.

    Raises:
        GenericError: it cannot be read, or written here; this node's copy is as it was.
    """
    if newest.node == me:
        return
    reader = CopyReader(client, ctx, me)
    part = 0

    async def send(writes: list[Put | Delete], *, is_last: bool = False) -> None:
        nonlocal part
        call = StoreLoadCall(
            seq=newest.seq, part=part, writes=encode_writes(tuple(writes)), is_last=is_last
        )
        await client.call(me, call, ctx)
        part += 1

    for table in LOADED:
        async for rows in reader.rows(newest, table):
            await send(list(rows))
    here = await _archived(client, ctx, me)
    there = await _archived(client, ctx, newest.node)
    wanted = [key for key, crc in there.items() if here.get(key) != crc]
    async for rows in reader.named(newest, wanted):
        await send(list(rows))
    await send([Delete(Table.ARCHIVE, key) for key in here.keys() - there.keys()], is_last=True)


async def _archived(client: NodeClient, ctx: CallContext, node: NodeAddress) -> dict[str, int]:
    """Checksums of the archived jobs on ``node``."""
    found: dict[str, int] = {}
    async for page in _pages(client, ctx, node):
        found |= page
    return found


async def _pages(
    client: NodeClient, ctx: CallContext, node: NodeAddress
) -> AsyncIterator[dict[str, int]]:
    after, more = "", True
    while more:
        call = StoreArchivedCall(after=after, limit=_CHECKSUMS)
        page = await in_thread(decode_checksums, await client.call(node, call, ctx))
        yield page
        after, more = max(page, default=""), len(page) == _CHECKSUMS
