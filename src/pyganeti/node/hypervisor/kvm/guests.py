"""Processes and files of guests under QEMU: what starting, stopping and moving them have in common.

Files come before the process, so that whoever finds a process also finds what belongs to it.
"""

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.model.errors import GenericError, HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.network.base import Network, Tap
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NicSpec,
)
from pyganeti.wire.noderpc.struct import Params

from . import process, runtime, trace
from .command import user_arguments
from .devices import TPM, HvInfo
from .facts import QemuAsker
from .hotplug import HotPlug, as_on_record
from .layout import GuestPaths, KvmLayout
from .nic_files import interfaces, write_interface
from .qmp import qmp_session
from .tpm import Tpms
from .users import UserPool

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_QUIT_S: Final = 5.0
# Their packets find the guest by routes and not by its MAC address: these must not point to two
# nodes, so they are set where the guest runs.
_ROUTED: Final = frozenset({"routed"})


class KvmGuests:
    """The guests of a node.

    Args:
        layout: where guests' files lie.
        runner: runs QEMU.
        network: makes and connects interfaces.
        clock: for waits.
        vhost: whether the kernel can carry packets for QEMU (``/dev/vhost-net``).
        asker: knows the installed QEMU.
        users: whom guests run as.
    """

    def __init__(
        self,
        layout: KvmLayout,
        runner: Runner,
        network: Network,
        clock: Clock,
        *,
        vhost: bool,
        asker: QemuAsker,
        users: UserPool,
    ) -> None:
        self.layout = layout
        self._run = runner
        self._network = network
        self._clock = clock
        self._vhost = vhost
        self._asker = asker
        self._users = users
        self.tpms = Tpms(runner, clock)
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, name: str) -> asyncio.Lock:
        """Held while a guest is changed."""
        return self._locks.setdefault(name, asyncio.Lock())

    async def launch(
        self,
        instance: InstanceSpec,
        planned: runtime.Runtime,
        paths: GuestPaths,
        *,
        incoming: bool = False,
    ) -> None:
        """Start QEMU: stopped, or waiting to be told where a guest comes from.

        Raises:
            HypervisorError: it does not start; :meth:`abandon` removes what was made.
        """
        paths.check_sockets()
        self.layout.make()
        taps: list[Tap] = []
        try:
            for index, nic in enumerate(instance.nics):
                taps.append(await self._open_tap(planned.hvparams, nic))
                write_interface(paths, nic, index, taps[-1].name)
                if not (incoming and nic.mode in _ROUTED):
                    await self._network.connect(instance, index, taps[-1].name)
            if planned.hvparams.get("use_chroot"):
                os.mkdir(paths.chroot, 0o755)
            _save(paths, planned)
            tpm = planned.unseen_disk(TPM)
            if tpm is not None:
                await self.tpms.start(paths, tpm.link, incoming=incoming)
            argv = runtime.full_command(planned, tuple(taps), vhost=self._vhost, incoming=incoming)
            user_shutdown = bool(planned.hvparams.get("user_shutdown"))
            argv += trace.arguments(paths, incoming=incoming, user_shutdown=user_shutdown)
            fds = tuple(fd for tap in taps for fd in tap.fds)
            async with self._as_user(instance.name, planned, paths) as user:
                await self._execute(Command(argv + user, pass_fds=fds), instance.name)
        finally:
            # QEMU holds them now; if there is none, this makes them vanish.
            for tap in taps:
                self._network.close_tap(tap)

    @asynccontextmanager
    async def _as_user(
        self, name: str, planned: runtime.Runtime, paths: GuestPaths
    ) -> AsyncIterator[tuple[str, ...]]:
        """Arguments that let QEMU become a user of its own, if it is to."""
        if planned.hvparams.get("security_model") != "pool":
            yield ()
            return
        facts = await self._asker.facts(planned.command[0])
        async with self._users.one(name, paths) as user:
            yield user_arguments(user, run_with="run-with" in facts.options)

    async def _open_tap(self, hvp: Params, nic: NicSpec) -> Tap:
        paravirtual = hvp["nic_type"] == "paravirtual"
        queues = int(hvp["virtio_net_queues"]) if paravirtual else 1
        header = bool(hvp["vnet_hdr"]) and paravirtual
        return await self._network.open_tap(nic, queues=queues, vnet_hdr=header)

    async def change_devices(
        self,
        instance: InstanceSpec,
        disks: tuple[GuestDisk, ...],
        kept: frozenset[str],
        paths: GuestPaths,
    ) -> tuple[str, ...]:
        """Give a running guest the NICs and disks of ``instance``; see :class:`~.hotplug.HotPlug`.

        Those ``kept`` stay as it has them, or has them not.

        Raises:
            HypervisorError: QEMU refused one, or the guest does not release one.
        """
        planned = runtime.decode(read_bytes(paths.runtime) or b"")
        unseen = _still_there(instance.name, planned, disks)
        held = {disk.spec.uuid for disk, _info in unseen}
        own = tuple(disk for disk in runtime.seen_disks(disks) if disk.spec.uuid not in held)
        entries = tuple(entry for entry in planned.disks if entry[0].spec.uuid not in held)
        seen = replace(planned, disks=entries)

        def save(changed: runtime.Runtime) -> None:
            _save(paths, replace(changed, disks=changed.disks + unseen))

        save(seen)
        async with self._hot_plug(instance.name, paths, seen, save) as hot:
            return await hot.reconcile(*as_on_record(seen, instance, own, kept))

    async def forget_released(self, name: str, paths: GuestPaths) -> None:
        """Let the runtime file of a running guest name only what the guest still has.

        It may release a device long after it was asked to, so who reads the file does this first.

        Raises:
            HypervisorError: QEMU keeps what such a device lay on.
        """
        planned = runtime.decode(read_bytes(paths.runtime) or b"")
        async with self._hot_plug(name, paths, planned, partial(_save, paths)) as hot:
            await hot.forget_released()

    @asynccontextmanager
    async def _hot_plug(
        self,
        name: str,
        paths: GuestPaths,
        planned: runtime.Runtime,
        save: Callable[[runtime.Runtime], None],
    ) -> AsyncIterator[HotPlug]:
        async with qmp_session(paths.qmp, name) as qmp:
            yield HotPlug(
                name,
                paths,
                qmp,
                planned,
                self._network,
                partial(self._open_tap, planned.hvparams),
                save,
                self._clock,
                vhost=self._vhost,
            )

    async def _execute(self, command: Command, name: str) -> None:
        try:
            await self._run(command)
        except ProcessError as err:
            reason = "; ".join(str(err).splitlines())
            raise HypervisorError(f"{name} could not be started: {reason}") from err

    async def connect_routed(self, instance: InstanceSpec, paths: GuestPaths) -> None:
        """Connect the interfaces that had to wait until the guest runs here."""
        known = {nic.uuid: nic for nic in instance.nics}
        nics = tuple(known.get(nic.uuid, nic) for nic in self._started_nics(instance, paths))
        described = msgspec.structs.replace(instance, nics=nics)
        for index, name in enumerate(interfaces(paths, nics)):
            if name is not None and nics[index].mode in _ROUTED:
                await self._network.connect(described, index, name)

    async def abandon(self, instance: InstanceSpec, paths: GuestPaths) -> None:
        """End the guest at once, if it is there, and remove what belongs to it."""
        found = process.find(paths)
        if found is not None:
            await self.kill(found, paths)
        await self.clean_up(instance, paths)

    async def kill(self, found: process.GuestProcess, paths: GuestPaths) -> None:
        """End a guest's process without asking it."""
        if process.find(paths) == found:
            with suppress(ProcessLookupError):
                os.kill(found.pid, signal.SIGKILL)
        await self.wait_gone(paths, _QUIT_S)

    async def wait_gone(self, paths: GuestPaths, timeout_s: float) -> bool:
        """Whether the guest has ended after at most ``timeout_s`` seconds."""
        deadline = self._clock.monotonic() + timeout_s
        while process.find(paths) is not None:
            if self._clock.monotonic() >= deadline:
                return False
            await self._clock.sleep(_POLL_S)
        return True

    async def tell(self, name: str, paths: GuestPaths, command: str) -> None:
        """Give QEMU an order."""
        async with qmp_session(paths.qmp, name) as qmp:
            await qmp.execute(command)

    async def clean_up(self, instance: InstanceSpec, paths: GuestPaths) -> None:
        """Remove all that belongs to a guest which does not run."""
        await self.tpms.end(paths)
        nics = self._started_nics(instance, paths)
        described = msgspec.structs.replace(instance, nics=nics)
        for index, name in enumerate(interfaces(paths, nics)):
            if name is not None:
                # What cannot be undone for an interface that is gone must not keep the rest.
                with suppress(GenericError):
                    await self._network.disconnect(described, index, name)
        shutil.rmtree(paths.nics, ignore_errors=True)
        _clear_chroot(paths)
        for path in paths.files:
            remove(path)

    def _started_nics(self, instance: InstanceSpec, paths: GuestPaths) -> tuple[NicSpec, ...]:
        data = read_bytes(paths.runtime)
        if data is None:
            return instance.nics
        try:
            return tuple(nic for nic, _info in runtime.decode(data).nics)
        except HypervisorError:
            return instance.nics


def _still_there(
    name: str, planned: runtime.Runtime, disks: tuple[GuestDisk, ...]
) -> tuple[tuple[GuestDisk, HvInfo], ...]:
    """What the firmware and the TPM of a running guest have, where it is now.

    Raises:
        HypervisorError: such a disk is to be taken away.
    """
    here = {disk.spec.uuid: disk for disk in disks}
    for disk, _info in planned.unseen:
        if disk.spec.uuid not in here:
            raise HypervisorError(f"{name} has its disk {disk.spec.name} until it is stopped")
    return tuple((here[disk.spec.uuid], info) for disk, info in planned.unseen)


def _save(paths: GuestPaths, planned: runtime.Runtime) -> None:
    write_atomic(paths.runtime, runtime.encode(planned), durable=False)


def _clear_chroot(paths: GuestPaths) -> None:
    """Remove the directory a guest was shut into; what it should not have in it is kept apart."""
    try:
        os.rmdir(paths.chroot)
    except FileNotFoundError:
        return
    except OSError:
        name = os.path.basename(paths.chroot)
        kept = tempfile.mkdtemp(prefix=f"{name}-", dir=paths.quarantine)
        os.rename(paths.chroot, f"{kept}/{name}")
        _log.warning("files of %s are kept in %s", name, kept)
