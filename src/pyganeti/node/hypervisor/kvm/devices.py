"""Disks, removable drives and NICs as QEMU's arguments. Pure.

A device is described by Ganeti's ``hvinfo`` (model, id, bus, address), which the runtime file
keeps. Source: qemu(1), ``-blockdev``, ``-device``, ``-netdev``.
"""

import json
from typing import Any, Final

from pyganeti.model.errors import HypervisorError
from pyganeti.model.params.hv_kvm import boots_kernel
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.wire.noderpc.specs import NicSpec
from pyganeti.wire.noderpc.struct import Params

from .pci import PciSlots
from .uris import uri_node

# Any: hvinfo holds strings and numbers, and travels as JSON.
HvInfo = dict[str, Any]

FILE_TEMPLATES: Final = frozenset({"file", "sharedfile", "gluster"})
# Shared storage: another node must see what this one wrote, so nothing stays in our cache.
SHARED_TEMPLATES: Final = frozenset({"sharedfile", "gluster", "rbd", "ext", "blockdev"})
SCSI_MODELS: Final = {
    "scsi": "scsi-hd",
    "scsi-block": "scsi-block",
    "scsi-cd": "scsi-cd",
    "scsi-generic": "scsi-generic",
    "scsi-hd": "scsi-hd",
}
# Drivers of disks that are no devices of the guest: its firmware's memory, and its TPM.
FLASH: Final = "cfi.pflash01"
TPM: Final = "swtpm"
UNSEEN: Final = frozenset({FLASH, TPM})
CODE_NODE: Final = "firmware-code"
VARS_NODE: Final = "firmware-vars"
_NODE_NAME_DIGITS: Final = 24


def device_arguments(info: HvInfo) -> str:
    """``info`` as the value of ``-device``."""
    return json.dumps(info, separators=(",", ":"))


def boots_from(kind: str, hvp: Params) -> bool:
    """Whether the firmware tries devices of this kind first."""
    # QEMU gives the first place to a kernel, and refuses a second holder.
    return bool(hvp["boot_order"] == kind and not boots_kernel(hvp))


def disk_hvinfo(disk: GuestDisk, index: int, hvp: Params, slots: PciSlots) -> HvInfo:
    """Model and place of a disk.

    Raises:
        HypervisorError: machines of this kind have no such disk, or no place is left.
    """
    kind = hvp["disk_type"]
    what = f"disk/{index}"
    name = f"disk-{disk.spec.uuid or index}"
    if kind == "paravirtual":
        return {"driver": "virtio-blk-pci", "id": name, **slots.take(what)}
    if kind == "ide":
        return {"driver": "ide-hd", "id": name}
    if kind in SCSI_MODELS:
        place = {"bus": "scsi.0", "channel": 0, "scsi-id": index, "lun": 0}
        return {"driver": SCSI_MODELS[kind], "id": name, **place}
    text = f"disk_type: {kind!r} does not exist on PC machines; expected ide, paravirtual or scsi-*"
    raise HypervisorError(text)


def node_name(disk: GuestDisk, index: int) -> str:
    """Name of a disk inside QEMU, which allows 31 characters."""
    return f"disk-{disk.spec.uuid.replace('-', '')[:_NODE_NAME_DIGITS] or index}"


def is_direct(disk: GuestDisk, hvp: Params) -> bool:
    """Whether the host's page cache is bypassed."""
    return hvp["disk_cache"] == "none" or disk.spec.dev_type in SHARED_TEMPLATES


def _place(disk: GuestDisk, hvp: Params) -> dict[str, Any]:  # Any: JSON
    """What a disk lies on. Its content is never asked what format it has: the guest writes it."""
    if disk.uri:
        node = uri_node(disk.uri)
        return {**node, "aio": hvp["disk_aio"]} if node["driver"] == "file" else node
    driver = "file" if disk.spec.dev_type in FILE_TEMPLATES else "host_device"
    return {"driver": driver, "filename": disk.link, "aio": hvp["disk_aio"]}


def blockdev(disk: GuestDisk, index: int, hvp: Params) -> dict[str, Any]:  # Any: JSON
    """The value of ``-blockdev`` for a disk."""
    direct = is_direct(disk, hvp)
    name = node_name(disk, index)
    read_only = disk.spec.mode == "ro"
    shared = {"discard": hvp["disk_discard"], "read-only": read_only, "cache": {"direct": direct}}
    place = {**_place(disk, hvp), "node-name": f"{name}-f", **shared}
    return {"driver": "raw", "node-name": name, "file": place, **shared}


def disk_device(disk: GuestDisk, index: int, hvp: Params, info: HvInfo) -> HvInfo:
    """The device through which a guest sees a disk."""
    device = {**info, "drive": node_name(disk, index)}
    if hvp["disk_cache"] == "writethrough" and "scsi-block" not in info["driver"]:
        device["write-cache"] = "off"
    return device


def disk_arguments(disk: GuestDisk, index: int, hvp: Params, info: HvInfo) -> list[str]:
    """Arguments that attach a disk, or let the firmware have it; a TPM's is not QEMU's."""
    if info.get("driver") == TPM:
        return []
    if info.get("driver") == FLASH:
        return _vars_arguments(disk, hvp, info)
    device = disk_device(disk, index, hvp, info)
    if index == 0 and boots_from("disk", hvp):
        device["bootindex"] = 0
    value = json.dumps(blockdev(disk, index, hvp), separators=(",", ":"))
    return ["-blockdev", value, "-device", device_arguments(device)]


def flash_hvinfo(size: int) -> HvInfo:
    """A disk of which the firmware gets the first ``size`` bytes."""
    return {"driver": FLASH, "size": size}


def _vars_arguments(disk: GuestDisk, hvp: Params, info: HvInfo) -> list[str]:
    file = blockdev(disk, 0, hvp)["file"] | {"node-name": f"{VARS_NODE}-f"}
    node = {"driver": "raw", "node-name": VARS_NODE, "offset": 0, "size": info["size"]}
    return ["-blockdev", json.dumps({**node, "file": file}, separators=(",", ":"))]


def controller_arguments(hvp: Params) -> list[str]:
    """The SCSI controller, if disks or drives need one."""
    if hvp["disk_type"] not in SCSI_MODELS and hvp["cdrom_disk_type"] not in SCSI_MODELS:
        return []
    model = {"lsi": "lsi53c895a"}.get(hvp["scsi_controller_type"], hvp["scsi_controller_type"])
    return ["-device", device_arguments({"driver": model, "id": "scsi"})]


def removable_arguments(hvp: Params) -> list[str]:
    """CD-ROM and floppy drives with their images."""
    found: list[str] = []
    for index, key in enumerate(("cdrom_image_path", "cdrom2_image_path")):
        if hvp[key]:
            found += _cdrom(index, str(hvp[key]), hvp)
    if hvp["floppy_image_path"]:
        image = {"driver": "file", "filename": hvp["floppy_image_path"]}
        device: HvInfo = {"driver": "floppy", "id": "floppy0-dev", "drive": "floppy0"}
        if boots_from("floppy", hvp):
            device["bootindex"] = 0
        found += _drive({"driver": "raw", "node-name": "floppy0", "file": image}, device)
    return found


def _cdrom(index: int, image: str, hvp: Params) -> list[str]:
    scheme, separator, _rest = image.partition("://")
    place = {"driver": "file", "filename": image}
    if separator:
        place = {"driver": scheme, "url": image}
    name = f"cdrom{index}"
    kind = hvp["cdrom_disk_type"] or "ide"
    models = {"paravirtual": "virtio-blk-pci", "ide": "ide-cd"}
    device: HvInfo = {"driver": models.get(kind, "scsi-cd"), "id": f"{name}-dev", "drive": name}
    if index == 0 and boots_from("cdrom", hvp):
        device["bootindex"] = 0
    return _drive({"driver": "raw", "node-name": name, "read-only": True, "file": place}, device)


def _drive(node: dict[str, Any], device: HvInfo) -> list[str]:  # Any: JSON
    value = json.dumps(node, separators=(",", ":"))
    return ["-blockdev", value, "-device", device_arguments(device)]


def nic_model(hvp: Params) -> str:
    """Model of the guest's NICs."""
    kind = str(hvp["nic_type"])
    return "virtio-net-pci" if kind == "paravirtual" else kind


def nic_hvinfo(nic: NicSpec, index: int, hvp: Params, slots: PciSlots) -> HvInfo:
    """Model and place of a NIC.

    Raises:
        HypervisorError: no place is left.
    """
    model = nic_model(hvp)
    info: HvInfo = {"driver": model, "id": f"nic-{nic.uuid or index}"}
    return info if model == "ne2k_isa" else {**info, **slots.take(f"nic/{index}")}


def nic_device(nic: NicSpec, info: HvInfo, queues: int) -> HvInfo:
    """The device through which a guest sees a NIC."""
    device = {**info, "mac": nic.mac, "netdev": f"net-{info['id']}"}
    if queues > 1:
        # Two vectors a queue, one for changes of the configuration and one for control.
        device |= {"mq": True, "vectors": 2 * queues + 2}
    return device


def nic_arguments(
    nic: NicSpec, index: int, hvp: Params, info: HvInfo, *, fds: tuple[int, ...], vhost: bool
) -> list[str]:
    """Arguments that attach a NIC to the open tap queues ``fds``."""
    queues = len(fds)
    device = nic_device(nic, info, queues)
    if index == 0 and boots_from("network", hvp):
        device["bootindex"] = 0
    files = f"fd={fds[0]}" if queues == 1 else "fds=" + ":".join(map(str, fds))
    acceleration = ",vhost=on" if vhost else ""
    netdev = f"tap,id={device['netdev']},{files}{acceleration}"
    return ["-netdev", netdev, "-device", device_arguments(device)]
