"""Guests under QEMU. See ``base.Hypervisor``.

Start: plan (pure) -> taps -> files -> QEMU, stopped -> QMP: password, CPUs, run. Files come before
the process, so that whoever finds a process also finds what belongs to it.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import GenericError, HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.host import read_host
from pyganeti.node.network.base import Network, Tap
from pyganeti.wire.noderpc.types import (
    ConsoleInfo,
    GuestInfo,
    GuestState,
    HypervisorInfo,
    InstanceSpec,
    NicSpec,
    Params,
)

from . import params, process, runtime
from .command import Machine
from .console import console_info
from .facts import QemuAsker
from .finish import let_run
from .layout import GuestPaths, KvmLayout
from .qmp import qmp_session

_POLL_S: Final = 0.1
# A guest that is still booting does not hear ACPI: it is asked again until the time is over.
_ASK_AGAIN_S: Final = 5.0
_QUIT_S: Final = 5.0


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
    ) -> None:
        self._layout = layout
        self._run = runner
        self._network = network
        self._asker = asker
        self._clock = clock
        self._share = share
        self._vhost = vhost
        self._locks: dict[str, asyncio.Lock] = {}

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def start(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], *, paused: bool
    ) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.start`."""
        paths = self._layout.guest(instance.name)
        async with self._lock(instance.name):
            if process.find(paths) is not None:
                return
            await self._clean_up(instance, paths)
            planned = await self._plan(instance, disks, paths)
            self._layout.make()
            try:
                await self._launch(instance, planned, paths, paused=paused)
            except BaseException:
                await asyncio.shield(self._abandon(instance, paths))
                raise

    async def _plan(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...], paths: GuestPaths
    ) -> runtime.Runtime:
        hvp = instance.hvparams
        params.check_pending(hvp)
        params.check_combinations(hvp)
        params.check_files(hvp)
        masks = params.parse_cpu_mask(str(hvp["cpu_mask"]))
        vcpus = int(instance.beparams["vcpus"])
        if len(masks) not in (1, vcpus):
            text = f"cpu_mask has {len(masks)} entries, but there are {vcpus} virtual CPUs"
            raise HypervisorError(f"{instance.name}: {text}")
        return runtime.plan(instance, disks, paths, await self._machine(hvp))

    async def _machine(self, hvp: Params) -> Machine:
        qemu = params.qemu_path(hvp)
        facts = await self._asker.facts(qemu)
        params.check_facts(hvp, facts)
        flag = hvp["kvm_flag"]
        use_kvm = flag == "enabled" or (
            flag != "disabled" and await self._asker.kvm_works(qemu, str(hvp["cpu_type"]))
        )
        machine = str(hvp["machine_version"]) or facts.default_machine
        return Machine(qemu, machine, "kvm" if use_kvm else "tcg")

    async def _launch(
        self, instance: InstanceSpec, planned: runtime.Runtime, paths: GuestPaths, *, paused: bool
    ) -> None:
        taps: list[Tap] = []
        try:
            for index in range(len(instance.nics)):
                taps.append(await self._open_tap(planned.hvparams))
                _write_nic(paths, index, taps[-1].name)
                await self._network.connect(instance, index, taps[-1].name)
            write_atomic(paths.runtime, runtime.encode(planned), durable=False)
            argv = runtime.full_command(planned, tuple(taps), vhost=self._vhost)
            fds = tuple(fd for tap in taps for fd in tap.fds)
            await self._execute(Command(argv, pass_fds=fds), instance.name)
        finally:
            # QEMU holds them now; if there is none, this makes them vanish.
            for tap in taps:
                self._network.close_tap(tap)
        async with qmp_session(paths.qmp, instance.name) as qmp:
            await let_run(qmp, instance, paths, paused=paused)

    async def _open_tap(self, hvp: Params) -> Tap:
        paravirtual = hvp["nic_type"] == "paravirtual"
        queues = int(hvp["virtio_net_queues"]) if paravirtual else 1
        header = bool(hvp["vnet_hdr"]) and paravirtual
        return await self._network.open_tap(queues=queues, vnet_hdr=header)

    async def _execute(self, command: Command, name: str) -> None:
        try:
            await self._run(command)
        except ProcessError as err:
            reason = "; ".join(str(err).splitlines())
            raise HypervisorError(f"{name} could not be started: {reason}") from err

    async def _abandon(self, instance: InstanceSpec, paths: GuestPaths) -> None:
        found = process.find(paths)
        if found is not None:
            await self._kill(found, paths)
        await self._clean_up(instance, paths)

    async def stop(self, instance: InstanceSpec, timeout_s: float) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.stop`."""
        paths = self._layout.guest(instance.name)
        async with self._lock(instance.name):
            found = process.find(paths)
            if found is not None and not await self._ask_to_end(instance, paths, timeout_s):
                await self._force(instance, found, paths)
            await self._clean_up(instance, paths)

    async def _ask_to_end(
        self, instance: InstanceSpec, paths: GuestPaths, timeout_s: float
    ) -> bool:
        deadline = self._clock.monotonic() + timeout_s
        while (left := deadline - self._clock.monotonic()) > 0:
            # One that does not answer has perhaps just ended; else it is forced in the end.
            with suppress(HypervisorError):
                await self._tell(instance.name, paths, "system_powerdown")
            if await self._wait_gone(paths, min(left, _ASK_AGAIN_S)):
                return True
        return process.find(paths) is None

    async def _force(
        self, instance: InstanceSpec, found: process.GuestProcess, paths: GuestPaths
    ) -> None:
        with suppress(HypervisorError):
            await self._tell(instance.name, paths, "quit")
        if not await self._wait_gone(paths, _QUIT_S):
            await self._kill(found, paths)
        if process.find(paths) is not None:
            raise HypervisorError(f"{instance.name} still runs as process {found.pid}")

    async def _kill(self, found: process.GuestProcess, paths: GuestPaths) -> None:
        if process.find(paths) == found:
            with suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
        await self._wait_gone(paths, _QUIT_S)

    async def _wait_gone(self, paths: GuestPaths, timeout_s: float) -> bool:
        deadline = self._clock.monotonic() + timeout_s
        while process.find(paths) is not None:
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(_POLL_S)
        return True

    async def _tell(self, name: str, paths: GuestPaths, command: str) -> None:
        async with qmp_session(paths.qmp, name) as qmp:
            await qmp.execute(command)

    async def _clean_up(self, instance: InstanceSpec, paths: GuestPaths) -> None:
        """Remove all that belongs to a guest which does not run."""
        nics = self._started_nics(instance, paths)
        described = msgspec.structs.replace(instance, nics=nics)
        for index, name in _read_nics(paths):
            if index < len(nics):
                # What cannot be undone for an interface that is gone must not keep the rest.
                with suppress(GenericError):
                    await self._network.disconnect(described, index, name)
        shutil.rmtree(paths.nics, ignore_errors=True)
        for path in (*paths.sockets, paths.runtime, paths.pid):
            remove(path)

    def _started_nics(self, instance: InstanceSpec, paths: GuestPaths) -> tuple[NicSpec, ...]:
        data = read_bytes(paths.runtime)
        if data is None:
            return instance.nics
        try:
            return tuple(nic for nic, _info in runtime.decode(data).nics)
        except HypervisorError:
            return instance.nics

    async def reboot(self, instance: InstanceSpec) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.reboot`."""
        paths = self._layout.guest(instance.name)
        async with self._lock(instance.name):
            if process.find(paths) is None:
                raise HypervisorError(f"{instance.name} does not run")
            await self._tell(instance.name, paths, "system_reset")

    async def names(self) -> tuple[str, ...]:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.names`."""
        try:
            names = sorted(os.listdir(self._layout.pids))
        except FileNotFoundError:
            return ()
        return tuple(name for name in names if process.find(self._layout.guest(name)) is not None)

    async def info(self, name: str) -> GuestInfo | None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.info`."""
        found = process.find(self._layout.guest(name))
        if found is None:
            return None
        return GuestInfo(
            name=name,
            memory=found.memory_mib(),
            vcpus=found.vcpus(),
            state=GuestState.RUNNING,
            cputime=found.cpu_seconds(),
            hypervisor="kvm",
        )

    async def console(self, instance: InstanceSpec) -> ConsoleInfo:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.console`."""
        return console_info(instance, self._layout.guest(instance.name))

    async def check_params(self, hvparams: Params) -> None:
        """See :meth:`~pyganeti.node.hypervisor.base.Hypervisor.check_params`."""
        checks: tuple[Callable[[Params], None], ...] = (
            params.check_pending,
            params.check_combinations,
            params.check_files,
        )
        for check in checks:
            check(hvparams)
        qemu = params.qemu_path(hvparams)
        params.check_facts(hvparams, await self._asker.facts(qemu))
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


def _write_nic(paths: GuestPaths, index: int, name: str) -> None:
    os.makedirs(paths.nics, 0o755, exist_ok=True)
    write_atomic(paths.nic(index), name.encode("ascii"), mode=0o644, durable=False)


def _read_nics(paths: GuestPaths) -> list[tuple[int, str]]:
    """Interfaces on record: ``(index, name)``."""
    try:
        indices = sorted(int(name) for name in os.listdir(paths.nics) if name.isdigit())
    except FileNotFoundError:
        return []
    found = ((index, (read_bytes(paths.nic(index)) or b"").decode("ascii")) for index in indices)
    return [(index, name.strip()) for index, name in found if name.strip()]
