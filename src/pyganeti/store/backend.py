"""The blocking core that both the master's store and a candidate's replica stand on.

A backend applies one transaction at a time on one thread; grouping, replication and the event loop
are :mod:`pyganeti.store.committer`'s business.
"""

from typing import Protocol

from pyganeti.store.interface import Contents, Dump, Table, Transaction


class Backend(Protocol):
    """A set of records that can be changed atomically and durably. Not thread-safe."""

    def load(self) -> Contents:
        """All records but the archive; raises ``StoreCorrupt``."""
        ...

    def read(self, table: Table, key: str) -> bytes | None:
        """One record; raises ``StoreCorrupt``."""
        ...

    def keys(self, table: Table) -> list[str]:
        """Keys of ``table``, sorted."""
        ...

    def apply(self, transaction: Transaction) -> None:
        """Make the writes and ``meta/seq`` durable, all or nothing.

        Raises:
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
