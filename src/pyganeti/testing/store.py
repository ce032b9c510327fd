"""The master's store in a simulated cluster: memory, and faults at commits of the configuration."""

from pyganeti.store.committer import Committer
from pyganeti.store.interface import Batch
from pyganeti.store.memory import MemoryBackend
from pyganeti.testing.faults import FaultPoints


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
