"""Guests of the fake hypervisor on their way to another node. See ``..migration.Migration``.

Nothing travels: the target's copy is written down when it is to wait, and counts as running when
the transfer is finished there.
"""

import asyncio
from typing import Final

import msgspec

from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.migration import Progress
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    HostTraits,
    MigrationInfo,
)
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params
from pyganeti.wire.noderpc.types import TaskProgress

from .records import Record, Records

# Copies on the target that are not the guest, and never were.
_MAY_END: Final = frozenset({GuestRole.ABSENT, GuestRole.INCOMING, GuestRole.LOST})


class FakeMigration:
    """See ``..migration.Migration``. Sending waits in the middle for the event ``halfway``.

    Args:
        records: the books.

    Attributes:
        halfway: where sending waits.
        host: what guests find here.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self.host = HostTraits()
        self.halfway = asyncio.Event()
        self.halfway.set()

    async def traits(self, hvparams: Params) -> HostTraits:
        """See :meth:`~..migration.Migration.traits`."""
        return self.host

    async def info(self, instance: InstanceSpec) -> MigrationInfo:
        """See :meth:`~..migration.Migration.info`."""
        record = self._get(instance, GuestRole.RUNNING)
        guest = msgspec.json.encode(record).decode("utf-8")
        return MigrationInfo(guest=guest, running=not record.paused)

    async def role(self, instance: InstanceSpec) -> GuestRole:
        """See :meth:`~..migration.Migration.role`."""
        record = self._records.get(instance.name)
        return GuestRole.ABSENT if record is None or record.ended else record.role

    async def accept(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        info: MigrationInfo,
        address: str,
    ) -> None:
        """See :meth:`~..migration.Migration.accept`."""
        role = await self.role(instance)
        if role not in _MAY_END:
            raise HypervisorError(f"{instance.name} is on this node already: {role}")
        record = msgspec.json.decode(info.guest, type=Record)
        self._records.put(msgspec.structs.replace(record, role=GuestRole.INCOMING))

    async def send(
        self, instance: InstanceSpec, address: str, *, live: bool, progress: Progress
    ) -> None:
        """See :meth:`~..migration.Migration.send`."""
        record = self._get(instance, GuestRole.RUNNING, GuestRole.OUTGOING, GuestRole.SENT)
        if record.role is GuestRole.SENT:
            return
        self._put(record, GuestRole.OUTGOING)
        progress(TaskProgress(record.memory // 2, record.memory))
        await self.halfway.wait()
        if await self.role(instance) is not GuestRole.OUTGOING:
            raise HypervisorError(f"{instance.name}: sending cancelled")
        self._put(record, GuestRole.SENT)

    async def cancel(self, instance: InstanceSpec) -> GuestRole:
        """See :meth:`~..migration.Migration.cancel`."""
        record = self._records.get(instance.name)
        if record is not None and record.role is GuestRole.OUTGOING:
            self._put(record, GuestRole.RUNNING)
        return await self.role(instance)

    async def finish_target(self, instance: InstanceSpec, *, success: bool, resume: bool) -> None:
        """See :meth:`~..migration.Migration.finish_target`."""
        role = await self.role(instance)
        if success:
            record = self._get(instance, GuestRole.INCOMING, GuestRole.RUNNING)
            self._put(msgspec.structs.replace(record, paused=not resume), GuestRole.RUNNING)
        elif role in _MAY_END:
            self._records.remove(instance.name)
        else:
            raise HypervisorError(f"{instance.name} runs on this node: it is not ended")

    async def finish_source(self, instance: InstanceSpec, *, success: bool, resume: bool) -> None:
        """See :meth:`~..migration.Migration.finish_source`."""
        role = await self.role(instance)
        if not success:
            record = self._get(instance, GuestRole.SENT, GuestRole.RUNNING, GuestRole.OUTGOING)
            self._put(msgspec.structs.replace(record, paused=not resume), GuestRole.RUNNING)
        elif role in (GuestRole.ABSENT, GuestRole.LOST, GuestRole.SENT):
            self._records.remove(instance.name)
        else:
            raise HypervisorError(f"{instance.name} may run on this node: it is not ended")

    def _get(self, instance: InstanceSpec, *roles: GuestRole) -> Record:
        record = self._records.get(instance.name)
        if record is None or record.role not in roles:
            raise HypervisorError(f"{instance.name} does not run")
        return record

    def _put(self, record: Record, role: GuestRole) -> None:
        self._records.put(msgspec.structs.replace(record, role=role))
