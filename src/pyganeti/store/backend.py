"""The blocking core that both the master's store and a candidate's replica stand on.

A backend applies one transaction at a time on one thread; grouping, replication and the event loop
are :mod:`pyganeti.store.committer`'s business.
"""

from collections.abc import Sequence
from typing import Protocol

from pyganeti.model.errors import StoreFenced
from pyganeti.store.interface import Contents, Dump, Table, Transaction


class Backend(Protocol):
    """A set of records that can be changed atomically and durably. Not thread-safe."""

    def load(self) -> Contents:
        """All records but the archive; raises ``StoreCorrupt``."""
        ...

    def read(self, table: Table, key: str) -> bytes | None:
        """One record; raises ``StoreCorrupt``."""
        ...

    def read_many(self, table: Table, keys: Sequence[str]) -> dict[str, bytes]:
        """Those of the records that exist; raises ``StoreCorrupt``."""
        ...

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        ...

    def apply(self, transaction: Transaction, *, epoch: int | None = None) -> None:
        """Make the writes and ``meta/seq`` durable, all or nothing.

        Args:
            transaction: what to write; its number follows the stored one.
            epoch: the highest term that may be stored; ``None`` for any.

        Raises:
            StoreFenced: a higher epoch is stored, or another handle has written since our last
                transaction; nothing changed.
            ConfigurationError: refused (a full disk); nothing changed.
        """
        ...

    def dump(self) -> Dump:
        """Everything."""
        ...

    def restore(self, dump: Dump) -> None:
        """Replace everything by ``dump``, atomically and durably."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


def check_turn(stored_seq: int, stored_epoch: int, seq: int, epoch: int | None) -> None:
    """Whether transaction ``seq`` of term ``epoch`` may be applied to what is stored.

    Raises:
        StoreFenced: it may not.
    """
    if epoch is not None and stored_epoch > epoch:
        raise StoreFenced(f"the store obeys term {stored_epoch}, this master has {epoch}")
    if seq != stored_seq + 1:
        raise StoreFenced(f"the store is at change {stored_seq}, {seq} does not follow it")
