"""What a guest was started with, in Ganeti's format: ``conf/NAME.runtime``. Pure.

    [command, [nic, ...], hvparams, [[disk, link, uri], ...]]

NICs and disks are Ganeti's objects as dictionaries, each with its ``hvinfo``. Either system can
read what the other wrote.
"""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.model.errors import HypervisorError
from pyganeti.model.params.hv_kvm import has_tpm
from pyganeti.model.state_disks import TPM_STATE, UEFI_VARS, is_state
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.network.base import Tap
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
    NicSpec,
)
from pyganeti.wire.noderpc.struct import Params

from .command import Machine, base_command
from .devices import (
    TPM,
    UNSEEN,
    HvInfo,
    disk_arguments,
    disk_hvinfo,
    flash_hvinfo,
    nic_arguments,
    nic_hvinfo,
)
from .layout import GuestPaths, KvmLayout
from .pci import PciSlots, bus_of


@dataclass(frozen=True, slots=True)
class Runtime:
    """A guest's command line and devices; disks and NICs with their places."""

    command: tuple[str, ...]
    nics: tuple[tuple[NicSpec, HvInfo], ...]
    hvparams: Params
    disks: tuple[tuple[GuestDisk, HvInfo], ...]

    @property
    def unseen(self) -> tuple[tuple[GuestDisk, HvInfo], ...]:
        """Disks of the firmware and the TPM; they come last."""
        return tuple(entry for entry in self.disks if entry[1].get("driver") in UNSEEN)

    def unseen_disk(self, driver: str) -> GuestDisk | None:
        """That of the firmware or of the TPM, if there is one."""
        found = (disk for disk, info in self.unseen if info["driver"] == driver)
        return next(found, None)


def plan(
    instance: InstanceSpec, disks: tuple[GuestDisk, ...], paths: GuestPaths, machine: Machine
) -> Runtime:
    """Decide how the guest will be started.

    Raises:
        HypervisorError: it cannot be.
    """
    hvp = instance.hvparams
    slots = PciSlots(int(hvp["kvm_pci_reservations"]), bus_of(machine.machine))
    placed_disks = tuple(
        (disk, disk_hvinfo(disk, index, hvp, slots)) for index, disk in enumerate(seen_disks(disks))
    )
    placed_nics = tuple(
        (nic, nic_hvinfo(nic, index, hvp, slots)) for index, nic in enumerate(instance.nics)
    )
    command = tuple(base_command(instance, paths, machine))
    return Runtime(command, placed_nics, hvp, placed_disks + _unseen(instance, disks, machine))


def seen_disks(disks: tuple[GuestDisk, ...]) -> tuple[GuestDisk, ...]:
    """Those that are the guest's own."""
    return tuple(disk for disk in disks if not is_state(disk.spec.name))


def _unseen(
    instance: InstanceSpec, disks: tuple[GuestDisk, ...], machine: Machine
) -> tuple[tuple[GuestDisk, HvInfo], ...]:
    wanted: list[tuple[str, str, HvInfo]] = []
    if machine.firmware is not None:
        wanted.append((UEFI_VARS, "boot_type=uefi", flash_hvinfo(machine.firmware.store_size)))
    if has_tpm(instance.hvparams):
        wanted.append((TPM_STATE, "tpm=2.0", {"driver": TPM}))
    named = {disk.spec.name: disk for disk in disks}
    for name, why, _info in wanted:
        if name not in named:
            text = f"{instance.name} has {why}, but no disk {name}"
            advice = f"gnt-instance modify -H {why} {instance.name} makes it"
            raise HypervisorError(f"{text}: {advice}")
    return tuple((named[name], info) for name, _why, info in wanted)


def full_command(
    runtime: Runtime, taps: tuple[Tap, ...], *, vhost: bool, incoming: bool = False
) -> tuple[str, ...]:
    """The command line with disks, and with NICs on the open ``taps``.

    An ``incoming`` guest is not stopped: it runs as soon as its state has come.
    """
    hvp = runtime.hvparams
    argv = [word for word in runtime.command if not (incoming and word == "-S")]
    argv += ["-incoming", "defer"] if incoming else []
    for index, (disk, info) in enumerate(runtime.disks):
        argv += disk_arguments(disk, index, hvp, info)
    use_vhost = vhost and bool(hvp["vhost_net"]) and hvp["nic_type"] == "paravirtual"
    for index, ((nic, info), tap) in enumerate(zip(runtime.nics, taps, strict=True)):
        argv += nic_arguments(nic, index, hvp, info, fds=tap.fds, vhost=use_vhost)
    return tuple(argv)


def received(
    sent: Runtime,
    instance: InstanceSpec,
    disks: tuple[GuestDisk, ...],
    paths: GuestPaths,
    qemu: str,
) -> Runtime:
    """What another node started, to be started here: the same machine in this node's places.

    What the guest sees must be what it was started with, whatever is recorded by now.

    Args:
        sent: the other node's runtime file.
        instance: as recorded; knows the networks of NICs, which the file does not.
        disks: as they are here.
        paths: of the guest's files here.
        qemu: the program.

    Raises:
        HypervisorError: the guest has a disk that the instance has not.
    """
    here = {disk.spec.uuid: disk for disk in disks}
    known = {nic.uuid: nic for nic in instance.nics}
    missing = [disk.spec.iv_name for disk, _ in sent.disks if disk.spec.uuid not in here]
    if missing:
        text = f"{instance.name} runs with disks that it has not: {', '.join(missing)}"
        raise HypervisorError(text)
    return Runtime(
        _relocated(sent, paths, qemu),
        tuple((known.get(nic.uuid, nic), info) for nic, info in sent.nics),
        sent.hvparams,
        tuple((here[disk.spec.uuid], info) for disk, info in sent.disks),
    )


def _relocated(sent: Runtime, paths: GuestPaths, qemu: str) -> tuple[str, ...]:
    """The command line with this node's files: nodes need not keep them in the same directory."""
    theirs, _, name = value_of(sent, "-pidfile").rpartition("/pid/")
    ours = paths.pid.rpartition("/pid/")[0]
    if not theirs:
        return (qemu, *sent.command[1:])
    # Where only one of the directories has room for the name, these differ in more than that.
    control = f"{KvmLayout(theirs).guest(name).control}."
    words = (word.replace(control, f"{paths.control}.") for word in sent.command[1:])
    return (qemu, *(word.replace(f"{theirs}/", f"{ours}/") for word in words))


def value_of(runtime: Runtime, option: str) -> str:
    """What follows ``option`` on the command line, or an empty string."""
    words = runtime.command
    return words[words.index(option) + 1] if option in words[:-1] else ""


def machine_of(runtime: Runtime) -> str:
    """The machine type."""
    return (value_of(runtime, "-machine") or value_of(runtime, "-M")).partition(",")[0]


def accelerator_of(runtime: Runtime) -> str:
    """What executes the guest: ``kvm`` or ``tcg``."""
    text = value_of(runtime, "-accel") or value_of(runtime, "-machine")
    words = text.replace("accel=", "").split(",")
    return "kvm" if "kvm" in words or "-enable-kvm" in runtime.command else "tcg"


def encode(runtime: Runtime) -> bytes:
    """``runtime`` as the file's content."""
    disks = [
        [_disk_dict(disk.spec, info), disk.link, disk.uri or None] for disk, info in runtime.disks
    ]
    nics = [_nic_dict(nic, info) for nic, info in runtime.nics]
    return msgspec.json.encode([list(runtime.command), nics, runtime.hvparams, disks])


def decode(data: bytes) -> Runtime:
    """Read a runtime file, also one that Ganeti wrote.

    Raises:
        HypervisorError: it is damaged.
    """
    try:
        command, nics, hvparams, disks = json.loads(data)
        return Runtime(
            tuple(str(word) for word in command),
            tuple((_nic_spec(nic), nic.get("hvinfo") or {}) for nic in nics),
            dict(hvparams),
            tuple(
                (GuestDisk(_disk_spec(disk), link, uri or ""), disk.get("hvinfo") or {})
                for disk, link, uri in disks
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.ValidationError) as err:
        raise HypervisorError(f"runtime file is damaged: {err}") from err


# Any: Ganeti's objects as they stand in JSON.
def _nic_dict(nic: NicSpec, info: HvInfo) -> dict[str, Any]:
    found = {
        "mac": nic.mac,
        "ip": nic.ip,
        "name": nic.name,
        "network": nic.network.uuid if nic.network else None,
        "uuid": nic.uuid,
        "nicparams": {"mode": nic.mode, "link": nic.link, "vlan": nic.vlan},
        "netinfo": msgspec.to_builtins(nic.network) if nic.network else None,
        "hvinfo": info,
        "pci": _pci(info),
    }
    return {key: value for key, value in found.items() if value is not None}


def _disk_dict(disk: DiskSpec, info: HvInfo) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(disk)
    del found["drbd"]  # has a secret, and says nothing to the guest's side
    found |= {"hvinfo": info, "pci": _pci(info)}
    return {key: value for key, value in found.items() if value is not None}


def _pci(info: HvInfo) -> int | None:
    return int(info["addr"], 16) if "addr" in info else None


def _nic_spec(nic: dict[str, Any]) -> NicSpec:
    params = nic.get("nicparams") or {}
    return NicSpec(
        mac=nic["mac"],
        ip=nic.get("ip"),
        mode=params.get("mode", "bridged"),
        link=params.get("link") or "",
        vlan=params.get("vlan") or "",
        name=nic.get("name"),
        uuid=nic.get("uuid") or "",
    )


def _disk_spec(disk: dict[str, Any]) -> DiskSpec:
    known = {key: disk[key] for key in DiskSpec.__struct_fields__ if disk.get(key) is not None}
    # Children describe how the device is built, which the guest's side never needs.
    known.pop("children", None)
    return msgspec.convert(known, DiskSpec)
