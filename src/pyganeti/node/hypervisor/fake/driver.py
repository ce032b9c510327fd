"""The fake hypervisor. See ``base.Hypervisor``; its guests take memory and do nothing.

One whose first disk begins with :data:`POWERS_OFF` has done all it was for, and is gone.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import HypervisorError
from pyganeti.model.state_disks import is_state
from pyganeti.node.hypervisor.base import GuestDisk, more_than_started
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
    GuestState,
    HypervisorInfo,
)
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params

from .migration import FakeMigration
from .records import Record, Records

POWERS_OFF: Final = b"power off\n"


def read_start(path: str, count: int) -> bytes:
    """The first bytes of a file; none of one that cannot be read."""
    try:
        with open(path, "rb") as handle:
            return handle.read(count)
    except OSError:
        return b""


class FakeHypervisor:
    """Starts guests by writing them down.

    Args:
        records: the books.
        clock: tells CPU time of guests, all of which are busy.
        host: memory and CPUs without guests.
        fault: what is wrong with it, for those that want something to be.
    """

    def __init__(
        self,
        records: Records,
        clock: Clock,
        host: Callable[[], HypervisorInfo],
        fault: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._records = records
        self._clock = clock
        self._host = host
        self._fault = fault
        self.migration = FakeMigration(records)

    async def start(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], *, paused: bool
    ) -> None:
        """See :meth:`~..base.Hypervisor.start`."""
        if self._running(instance.name) is not None:
            return
        memory = int(instance.beparams.get("maxmem", 0))
        vcpus = int(instance.beparams.get("vcpus", 1))
        record = Record(instance.name, memory, vcpus, self._clock.now(), paused)
        self._records.put(_with_devices(record, instance, disks))
        if disks and read_start(disks[0].link, len(POWERS_OFF)) == POWERS_OFF:
            self._records.remove(instance.name)

    async def stop(self, instance: InstanceSpec, timeout_s: float) -> None:
        """See :meth:`~..base.Hypervisor.stop`."""
        self._records.remove(instance.name)

    async def reboot(self, instance: InstanceSpec) -> None:
        """See :meth:`~..base.Hypervisor.reboot`."""
        record = self._running(instance.name)
        if record is None:
            raise HypervisorError(f"{instance.name} does not run")
        self._records.put(msgspec.structs.replace(record, resets=record.resets + 1))

    async def change_devices(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        kept: frozenset[str] = frozenset(),
    ) -> tuple[str, ...]:
        """See :meth:`~..base.Hypervisor.change_devices`.

        Raises:
            HypervisorError: the guest is paused, so it releases nothing.
        """
        record = self._running(instance.name)
        if record is None:
            return ()
        changed = _as_it_was(record, _with_devices(record, instance, disks), kept)
        gone = [one for one in record.disks if one not in changed.disks]
        gone += [uuid for uuid, mac in record.nics if (uuid, mac) not in changed.nics]
        if gone and record.paused:
            raise HypervisorError(f"{instance.name}: the guest has not released {gone[0]}")
        self._records.put(changed)
        new = [uuid for uuid in changed.disks if uuid not in record.disks]
        new += [uuid for uuid, mac in changed.nics if (uuid, mac) not in record.nics]
        return (*(f"unplugged {uuid}" for uuid in gone), *(f"plugged {uuid}" for uuid in new))

    async def balloon(self, instance: InstanceSpec, memory_mib: int) -> None:
        """See :meth:`~..base.Hypervisor.balloon`."""
        record = self._running(instance.name)
        if record is None:
            raise HypervisorError(f"{instance.name} does not run")
        started_with = record.started_with or record.memory
        if memory_mib > started_with:
            raise more_than_started(instance.name, memory_mib, started_with)
        # One that stands still gives up nothing.
        memory = record.memory if record.paused else memory_mib
        changed = msgspec.structs.replace(record, memory=memory, started_with=started_with)
        self._records.put(changed)

    async def names(self) -> tuple[str, ...]:
        """See :meth:`~..base.Hypervisor.names`."""
        return tuple(name for name in self._records.names() if self._running(name) is not None)

    async def ended(self) -> tuple[str, ...]:
        """See :meth:`~..base.Hypervisor.ended`."""
        return tuple(name for name in self._records.names() if self._running(name) is None)

    def _running(self, name: str) -> Record | None:
        record = self._records.get(name)
        return None if record is None or record.ended else record

    async def info(self, name: str) -> GuestInfo | None:
        """See :meth:`~..base.Hypervisor.info`."""
        record = self._records.get(name)
        if record is None:
            return None
        return GuestInfo(
            name=record.name,
            memory=record.memory,
            vcpus=record.vcpus,
            state=_state(record),
            cputime=self._clock.now() - record.started,
            hypervisor="fake",
        )

    async def console(self, instance: InstanceSpec) -> ConsoleInfo:
        """See :meth:`~..base.Hypervisor.console`."""
        text = "Console not available for fake hypervisor"
        return ConsoleInfo(instance=instance.name, kind="msg", message=text)

    async def check_params(self, hvparams: Params) -> None:
        """Nothing on a node can make them unusable."""

    async def node_info(self) -> HypervisorInfo:
        """See :meth:`~..base.Hypervisor.node_info`; guests' memory counts as taken."""
        host = self._host()
        records = (self._running(name) for name in self._records.names())
        taken = sum(record.memory for record in records if record is not None)
        return msgspec.structs.replace(host, memory_free=max(host.memory_free - taken, 0))

    async def find_fault(self, hvparams: Params) -> str | None:
        """See :meth:`~..base.Hypervisor.find_fault`."""
        return self._fault()


def _state(record: Record) -> GuestState:
    if record.ended:
        return GuestState.SHUTDOWN
    return GuestState.PAUSED if record.paused else GuestState.RUNNING


def _with_devices(record: Record, instance: InstanceSpec, disks: tuple[GuestDisk, ...]) -> Record:
    return msgspec.structs.replace(
        record,
        nics=tuple((nic.uuid, nic.mac) for nic in instance.nics),
        disks=tuple(disk.spec.uuid for disk in disks if not is_state(disk.spec.name)),
    )


def _as_it_was(before: Record, after: Record, kept: frozenset[str]) -> Record:
    """``after``, but for devices that stay as they were ``before``."""
    macs = dict(before.nics)
    return msgspec.structs.replace(
        after,
        nics=tuple(
            (uuid, macs[uuid] if uuid in kept else mac)
            for uuid, mac in after.nics
            if uuid not in kept or uuid in macs
        ),
        disks=tuple(uuid for uuid in after.disks if uuid not in kept or uuid in before.disks),
    )
