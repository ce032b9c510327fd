"""A transport under watch: every call passes a watch that counts it or looks at its error."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from .call import CallContext, NodeAddress, NodeCall, NodeClient, R, TaskId
from .types import TaskProgress


class Watch(Protocol):
    """Sees how calls end; errors pass it."""

    def over_request(self, node: NodeAddress, /) -> AbstractContextManager[None]:
        """Goes around one request to ``node``, which it answers at once."""
        ...

    def over_task(self, node: NodeAddress, /) -> AbstractContextManager[None]:
        """Goes around the wait for a task on ``node``, which may take hours."""
        ...


class WatchedNodes:
    """A ``NodeClient`` that ``watch`` sees all calls of.

    Args:
        client: the transport.
        watch: sees them.
    """

    def __init__(self, client: NodeClient, watch: Watch) -> None:
        self._client = client
        self._watch = watch

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """See ``NodeClient``."""
        with self._watch.over_task(node) if call.long else self._watch.over_request(node):
            return await self._client.call(node, call, ctx)

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        """See ``NodeClient``."""
        with self._watch.over_request(node):
            return await self._client.start(node, call, ctx)

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        """See ``NodeClient``."""
        with self._watch.over_task(node):
            return await self._client.wait(node, task, kind, ctx, progress)
