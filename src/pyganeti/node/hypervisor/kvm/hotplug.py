"""NICs and disks of a running guest: made to be those that its instance has now.

    InstanceSpec, runtime file, what QEMU has -> unplug -> new order and links -> plug

The runtime file names a device before QEMU gets it and until QEMU has lost it, so whoever finds a
half-done change finds the device there, and doing it again completes it. What the guest has is
asked of QEMU: its devices by their ids, its PCI slots. Source: QEMU's QMP reference.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from pyganeti.kit.clock import Clock
from pyganeti.model.errors import GenericError, HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.network.base import Network, Tap
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NicSpec,
)

from .devices import (
    SCSI_MODELS,
    HvInfo,
    blockdev,
    disk_device,
    disk_hvinfo,
    nic_device,
    nic_hvinfo,
    node_name,
)
from .layout import GuestPaths
from .nic_files import forget_interface, interfaces, write_interface
from .opened import given_open
from .pci import PciSlots, bus_of, taken_slots
from .qmp import Qmp
from .runtime import Runtime

# A guest is asked to release a device, and one without an operating system never does.
_RELEASE_S: Final = 30.0
_LET_GO_S: Final = 10.0
_NUDGE_S: Final = 1.0
_POLL_S: Final = 0.1
NEEDED: Final = frozenset(
    {"add-fd", "blockdev-add", "blockdev-del", "device_add", "device_del", "getfd", "remove-fd"}
)
_PERIPHERAL: Final = "/machine/peripheral"
_SCSI_IDS: Final = 256


@dataclass(slots=True)
class HotPlug:
    """Changes one running guest.

    Attributes:
        name: of the guest, for messages.
        paths: of its files.
        qmp: a session with its QEMU.
        runtime: its devices, as on record.
        network: makes and connects interfaces.
        open_tap: makes one as the guest's parameters want it.
        save: writes the runtime file.
        clock: for waits.
        vhost: let the kernel carry packets.
    """

    name: str
    paths: GuestPaths
    qmp: Qmp
    runtime: Runtime
    network: Network
    open_tap: Callable[[NicSpec], Awaitable[Tap]]
    save: Callable[[Runtime], None]
    clock: Clock
    vhost: bool

    async def reconcile(
        self, instance: InstanceSpec, disks: tuple[GuestDisk, ...]
    ) -> tuple[str, ...]:
        """Give the guest the NICs and disks of ``instance``; what was done, a line each.

        A NIC that changed is replaced. Of a device that fails nothing is left; those before it
        stay changed.

        Raises:
            HypervisorError: QEMU refused one, or the guest does not release one.
        """
        answers = await self.qmp.execute("query-commands")
        missing = sorted(NEEDED - {answer["name"] for answer in answers})
        if missing:
            raise HypervisorError(f"{self.name}: its QEMU has no command {missing[0]}")
        done = [*await self._unplug_disks(disks), *await self._unplug_nics(instance)]
        self._arrange(instance, disks)
        done += [*await self._plug_disks(disks), *await self._plug_nics(instance)]
        return (*done, *await self._resize_disks(disks))

    async def forget_released(self) -> None:
        """Forget devices that the guest released after nobody waited for that any more.

        Raises:
            HypervisorError: QEMU keeps what such a disk lay on.
        """
        present = await self._present()
        for index, (disk, info) in enumerate(self.runtime.disks):
            if info.get("id", "") not in {"", *present}:
                await self._forget_disk(disk, index)
        for nic, info in self.runtime.nics:
            if info.get("id", "") not in {"", *present}:
                await self._drop_nic(nic, info)

    def _put(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.save(runtime)

    async def _present(self) -> set[str]:
        """Ids of the devices that QEMU has."""
        found = await self.qmp.execute("qom-list", path=_PERIPHERAL)
        return {entry["name"] for entry in found}

    def _arrange(self, instance: InstanceSpec, disks: tuple[GuestDisk, ...]) -> None:
        """Record devices in their new order, disks with their new links."""
        had_disks = {disk.spec.uuid: info for disk, info in self.runtime.disks}
        had_nics = {nic.uuid: info for nic, info in self.runtime.nics}
        kept_disks = ((disk, had_disks.get(disk.spec.uuid)) for disk in disks)
        kept_nics = ((nic, had_nics.get(nic.uuid)) for nic in instance.nics)
        arranged = replace(
            self.runtime,
            disks=tuple((disk, info) for disk, info in kept_disks if info is not None),
            nics=tuple((nic, info) for nic, info in kept_nics if info is not None),
        )
        if arranged != self.runtime:
            self._put(arranged)

    # --- out

    async def _unplug_disks(self, disks: tuple[GuestDisk, ...]) -> list[str]:
        wanted = {disk.spec.uuid for disk in disks}
        done = []
        for index, (disk, info) in enumerate(self.runtime.disks):
            if disk.spec.uuid in wanted:
                continue
            await self._release(str(info.get("id", "")))
            await self._forget_disk(disk, index)
            done.append(f"unplugged disk {disk.spec.uuid}")
        return done

    async def _forget_disk(self, disk: GuestDisk, index: int) -> None:
        """Forget a disk that QEMU has not as a device any more: its block node, its record."""
        await self._drop_node(node_name(disk, index))
        left = tuple(one for one in self.runtime.disks if one[0] != disk)
        self._put(replace(self.runtime, disks=left))

    async def _unplug_nics(self, instance: InstanceSpec) -> list[str]:
        wanted = {_identity(nic) for nic in instance.nics}
        done = []
        for nic, info in self.runtime.nics:
            if _identity(nic) in wanted:
                continue
            await self._release(str(info.get("id", "")))
            await self._drop_nic(nic, info)
            done.append(f"unplugged NIC {nic.uuid}")
        return done

    async def _release(self, device: str) -> None:
        """Take a device out of the guest, which must agree; one that is not there is a success."""
        if not device or device not in await self._present():
            return
        refused: HypervisorError | None = None
        try:
            await self.qmp.execute("device_del", id=device)
        except HypervisorError as err:
            # It may have been asked before and take its time.
            refused = err
        deadline = self.clock.monotonic() + _RELEASE_S
        while device in await self._present():
            if self.clock.monotonic() >= deadline:
                text = f"{self.name}: the guest has not released {device} in {_RELEASE_S:g} s"
                later = "one that is booting does it later: repeat this then"
                raise HypervisorError(f"{text}; {later}") from refused
            await self.clock.sleep(_POLL_S)

    async def _drop_node(self, node: str) -> None:
        """Remove a block node; one that is not there is a success."""
        now = self.clock.monotonic()
        nudge, deadline = now + _NUDGE_S, now + _LET_GO_S
        while node in await self._sizes():
            try:
                await self.qmp.execute("blockdev-del", **{"node-name": node})
            except HypervisorError:
                # The device lets go of it a little after it is gone itself.
                now = self.clock.monotonic()
                if now >= deadline:
                    raise
                if now >= nudge:
                    nudge = deadline
                    await self._interrupt()
                await self.clock.sleep(_POLL_S)

    async def _interrupt(self) -> None:
        """Pause the guest and let it go on.

        QEMU frees what a device had when its processors have left the code that may still see it,
        which an emulated one that spins in a short loop never does by itself.
        """
        if (await self.qmp.execute("query-status"))["running"]:
            await self.qmp.execute("stop")
            await self.qmp.execute("cont")

    async def _sizes(self) -> dict[str, int]:
        """The block nodes that there are, and how large the guest sees them."""
        found = await self.qmp.execute("query-named-block-nodes", flat=True)
        return {entry["node-name"]: int(entry["image"]["virtual-size"]) for entry in found}

    async def _drop_nic(self, nic: NicSpec, info: HvInfo) -> None:
        """Forget a NIC that QEMU has not as a device any more: its backend, interface, record."""
        with suppress(HypervisorError):  # it may have none
            await self.qmp.execute("netdev_del", id=f"net-{info['id']}")
        nics = tuple(one for one, _info in self.runtime.nics)
        for index, name in enumerate(interfaces(self.paths, nics)):
            if nics[index] == nic and name:
                # What cannot be undone for an interface that is gone must not keep the rest.
                with suppress(GenericError):
                    await self.network.disconnect(self._described(nics), index, name)
        left = tuple(entry for entry in self.runtime.nics if entry[0] != nic)
        forget_interface(self.paths, nic, [one for one, _info in left])
        self._put(replace(self.runtime, nics=left))

    def _described(self, nics: tuple[NicSpec, ...]) -> InstanceSpec:
        return InstanceSpec(name=self.name, uuid="", primary_node="", hypervisor="kvm", nics=nics)

    # --- in

    async def _slots(self) -> PciSlots:
        """PCI slots that neither QEMU nor the record gives to a device."""
        found = await self.qmp.execute("query-pci")
        infos = [info for _device, info in (*self.runtime.disks, *self.runtime.nics)]
        recorded = {int(info["addr"], 16) for info in infos if "addr" in info}
        command = self.runtime.command
        machine = command[command.index("-machine") + 1] if "-machine" in command else ""
        reservations = int(self.runtime.hvparams["kvm_pci_reservations"])
        return PciSlots(reservations, bus_of(machine), taken_slots(found) | recorded)

    async def _plug_disks(self, disks: tuple[GuestDisk, ...]) -> list[str]:
        done = []
        for index, disk in enumerate(disks):
            infos = {one.spec.uuid: info for one, info in self.runtime.disks}
            info = infos.get(disk.spec.uuid)
            if info is None:
                info = await self._place(disk, index)
                entries = list(self.runtime.disks)
                entries.insert(index, (disk, info))
                self._put(replace(self.runtime, disks=tuple(entries)))
            if "id" not in info or info["id"] in await self._present():
                continue
            try:
                await self._plug_disk(disk, index, info)
            except BaseException:
                left = tuple(one for one in self.runtime.disks if one[0] != disk)
                self._put(replace(self.runtime, disks=left))
                raise
            done.append(f"plugged disk {disk.spec.uuid}")
        return done

    async def _place(self, disk: GuestDisk, index: int) -> HvInfo:
        hvp = self.runtime.hvparams
        if hvp["disk_type"] in SCSI_MODELS:
            taken = {info.get("scsi-id") for _disk, info in self.runtime.disks}
            index = next(number for number in range(_SCSI_IDS) if number not in taken)
        return disk_hvinfo(disk, index, hvp, await self._slots())

    async def _plug_disk(self, disk: GuestDisk, index: int, info: HvInfo) -> None:
        hvp, node = self.runtime.hvparams, node_name(disk, index)
        await self._drop_node(node)
        async with given_open(self.qmp, self.name, blockdev(disk, index, hvp)) as described:
            await self.qmp.execute("blockdev-add", **described)
        try:
            await self.qmp.execute("device_add", **disk_device(disk, index, hvp, info))
        except HypervisorError:
            await self._drop_node(node)
            raise

    async def _resize_disks(self, disks: tuple[GuestDisk, ...]) -> list[str]:
        """Tell the guest of disks that have grown; none ever shrinks."""
        seen, done = await self._sizes(), []
        for index, disk in enumerate(disks):
            node = node_name(disk, index)
            if disk.size > seen.get(node, disk.size):
                await self.qmp.execute("block_resize", **{"node-name": node, "size": disk.size})
                done.append(f"resized disk {disk.spec.uuid}")
        return done

    async def _plug_nics(self, instance: InstanceSpec) -> list[str]:
        done = []
        for index, nic in enumerate(instance.nics):
            infos = {one.uuid: info for one, info in self.runtime.nics}
            info = infos.get(nic.uuid)
            if info is None:
                hvp = self.runtime.hvparams
                info = nic_hvinfo(nic, index, hvp, await self._slots())
                entries = list(self.runtime.nics)
                entries.insert(index, (nic, info))
                self._put(replace(self.runtime, nics=tuple(entries)))
            if "id" not in info or info["id"] in await self._present():
                continue
            try:
                await self._plug_nic(instance, index, info)
            except BaseException:
                await self._drop_nic(nic, info)
                raise
            done.append(f"plugged NIC {nic.uuid}")
        return done

    async def _plug_nic(self, instance: InstanceSpec, index: int, info: HvInfo) -> None:
        nic, netdev = instance.nics[index], f"net-{info['id']}"
        tap = await self.open_tap(nic)
        try:
            write_interface(self.paths, nic, index, tap.name)
            await self.network.connect(instance, index, tap.name)
            with suppress(HypervisorError):  # of a former attempt
                await self.qmp.execute("netdev_del", id=netdev)
            names = [f"{info['id']}-{number}" for number in range(len(tap.fds))]
            for name, fd in zip(names, tap.fds, strict=True):
                await self.qmp.give(fd, name)
            files = {"fd": names[0]} if len(names) == 1 else {"fds": ":".join(names)}
            more = {"vhost": True} if self._has_vhost() else {}
            await self.qmp.execute("netdev_add", type="tap", id=netdev, **files, **more)
            await self.qmp.execute("device_add", **nic_device(nic, info, len(names)))
        finally:
            # QEMU holds it now; if it does not, this makes it vanish.
            self.network.close_tap(tap)

    def _has_vhost(self) -> bool:
        hvp = self.runtime.hvparams
        return self.vhost and bool(hvp["vhost_net"]) and hvp["nic_type"] == "paravirtual"


def as_on_record(
    runtime: Runtime,
    instance: InstanceSpec,
    disks: tuple[GuestDisk, ...],
    kept: frozenset[str],
) -> tuple[InstanceSpec, tuple[GuestDisk, ...]]:
    """What the guest is to have if nothing becomes of those ``kept``: the old NIC, no new disk."""
    had_disks = {disk.spec.uuid for disk, _info in runtime.disks}
    had_nics = {nic.uuid: nic for nic, _info in runtime.nics}
    nics = tuple(
        _older(had_nics[nic.uuid], nic) if nic.uuid in kept else nic
        for nic in instance.nics
        if nic.uuid not in kept or nic.uuid in had_nics
    )
    own = tuple(disk for disk in disks if disk.spec.uuid not in kept - had_disks)
    return msgspec.structs.replace(instance, nics=nics), own


def _older(had: NicSpec, nic: NicSpec) -> NicSpec:
    return nic if _identity(had) == _identity(nic) else had


def _identity(nic: NicSpec) -> NicSpec:
    """What makes a NIC another one; of its network the runtime file says too little."""
    return msgspec.structs.replace(nic, network=None, name=None)
