"""Answers to calls about OS definitions."""

from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import os as calls
from pyganeti.wire.noderpc.types import OsInfo


class OsHandlers:
    """OS definitions of a node."""

    def __init__(self, oses: OsScripts) -> None:
        self._oses = oses

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.OsDiagnoseCall, self._diagnose),
            handles_with_run(calls.OsValidateCall, self._validate),
        )

    async def _diagnose(self, _call: calls.OsDiagnoseCall) -> tuple[OsInfo, ...]:
        return await self._oses.diagnose()

    async def _validate(self, call: calls.OsValidateCall, run: CallRun) -> bool:
        return await self._oses.validate(
            call.name,
            call.checks,
            call.osparams,
            call.osparams_private,
            run.runner,
            required=call.required,
            force_variant=call.force_variant,
        )
