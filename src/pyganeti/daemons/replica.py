"""Joins the node calls that replicate the database to this node's copy of it."""

from collections.abc import Callable

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import ConfigurationError, StoreConflict
from pyganeti.store.codec import decode_writes, encode_checksums, encode_writes
from pyganeti.store.interface import Put, Table, Transaction
from pyganeti.store.replica import Replica, ReplicaGap
from pyganeti.wire.noderpc.types import StorePage, StoreState


class CandidateStore:
    """A :class:`~pyganeti.wire.noderpc.store.ReplicaStore` on a :class:`Replica`.

    Args:
        replica: the copy.
        remove: removes it from the disk once nobody has it open; blocking.
    """

    def __init__(self, replica: Replica, remove: Callable[[], None]) -> None:
        self._replica = replica
        self._remove = remove

    async def apply(self, epoch: int, first_seq: int, batches: tuple[bytes, ...]) -> int:
        """See ``ReplicaStore``."""
        transactions = [
            Transaction(first_seq + index, decode_writes(batch))
            for index, batch in enumerate(batches)
        ]
        try:
            return await self._replica.apply(epoch, transactions)
        except ReplicaGap as err:
            raise StoreConflict(f"gap in the replica: {err}") from err

    async def load(self, epoch: int, seq: int, part: int, writes: bytes, *, is_last: bool) -> None:
        """See ``ReplicaStore``."""
        try:
            await self._replica.load(epoch, seq, part, decode_writes(writes), is_last=is_last)
        except ReplicaGap as err:
            raise StoreConflict(str(err.args[0])) from err

    async def archived(self, after: str, limit: int) -> bytes:
        """See ``ReplicaStore``."""
        return encode_checksums(await self._replica.checksums(after, limit))

    async def read(self, table: str, after: str, keys: tuple[str, ...]) -> StorePage:
        """See ``ReplicaStore``."""
        if table not in set(Table):
            raise ConfigurationError(f"the store has no table {table!r}")
        page = await self._replica.page(Table(table), after, keys)
        rows = tuple(Put(Table(table), key, value) for key, value in page.rows.items())
        return StorePage(seq=page.seq, epoch=page.epoch, rows=encode_writes(rows), more=page.more)

    async def forget(self) -> None:
        """See ``ReplicaStore``."""
        await self._replica.close()
        await in_thread(self._remove)

    async def state(self) -> StoreState:
        """See ``ReplicaStore``."""
        seq, epoch = await self._replica.state()
        return StoreState(seq=seq, epoch=epoch)
