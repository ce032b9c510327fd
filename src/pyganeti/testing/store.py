"""The master's store in a simulated cluster: memory, and faults at commits of the configuration."""

from pyganeti.model.errors import ConfigurationError
from pyganeti.store.committer import Committer
from pyganeti.store.interface import Batch, Transaction
from pyganeti.store.memory import MemoryBackend
from pyganeti.testing.faults import FaultPoints


class SimBackend(MemoryBackend):
    """Memory that can be full: then it refuses, as a disk does."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def apply(self, transaction: Transaction, *, epoch: int | None = None) -> None:
        """See :class:`MemoryBackend`."""
        if self.full:
            raise ConfigurationError("the database cannot be written: no space left on device")
        super().apply(transaction, epoch=epoch)


class FaultyCommitter(Committer):
    """A :class:`Committer` whose commits of the configuration are fault points.

    Args:
        backend: outlives the master.
        faults: injects.
    """

    def __init__(self, backend: MemoryBackend, faults: FaultPoints) -> None:
        super().__init__(backend, None)
        self._faults = faults

    async def commit(self, batch: Batch) -> None:
        """See :class:`Committer`."""
        if batch.base_serial is None:
            await super().commit(batch)
            return
        number = await self._faults.before("commit of the configuration", is_commit=True)
        await super().commit(batch)
        await self._faults.after(number, "commit of the configuration")
