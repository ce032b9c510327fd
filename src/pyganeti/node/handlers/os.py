"""Answers to calls about OS definitions and external storage providers."""

from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.os.scripts import OsScripts
from pyganeti.node.storage.ext.scripts import ProviderScripts
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
        providers: the providers.
    """

    def __init__(self, oses: OsScripts, providers: ProviderScripts) -> None:
        self._oses = oses
        self._providers = providers

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.ExtStorageDiagnoseCall, self._diagnose_providers),
            handles(calls.ExtStorageValidateCall, self._validate_provider),
            handles(calls.OsDiagnoseCall, self._diagnose),
            handles_with_run(calls.OsValidateCall, self._validate),
        )

    async def _diagnose(self, _call: calls.OsDiagnoseCall) -> tuple[OsInfo, ...]:
        return await self._oses.diagnose()

    async def _diagnose_providers(
        self, _call: calls.ExtStorageDiagnoseCall
    ) -> tuple[ProviderInfo, ...]:
        return await self._providers.diagnose()

    async def _validate_provider(self, call: calls.ExtStorageValidateCall) -> tuple[str, ...]:
        found = await self._providers.verify(call.provider, call.params)
        return tuple(sorted(found.scripts))

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
