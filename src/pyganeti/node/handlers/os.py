"""Answers to calls about OS definitions and external storage providers."""

from pyganeti.kit.threads import in_thread
from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.storage.providers import diagnose
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import os as calls
from pyganeti.wire.noderpc.types import (
    OsInfo,
    ProviderInfo,
)


class OsHandlers:
    """OS definitions and storage providers of a node.

    Args:
        oses: the definitions.
        provider_path: directories in which providers are looked for.
    """

    def __init__(self, oses: OsScripts, provider_path: tuple[str, ...]) -> None:
        self._oses = oses
        self._provider_path = provider_path

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.ExtStorageDiagnoseCall, self._providers),
            handles(calls.OsDiagnoseCall, self._diagnose),
            handles_with_run(calls.OsValidateCall, self._validate),
        )

    async def _diagnose(self, _call: calls.OsDiagnoseCall) -> tuple[OsInfo, ...]:
        return await self._oses.diagnose()

    async def _providers(self, _call: calls.ExtStorageDiagnoseCall) -> tuple[ProviderInfo, ...]:
        return await in_thread(diagnose, self._provider_path)

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
