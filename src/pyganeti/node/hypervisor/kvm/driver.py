"""Guests under QEMU. See ``base.Hypervisor``.

Start: plan (pure) -> taps -> files -> QEMU, stopped -> QMP: password, CPUs, run.
"""

import asyncio
import os
from contextlib import suppress
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.process import Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError
from pyganeti.model.params.hv_kvm import boots_uefi, has_tpm
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.host import online_cpus, read_host
from pyganeti.node.network.base import Network
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
    GuestState,
    HypervisorInfo,
)
from pyganeti.wire.noderpc.specs import InstanceSpec
from pyganeti.wire.noderpc.struct import Params

from . import balloon, params, process, runtime, trace
from .attempts import attempts
from .command import Machine
from .console import console_info
from .devices import FLASH
from .facts import QemuAsker
from .finish import let_run
from .firmware import DIRECTORIES, Firmware, find_firmware
from .guests import KvmGuests
from .layout import GuestPaths, KvmLayout
from .migration import KvmMigration
from .qmp import qmp_session
from .spice import SpicePlaces
from .users import UserPool
from .variables import prepare_store

# A guest that is still booting does not hear ACPI: it is asked again until the time is over.
_ASK_AGAIN_S: Final = 5.0
_QUIT_S: Final = 5.0
# QEMU's words for a guest that waits for its first instruction, and for its next one.
_NOT_BEGUN: Final = "prelaunch"
_PAUSED: Final = "paused"


class KvmHypervisor:
    """See ``base.Hypervisor``.

    Args:
        layout: where guests' files lie.
        runner: runs QEMU.
        network: makes and connects interfaces.
        asker: knows the installed QEMU.
        clock: for waits.
        share: the part of the machine this node owns is one in ``share``.
        vhost: whether the kernel can carry packets for QEMU (``/dev/vhost-net``).
        spice: what SPICE servers need.
        users: whom guests run as.
        descriptors: directories with descriptors of firmware.
    """

    def __init__(
        self,
        layout: KvmLayout,
        *,
        runner: Runner,
        network: Network,
        asker: QemuAsker,
        clock: Clock,
        share: int = 1,
        vhost: bool = False,
        spice: SpicePlaces,
        users: UserPool,
        descriptors: tuple[str, ...] = DIRECTORIES,
    ) -> None:
        self._guests = KvmGuests(
            layout, runner, network, clock, vhost=vhost, asker=asker, users=users
        )
        self._users = users
        self._descriptors = descriptors
        self._asker = asker
        self._spice = spice
        self.migration = KvmMigration(self._guests, asker, clock)
        self._clock = clock
        self._share = share

    async def start(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], *, paused: bool
    ) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.start`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            if process.find(paths) is not None:
                return
            await self._guests.clean_up(instance, paths)
            planned = await self._plan(instance, disks, paths)
            try:
                # Not where a guest arrives: its source has done it.
                await self._prepare_variables(planned)
                await self._guests.launch(instance, planned, paths)
                async with qmp_session(paths.qmp, instance.name) as qmp:
                    await let_run(qmp, instance, paths, paused=paused)
            except BaseException:
                await asyncio.shield(self._guests.abandon(instance, paths))
                raise

    async def _plan(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], paths: GuestPaths
    ) -> runtime.Runtime:
        hvp = instance.hvparams
        params.check_combinations(hvp)
        params.check_files(hvp)
        masks = params.parse_cpu_mask(str(hvp["cpu_mask"]))
        vcpus = int(instance.beparams["vcpus"])
        if len(masks) not in (1, vcpus):
            text = f"cpu_mask has {len(masks)} entries, but there are {vcpus} virtual CPUs"
            raise HypervisorError(f"{instance.name}: {text}")
        return runtime.plan(instance, disks, paths, await self._machine(hvp))

    async def _prepare_variables(self, planned: runtime.Runtime) -> None:
        disk = planned.unseen_disk(FLASH)
        firmware = self._find_firmware(planned.hvparams, runtime.machine_of(planned))
        if disk is not None and firmware is not None:
            await in_thread(prepare_store, disk, firmware)

    def _find_firmware(self, hvp: Params, machine: str) -> Firmware | None:
        return find_firmware(machine, self._descriptors) if boots_uefi(hvp) else None

    async def _machine(self, hvp: Params) -> Machine:
        qemu = params.qemu_path(hvp)
        facts = await self._asker.facts(qemu)
        params.check_facts(hvp, facts)
        machine = str(hvp["machine_version"]) or facts.default_machine
        run_with = "run-with" in facts.options
        accelerator = _accelerator(use_kvm=await self._uses_kvm(hvp))
        spice = await self._spice.server(hvp)
        firmware = self._find_firmware(hvp, machine)
        return Machine(qemu, machine, accelerator, run_with, spice, firmware)

    async def _uses_kvm(self, hvp: Params) -> bool:
        if hvp["kvm_flag"]:
            return bool(hvp["kvm_flag"] == "enabled")
        return await self._asker.kvm_works(params.qemu_path(hvp), str(hvp["cpu_type"]))

    async def stop(self, instance: InstanceSpec, timeout_s: float) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.stop`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            found = process.find(paths)
            if found is not None and not await self._ask_to_end(instance, paths, timeout_s):
                await self._force(instance, found, paths)
            await self._guests.clean_up(instance, paths)

    async def _ask_to_end(
        self, instance: InstanceSpec, paths: GuestPaths, timeout_s: float
    ) -> bool:
        if timeout_s > 0 and not await self._can_hear(instance.name, paths):
            return False
        deadline = self._clock.monotonic() + timeout_s
        while (left := deadline - self._clock.monotonic()) > 0:
            # One that does not answer has perhaps just ended; else it is forced in the end.
            with suppress(HypervisorError):
                await self._guests.tell(instance.name, paths, "system_powerdown")
            if await self._guests.wait_gone(paths, min(left, _ASK_AGAIN_S)):
                return True
        return process.find(paths) is None

    async def _can_hear(self, name: str, paths: GuestPaths) -> bool:
        """Whether the guest can end by itself; one that was paused later on goes on for that.

        One that was started paused has not begun: there is nothing it could write back.
        """
        try:
            async with qmp_session(paths.qmp, name) as qmp:
                state = (await qmp.execute("query-status"))["status"]
                if state == _PAUSED:
                    await qmp.execute("cont")
        except HypervisorError:
            return True  # it has perhaps just ended; else it is forced in the end
        return bool(state != _NOT_BEGUN)

    async def _force(
        self, instance: InstanceSpec, found: process.GuestProcess, paths: GuestPaths
    ) -> None:
        with suppress(HypervisorError):
            await self._guests.tell(instance.name, paths, "quit")
        if not await self._guests.wait_gone(paths, _QUIT_S):
            await self._guests.kill(found, paths)
        if process.find(paths) is not None:
            raise HypervisorError(f"{instance.name} still runs as process {found.pid}")

    async def reboot(self, instance: InstanceSpec) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.reboot`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            if process.find(paths) is None:
                raise HypervisorError(f"{instance.name} does not run")
            await self._guests.tell(instance.name, paths, "system_reset")

    async def change_devices(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        kept: frozenset[str] = frozenset(),
    ) -> tuple[str, ...]:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.change_devices`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            if process.find(paths) is None:
                return ()
            return await self._guests.change_devices(instance, disks, kept, paths)

    async def balloon(self, instance: InstanceSpec, memory_mib: int) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.balloon`."""
        paths = self._guests.layout.guest(instance.name)
        async with self._guests.lock(instance.name):
            found = process.find(paths)
            if found is None:
                raise HypervisorError(f"{instance.name} does not run")
            await balloon.inflate(instance.name, found, paths, memory_mib)

    async def names(self) -> tuple[str, ...]:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.names`."""
        try:
            names = sorted(os.listdir(self._guests.layout.pids))
        except FileNotFoundError:
            return ()
        return tuple(
            name for name in names if process.find(self._guests.layout.guest(name)) is not None
        )

    async def ended(self) -> tuple[str, ...]:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.ended`."""
        names = self._guests.layout.started()
        return tuple([name for name in names if await self._has_ended_itself(name)])

    async def _has_ended_itself(self, name: str) -> bool:
        paths = self._guests.layout.guest(name)
        if process.find(paths) is not None:
            return False
        try:
            started = runtime.decode(read_bytes(paths.runtime) or b"")
            facts = await self._asker.facts(started.command[0])
        except (HypervisorError, IndexError):
            return False  # damaged, or its QEMU is not installed any more
        return trace.was_shut_down(paths, facts.guest_shutdown)

    async def info(self, name: str) -> GuestInfo | None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.info`."""
        found = process.find(self._guests.layout.guest(name))
        if found is None:
            return _ended_guest(name) if await self._has_ended_itself(name) else None
        return GuestInfo(
            name=name,
            memory=await balloon.memory_of(name, found, self._guests.layout.guest(name)),
            vcpus=found.vcpus(),
            state=await self._state(name, found),
            cputime=found.cpu_seconds(),
            hypervisor="kvm",
        )

    async def _state(self, name: str, found: process.GuestProcess) -> GuestState:
        """``RUNNING``, but for a QEMU that Ganeti started so that it outlives its guest."""
        if "-no-shutdown" not in found.argv:
            return GuestState.RUNNING
        try:
            async with qmp_session(self._guests.layout.guest(name).qmp, name) as qmp:
                state = (await qmp.execute("query-status"))["status"]
        except HypervisorError:
            return GuestState.RUNNING
        return GuestState.SHUTDOWN if state == "shutdown" else GuestState.RUNNING

    async def console(self, instance: InstanceSpec) -> ConsoleInfo:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.console`."""
        return console_info(instance, self._guests.layout.guest(instance.name))

    async def check_params(self, hvparams: Params) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.check_params`."""
        params.check_combinations(hvparams)
        params.check_files(hvparams)
        params.check_cpus(hvparams, await in_thread(online_cpus))
        if hvparams["security_model"] == "pool":
            self._users.check()
        qemu = params.qemu_path(hvparams)
        facts = await self._asker.facts(qemu)
        params.check_facts(hvparams, facts)
        self._find_firmware(hvparams, str(hvparams["machine_version"]) or facts.default_machine)
        if has_tpm(hvparams):
            await self._guests.tpms.check(hvparams, facts)
        spice = await self._spice.server(hvparams)
        if spice is not None and hvparams["spice_use_tls"]:
            params.check_certificates(spice.certificate, spice.ca)
        machine = str(hvparams["machine_version"]) or facts.default_machine
        use_kvm = await self._uses_kvm(hvparams)
        for attempt in attempts(hvparams, machine, _accelerator(use_kvm=use_kvm)):
            reason = await self._asker.refusal(qemu, attempt)
            if reason is not None:
                raise params.refused_by_qemu(hvparams, attempt.name, facts.version, reason)
        cpu_type = str(hvparams["cpu_type"])
        if hvparams["kvm_flag"] == "enabled" and not await self._asker.kvm_works(qemu, cpu_type):
            text = "hypervisor parameter kvm_flag: 'enabled', but KVM runs no guest on this node"
            raise HypervisorError(text)

    async def node_info(self) -> HypervisorInfo:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.node_info`."""
        return read_host(self._share)

    async def find_fault(self, hvparams: Params) -> str | None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.find_fault`."""
        qemu = params.qemu_path({"kvm_path": params.DEFAULT_KVM_PATH, **hvparams})
        try:
            await self._asker.facts(qemu)
        except HypervisorError as err:
            return str(err)
        return None


def _accelerator(*, use_kvm: bool) -> str:
    return "kvm" if use_kvm else "tcg"


def _ended_guest(name: str) -> GuestInfo:
    return GuestInfo(
        name=name, memory=0, vcpus=0, state=GuestState.SHUTDOWN, cputime=0.0, hypervisor="kvm"
    )
