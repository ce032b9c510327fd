"""Answers to calls about instance allocators."""

from pyganeti.node.allocators import Allocators
from pyganeti.node.dispatcher import Handler, handles_with_run
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import allocator as calls


class AllocatorHandlers:
    """Allocators of a node."""

    def __init__(self, allocators: Allocators) -> None:
        self._allocators = allocators

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (handles_with_run(calls.IallocatorRunnerCall, self._run),)

    async def _run(self, call: calls.IallocatorRunnerCall, run: CallRun) -> str:
        return await self._allocators.run(call.name, call.idata, call.options, run.runner)
