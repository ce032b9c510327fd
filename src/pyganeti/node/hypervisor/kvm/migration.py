"""Guests of QEMU on their way to another node. See ``..migration.Migration``.

    runtime file ── accept: a QEMU that waits ── send: QEMU to QEMU ── the copy here has stopped

QEMU sends by itself: no daemon of ours carries a byte, and none is missed when it ends. The target
lets the guest run as soon as all is there; the source's copy then stands still (``postmigrate``).
QEMU's return path stays off: with it, a source that misses the last acknowledgement lets its copy
run again while the other one runs already.
"""

import asyncio
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.host import read_cpu
from pyganeti.node.hypervisor.migration import Progress
from pyganeti.wire.noderpc.guests import (
    GuestRole,
    HostTraits,
    MigrationInfo,
)
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params

from . import balloon, process, runtime, trace
from .facts import QemuAsker
from .finish import prepare
from .guests import KvmGuests
from .layout import GuestPaths
from .params import qemu_path
from .qmp import Qmp, qmp_session
from .sending import begin, cancel, find_failure, find_role, follow, set_capabilities, tell_progress

_POLL_S: Final = 0.5
_SOON_S: Final = 0.1
# How long the last of a guest's state may take to be read on the target.
_ARRIVAL_S: Final = 60.0
# How long a copy that waits is given to show that its state came after all.
_GRACE_S: Final = 1.0
_CANCEL_S: Final = 60.0
# Copies on the target that are not the guest, and never were.
_MAY_END: Final = frozenset({GuestRole.ABSENT, GuestRole.INCOMING, GuestRole.LOST})


class KvmMigration:
    """See ``..migration.Migration``.

    Args:
        guests: processes and files.
        asker: knows the installed QEMU.
        clock: for waits.
    """

    def __init__(self, guests: KvmGuests, asker: QemuAsker, clock: Clock) -> None:
        self._guests = guests
        self._asker = asker
        self._clock = clock

    async def traits(self, hvparams: Params) -> HostTraits:
        """See :meth:`~..migration.Migration.traits`."""
        qemu = qemu_path(hvparams)
        facts = await self._asker.facts(qemu)
        works = await self._asker.kvm_works(qemu, str(hvparams["cpu_type"]))
        vendor, flags = read_cpu()
        return HostTraits(
            version=facts.version,
            machines=tuple(sorted(facts.machines)),
            accelerator="kvm" if works else "tcg",
            cpu_vendor=vendor,
            cpu_flags=flags,
        )

    async def info(self, instance: InstanceSpec) -> MigrationInfo:
        """See :meth:`~..migration.Migration.info`."""
        paths = self._guests.layout.guest(instance.name)
        if process.find(paths) is None:
            raise _does_not_run(instance)
        # What is read here decides which devices there are on the other node.
        async with self._guests.lock(instance.name):
            await self._guests.forget_released(instance.name, paths)
            data = read_bytes(paths.runtime) or b""
        started = runtime.decode(data)
        async with qmp_session(paths.qmp, instance.name) as qmp:
            status = await qmp.execute("query-status")
        return MigrationInfo(
            guest=data.decode("utf-8"),
            running=bool(status["running"]),
            machine=runtime.machine_of(started),
            cpu=runtime.value_of(started, "-cpu"),
            accelerator=runtime.accelerator_of(started),
        )

    async def role(self, instance: InstanceSpec) -> GuestRole:
        """See :meth:`~..migration.Migration.role`."""
        return await self._role(instance, self._guests.layout.guest(instance.name))

    async def _role(self, instance: InstanceSpec, paths: GuestPaths) -> GuestRole:
        if process.find(paths) is None:
            return trace.role_of_ended(paths)
        try:
            async with qmp_session(paths.qmp, instance.name) as qmp:
                return await find_role(qmp)
        except HypervisorError:
            if await self._guests.wait_gone(paths, _GRACE_S):
                return trace.role_of_ended(paths)
            raise

    async def accept(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        info: MigrationInfo,
        address: str,
    ) -> None:
        """See :meth:`~..migration.Migration.accept`."""
        paths = self._guests.layout.guest(instance.name)
        sent = runtime.decode(info.guest.encode("utf-8"))
        planned = runtime.received(sent, instance, disks, paths, qemu_path(instance.hvparams))
        described = msgspec.structs.replace(instance, nics=tuple(nic for nic, _ in planned.nics))
        async with self._guests.lock(instance.name):
            role = await self._role(instance, paths)
            if role not in _MAY_END:
                raise HypervisorError(f"{instance.name} is on this node already: {role}")
            await self._guests.abandon(described, paths)
            try:
                await self._guests.launch(described, planned, paths, incoming=True)
                async with qmp_session(paths.qmp, instance.name) as qmp:
                    await self._listen(qmp, described, paths, address)
            except BaseException:
                await asyncio.shield(self._guests.abandon(described, paths))
                raise

    async def _listen(
        self, qmp: Qmp, instance: InstanceSpec, paths: GuestPaths, address: str
    ) -> None:
        await qmp.execute(trace.PROOF)
        await prepare(qmp, instance, paths)
        await set_capabilities(qmp, instance.hvparams)
        await qmp.execute("migrate-incoming", uri=_uri(address, instance.hvparams))

    async def send(
        self, instance: InstanceSpec, address: str, *, live: bool, progress: Progress
    ) -> None:
        """See :meth:`~..migration.Migration.send`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            role = await self._role(instance, paths)
            if role is GuestRole.RUNNING:
                async with qmp_session(paths.qmp, instance.name) as qmp:
                    uri = _uri(address, instance.hvparams)
                    await begin(qmp, instance.hvparams, uri, live=live)
            elif role not in (GuestRole.OUTGOING, GuestRole.SENT):
                raise _does_not_run(instance)
        # Not locked: who wants to cancel it must not wait for its end.
        await self._watch(instance, paths, progress)

    async def _watch(self, instance: InstanceSpec, paths: GuestPaths, progress: Progress) -> None:
        while True:
            if process.find(paths) is None:
                raise HypervisorError(f"{instance.name} ended while it was sent")
            async with qmp_session(paths.qmp, instance.name) as qmp:
                if await find_role(qmp) is GuestRole.SENT:
                    return
                failure = await find_failure(qmp)
                if failure is not None:
                    raise HypervisorError(f"{instance.name}: {failure}")
                await follow(qmp, instance.hvparams)
                await tell_progress(qmp, progress)
            await self._clock.sleep(_POLL_S)

    async def cancel(self, instance: InstanceSpec) -> GuestRole:
        """See :meth:`~..migration.Migration.cancel`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            return await self._cancel(instance, paths)

    async def _cancel(self, instance: InstanceSpec, paths: GuestPaths) -> GuestRole:
        role = await self._role(instance, paths)
        if role is not GuestRole.OUTGOING:
            return role
        async with qmp_session(paths.qmp, instance.name) as qmp:
            await cancel(qmp)
        role = await self._wait_while(GuestRole.OUTGOING, instance, paths, _CANCEL_S)
        if role is GuestRole.OUTGOING:
            raise HypervisorError(f"{instance.name} is still being sent")
        return role

    async def _wait_while(
        self, role: GuestRole, instance: InstanceSpec, paths: GuestPaths, timeout_s: float
    ) -> GuestRole:
        """Its role as soon as it is another, or after ``timeout_s`` seconds."""
        deadline = self._clock.monotonic() + timeout_s
        while (found := await self._role(instance, paths)) is role:
            if self._clock.monotonic() >= deadline:
                break
            await self._clock.sleep(_SOON_S)
        return found

    async def finish_target(self, instance: InstanceSpec, *, success: bool, resume: bool) -> None:
        """See :meth:`~..migration.Migration.finish_target`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            limit = _ARRIVAL_S if success else _GRACE_S
            role = await self._wait_while(GuestRole.INCOMING, instance, paths, limit)
            if success:
                await self._take_over(instance, paths, role, resume=resume)
            elif role in _MAY_END:
                await self._guests.abandon(instance, paths)
            else:
                raise HypervisorError(f"{instance.name} runs on this node: it is not ended")

    async def _take_over(
        self, instance: InstanceSpec, paths: GuestPaths, role: GuestRole, *, resume: bool
    ) -> None:
        if role in (GuestRole.ABSENT, GuestRole.LOST):
            raise HypervisorError(f"{instance.name} ended while it was received")
        if role is GuestRole.INCOMING:
            text = f"the state of {instance.name} did not arrive within {_ARRIVAL_S:g} s"
            raise HypervisorError(text)
        await self._guests.connect_routed(instance, paths)
        found = process.find(paths)
        async with qmp_session(paths.qmp, instance.name) as qmp:
            if resume:
                # One that was sent standing still does so here, too.
                await qmp.execute("cont")
            if found is not None:
                await balloon.note(qmp, found, paths)

    async def finish_source(self, instance: InstanceSpec, *, success: bool, resume: bool) -> None:
        """See :meth:`~..migration.Migration.finish_source`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            role = await self._role(instance, paths)
            if success:
                if role not in (GuestRole.ABSENT, GuestRole.LOST, GuestRole.SENT):
                    text = f"{instance.name} may run on this node: it is not ended"
                    raise HypervisorError(f"{text} ({role})")
                await self._guests.abandon(instance, paths)
            else:
                await self._go_on(instance, paths, resume=resume)

    async def _go_on(self, instance: InstanceSpec, paths: GuestPaths, *, resume: bool) -> None:
        role = await self._cancel(instance, paths)
        if role not in (GuestRole.RUNNING, GuestRole.SENT):
            raise _does_not_run(instance)
        async with qmp_session(paths.qmp, instance.name) as qmp:
            if resume or role is GuestRole.SENT:
                await qmp.execute("cont")
            if not resume:
                # From "sent" there is no other way back to "paused".
                await qmp.execute("stop")


def _uri(address: str, hvp: Params) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"tcp:{host}:{hvp['migration_port']}"


def _does_not_run(instance: InstanceSpec) -> HypervisorError:
    return HypervisorError(f"{instance.name} does not run")
