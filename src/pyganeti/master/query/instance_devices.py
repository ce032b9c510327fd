"""Fields of instances' disks and NICs: one for all of them, and one for each position."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pyganeti.model.disk import Disk
from pyganeti.model.enums import DiskTemplate, FieldStatus, NicMode
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.templates import DRBD_META_MIB, FILE_BASED, MAX_DISKS, MAX_NICS

from .fields import Field, FieldKind, alias
from .instance_context import InstanceContext, InstanceField

_NUMBER, _OTHER = FieldKind.NUMBER, FieldKind.OTHER
_TEXT, _UNIT = FieldKind.TEXT, FieldKind.UNIT

NicGetter = Callable[[Nic, InstanceContext], object]
DiskGetter = Callable[[Disk], object]


def disk_usage(disk: Disk) -> int:
    """MiB that a disk takes of a node's storage, DRBD's metadata included."""
    if disk.dev_type is DiskTemplate.DRBD:
        return disk.size + DRBD_META_MIB
    if disk.dev_type is DiskTemplate.PLAIN or disk.dev_type in FILE_BASED:
        return disk.size
    return 0


def _every_disk(get: DiskGetter) -> Callable[[Instance, InstanceContext], object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        disks = context.view.disks
        return [get(disks[uuid]) for uuid in instance.disks if uuid in disks]

    return of


def _one_disk(get: DiskGetter, number: int) -> Callable[[Instance, InstanceContext], object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        if number >= len(instance.disks):
            return FieldStatus.UNAVAIL
        disk = context.view.disks.get(instance.disks[number])
        value = None if disk is None else get(disk)
        return FieldStatus.UNAVAIL if value is None else value

    return of


def _disk_usage(instance: Instance, context: InstanceContext) -> object:
    return sum(disk_usage(disk) for disk in context.view.disks_of(instance))


_DISK_GETTERS: Final[Sequence[tuple[str, str, FieldKind, str, DiskGetter]]] = (
    ("name", "DiskName", _TEXT, "Name", lambda disk: disk.name),
    ("size", "Disk", _UNIT, "Size", lambda disk: disk.size),
    ("spindles", "DiskSpindles", _NUMBER, "Spindles", lambda disk: disk.spindles),
    ("uuid", "DiskUUID", _TEXT, "UUID", lambda disk: disk.uuid),
)


def _numbered_disks() -> Iterator[InstanceField]:
    for number in range(MAX_DISKS):
        for word, title, kind, doc, get in _DISK_GETTERS:
            field: InstanceField = Field(
                f"disk.{word}/{number}",
                f"{title}/{number}",
                kind,
                f"{doc} of disk {number}",
                _one_disk(get, number),
            )
            yield field
            if word == "size" and number < len(_OLD_SIZES):
                yield alias(_OLD_SIZES[number], field)


_OLD_SIZES: Final = ("sda_size", "sdb_size")

_DISKS: Final[Sequence[InstanceField]] = [
    Field("disk.count", "Disks", _NUMBER, "Number of disks", lambda i, _: len(i.disks)),
    Field("disk.names", "Disk_names", _OTHER, "Names of disks", _every_disk(lambda d: d.name)),
    Field("disk.sizes", "Disk_sizes", _OTHER, "Sizes in MiB", _every_disk(lambda d: d.size)),
    Field(
        "disk.spindles",
        "Disk_spindles",
        _OTHER,
        "Spindles of disks",
        _every_disk(lambda d: d.spindles),
    ),
    Field("disk.uuids", "Disk_UUIDs", _OTHER, "UUIDs of disks", _every_disk(lambda d: d.uuid)),
    Field("disk_usage", "DiskUsage", _UNIT, "Space taken on a node", _disk_usage),
    Field(
        "disk_template",
        "Disk_template",
        _TEXT,
        "Disk template; mixed where disks differ",
        lambda i, context: str(context.view.disk_template(i)),
    ),
]


def _bridge(nic: Nic, context: InstanceContext) -> object:
    params = context.view.filled_nicparams(nic)
    return params.link if params.mode is NicMode.BRIDGED else None


def _network_name(nic: Nic, context: InstanceContext) -> object:
    network = context.view.networks.get(nic.network or "")
    return network.name if network else None


# Word of the single field, name and title of the one for all, titles, and how to get it.
_NIC_GETTERS: Final[Sequence[tuple[str, str, str, str, str, NicGetter]]] = (
    ("bridge", "NicBridge", "nic.bridges", "NIC_bridges", "Bridge", _bridge),
    ("ip", "NicIP", "nic.ips", "NIC_IPs", "IP address", lambda nic, _: nic.ip),
    (
        "link",
        "NicLink",
        "nic.links",
        "NIC_links",
        "Link",
        lambda nic, context: context.view.filled_nicparams(nic).link,
    ),
    ("mac", "NicMAC", "nic.macs", "NIC_MACs", "MAC address", lambda nic, _: nic.mac),
    (
        "mode",
        "NicMode",
        "nic.modes",
        "NIC_modes",
        "Mode",
        lambda nic, context: context.view.filled_nicparams(nic).mode.value,
    ),
    ("name", "NicName", "nic.names", "NIC_Names", "Name", lambda nic, _: nic.name),
    (
        "network",
        "NicNetwork",
        "nic.networks",
        "NIC_networks",
        "UUID of the network",
        lambda nic, _: nic.network,
    ),
    (
        "network.name",
        "NicNetworkName",
        "nic.networks.names",
        "NIC_networks_names",
        "Name of the network",
        _network_name,
    ),
    ("uuid", "NicUUID", "nic.uuids", "NIC_UUIDs", "UUID", lambda nic, _: nic.uuid),
    (
        "vlan",
        "NicVLAN",
        "nic.vlans",
        "NIC_VLANs",
        "VLAN",
        lambda nic, context: context.view.filled_nicparams(nic).vlan or None,
    ),
)

_OLD_NIC_NAMES: Final = {
    "bridge": "bridge",
    "ip": "ip",
    "link": "nic_link",
    "mac": "mac",
    "mode": "nic_mode",
    "network": "nic_network",
}


def _every_nic(get: NicGetter) -> Callable[[Instance, InstanceContext], object]:
    return lambda instance, context: [get(nic, context) for nic in instance.nics]


def _one_nic(get: NicGetter, number: int) -> Callable[[Instance, InstanceContext], object]:
    def of(instance: Instance, context: InstanceContext) -> object:
        value = get(instance.nics[number], context) if number < len(instance.nics) else None
        return FieldStatus.UNAVAIL if value is None else value

    return of


def _nics() -> Iterator[InstanceField]:
    yield Field("nic.count", "NICs", _NUMBER, "Number of NICs", lambda i, _: len(i.nics))
    for word, title, plural, plural_title, doc, get in _NIC_GETTERS:
        yield Field(plural, plural_title, _OTHER, f"{doc} of each NIC", _every_nic(get))
        for number in range(MAX_NICS):
            field: InstanceField = Field(
                f"nic.{word}/{number}",
                f"{title}/{number}",
                _TEXT,
                f"{doc} of NIC {number}",
                _one_nic(get, number),
            )
            yield field
            if number == 0 and word in _OLD_NIC_NAMES:
                yield alias(_OLD_NIC_NAMES[word], field)


FIELDS: Final[Sequence[InstanceField]] = [*_DISKS, *_numbered_disks(), *_nics()]
