"""The candidate's side of replication: node calls ``store_*`` onto the replica's database."""

from pyganeti.model.errors import StoreConflict
from pyganeti.store.codec import decode_dump, decode_writes
from pyganeti.store.interface import Transaction
from pyganeti.store.replica import Replica, ReplicaGap
from pyganeti.wire.noderpc.types import StoreState


class NodeReplica:
    """Implements ``wire.noderpc.store.ReplicaStore``.

    Args:
        replica: the copy that the node keeps.
    """

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    async def apply(self, epoch: int, first_seq: int, batches: tuple[bytes, ...]) -> int:
        """Apply change sets in order; raises ``StoreConflict`` for a gap."""
        transactions = [
            Transaction(first_seq + offset, decode_writes(batch))
            for offset, batch in enumerate(batches)
        ]
        try:
            return await self._replica.apply(epoch, transactions)
        except ReplicaGap as err:
            raise StoreConflict(*err.args) from err

    async def load(self, epoch: int, seq: int, dump: bytes) -> None:
        """Replace everything."""
        await self._replica.load(epoch, decode_dump(seq, dump))

    async def state(self) -> StoreState:
        """Where the copy stands."""
        seq, epoch = await self._replica.state()
        return StoreState(seq=seq, epoch=epoch)
