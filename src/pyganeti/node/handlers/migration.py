"""Answers to calls about guests that move while they run."""

from pyganeti.node.dispatcher import Handler, handles, handles_with_run
from pyganeti.node.hypervisor.base import Hypervisors
from pyganeti.node.hypervisor.migration import Migration
from pyganeti.node.tasks import CallRun
from pyganeti.wire.noderpc import migration as calls
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    HostTraits,
    MigrationInfo,
)
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.types import TaskProgress

from .blockdev import BlockdevHandlers


class MigrationHandlers:
    """Guests that come to a node and leave it."""

    def __init__(self, hypervisors: Hypervisors, disks: BlockdevHandlers) -> None:
        self._hypervisors = hypervisors
        self._disks = disks

    def all(self) -> tuple[Handler, ...]:
        """One handler a procedure."""
        return (
            handles(calls.AcceptInstanceCall, self._accept),
            handles(calls.InstanceFinalizeMigrationDstCall, self._finish_target),
            handles(calls.InstanceFinalizeMigrationSrcCall, self._finish_source),
            handles_with_run(calls.InstanceMigrateCall, self._migrate),
            handles(calls.MigrationCancelCall, self._cancel),
            handles(calls.MigrationInfoCall, self._info),
            handles(calls.MigrationRoleCall, self._role),
            handles(calls.MigrationTraitsCall, self._traits),
        )

    def _of(self, instance: InstanceSpec) -> Migration:
        return self._hypervisors.driver(instance.hypervisor).migration

    async def _traits(self, call: calls.MigrationTraitsCall) -> HostTraits:
        return await self._hypervisors.driver(call.hypervisor).migration.traits(call.hvparams)

    async def _info(self, call: calls.MigrationInfoCall) -> MigrationInfo:
        return await self._of(call.instance).info(call.instance)

    async def _role(self, call: calls.MigrationRoleCall) -> GuestRole:
        return await self._of(call.instance).role(call.instance)

    async def _accept(self, call: calls.AcceptInstanceCall) -> None:
        disks = await self._disks.attach(call.instance)
        await self._of(call.instance).accept(call.instance, disks, call.info, call.address)

    async def _migrate(self, call: calls.InstanceMigrateCall, run: CallRun) -> None:
        def progress(made: TaskProgress) -> None:
            run.progress = made

        migration = self._of(call.instance)
        await migration.send(call.instance, call.address, live=call.live, progress=progress)

    async def _cancel(self, call: calls.MigrationCancelCall) -> GuestRole:
        return await self._of(call.instance).cancel(call.instance)

    async def _finish_target(self, call: calls.InstanceFinalizeMigrationDstCall) -> None:
        await self._of(call.instance).finish_target(
            call.instance, success=call.success, resume=call.resume
        )

    async def _finish_source(self, call: calls.InstanceFinalizeMigrationSrcCall) -> None:
        await self._of(call.instance).finish_source(
            call.instance, success=call.success, resume=call.resume
        )
