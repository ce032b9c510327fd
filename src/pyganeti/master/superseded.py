"""Notices that this master's term is over: nodes refuse it because they obey a newer one.

Watches the transport, so that every answer of every call counts. A master that most nodes refuse
can do nothing and must not look alive: the daemon ends it.
Source: ``docs/design/0001-state.md`` (Term).
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyganeti.model.errors import StaleEpoch
from pyganeti.wire.noderpc.call import NodeAddress


class TermWatch:
    """Counts the nodes which obey a newer master; a ``Watch``.

    Args:
        voters: gives the number of nodes that vote.

    Attributes:
        over: set once more than half of the voters refuse this master.
    """

    def __init__(self, voters: Callable[[], int]) -> None:
        self._voters = voters
        self._refusing: set[str] = set()
        self.over = asyncio.Event()

    @contextmanager
    def over_request(self, node: NodeAddress) -> Iterator[None]:
        """See ``Watch``."""
        try:
            yield
        except StaleEpoch:
            self._refusing.add(node.name)
            if len(self._refusing) * 2 > self._voters():
                self.over.set()
            raise

    over_task = over_request
