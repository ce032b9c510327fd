"""Answers to calls about power and restricted commands."""

from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.oob import run_oob
from pyganeti.node.powercycle import Powercycle
from pyganeti.node.restricted import RestrictedCommands
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import power as calls


class PowerHandlers:
    """Power of this node and, by out-of-band programs, of others."""

    def __init__(self, powercycle: Powercycle, restricted: RestrictedCommands) -> None:
        self._powercycle = powercycle
        self._restricted = restricted

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.NodePowercycleCall, self._cycle),
            handles_with_run(calls.RestrictedCommandCall, self._run_restricted),
            handles_with_run(calls.RunOobCall, self._run_oob),
        )

    async def _cycle(self, _call: calls.NodePowercycleCall) -> str:
        return self._powercycle.schedule()

    async def _run_restricted(self, call: calls.RestrictedCommandCall, run: CallRun) -> str:
        return await self._restricted.run(call.cmd, run.runner)

    async def _run_oob(self, call: calls.RunOobCall, run: CallRun) -> calls.OobAnswer:
        return await run_oob(call, run.runner)
