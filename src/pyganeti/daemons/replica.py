"""Joins the node calls that replicate the database to this node's copy of it."""

from pyganeti.model.errors import StoreConflict
from pyganeti.store.codec import decode_dump, decode_writes
from pyganeti.store.interface import Transaction
from pyganeti.store.replica import Replica, ReplicaGap
from pyganeti.wire.noderpc.types import StoreState


class CandidateStore:
    """A :class:`~pyganeti.wire.noderpc.store.ReplicaStore` on a :class:`Replica`."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

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

    async def load(self, epoch: int, seq: int, dump: bytes) -> None:
        """See ``ReplicaStore``."""
        await self._replica.load(epoch, decode_dump(seq, dump))

    async def state(self) -> StoreState:
        """See ``ReplicaStore``."""
        seq, epoch = await self._replica.state()
        return StoreState(seq=seq, epoch=epoch)
