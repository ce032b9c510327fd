"""Notices that this master's term is over: nodes refuse it because they obey a newer one.

Wraps the transport, so that every answer of every call counts. A master that most nodes refuse can
do nothing and must not look alive: the daemon ends it. See ``docs/design/0001-state.md`` (Term).
"""

import asyncio
from collections.abc import Callable

from pyganeti.model.errors import StaleEpoch
from pyganeti.wire.noderpc.call import CallContext, NodeAddress, NodeCall, NodeClient, R, TaskId
from pyganeti.wire.noderpc.types import TaskProgress


class TermWatch:
    """A ``NodeClient`` that counts the nodes which obey a newer master.

    Args:
        client: the transport.
        voters: gives the number of nodes that vote.

    Attributes:
        over: set once more than half of the voters refuse this master.
    """

    def __init__(self, client: NodeClient, voters: Callable[[], int]) -> None:
        self._client = client
        self._voters = voters
        self._refusing: set[str] = set()
        self.over = asyncio.Event()

    def _refused(self, node: NodeAddress) -> None:
        self._refusing.add(node.name)
        if len(self._refusing) * 2 > self._voters():
            self.over.set()

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """See ``NodeClient``."""
        try:
            return await self._client.call(node, call, ctx)
        except StaleEpoch:
            self._refused(node)
            raise

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        """See ``NodeClient``."""
        try:
            return await self._client.start(node, call, ctx)
        except StaleEpoch:
            self._refused(node)
            raise

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        """See ``NodeClient``."""
        try:
            return await self._client.wait(node, task, kind, ctx, progress)
        except StaleEpoch:
            self._refused(node)
            raise
