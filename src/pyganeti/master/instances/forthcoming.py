"""Instances that are only reserved: what others must leave to them, and who may work on them.

A forthcoming instance stands in the configuration with its disks, so nobody else gets its name,
addresses, ports, minors and volume names; on nodes there is nothing of it. Its disks and memory are
kept free when instances are created. Source: gnt-instance(8) ADD, ``--forthcoming``, ``--commit``.
"""

from collections.abc import Iterator, Sequence

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.master.changes import Maker, add_instance, remove_instance
from pyganeti.master.disks.drbd import NO_PORT
from pyganeti.master.disks.space import Wanted, volume_group, wanted_space
from pyganeti.master.nics.new import AUTO, POOL
from pyganeti.model.change import Change
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.nic import Nic
from pyganeti.model.templates import FILE_BASED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.wire.noderpc.disks import StorageUnit


def check_real(op: Opcode, view: ClusterView) -> None:
    """Refuse an operation that needs an instance which exists.

    Raises:
        OpPrereqError: ``ECode.STATE``, it is only reserved.
    """
    name = getattr(op, "instance_name", None)
    found = view.find_instance(name) if isinstance(name, str) else None
    if found is not None and found.forthcoming:
        text = f"instance {found.name} is forthcoming: it is only reserved"
        raise OpPrereqError(f"{text}, gnt-instance add --commit makes it real", ECode.STATE)


def _reservations(view: ClusterView, node: str, own: Instance | None) -> Iterator[Instance]:
    for instance in (*view.primary_instances(node), *view.secondary_instances(node)):
        if instance.forthcoming and (own is None or instance.uuid != own.uuid):
            yield instance


def reserved_space(view: ClusterView, node: str, own: Instance | None = None) -> Wanted:
    """MiB of each storage unit of a node that are kept for forthcoming instances but ``own``."""
    found: dict[StorageUnit, int] = {}
    for instance in _reservations(view, node, own):
        for disk in view.disks_of(instance):
            sizes = [(volume_group(part), part.size) for part in disk.children or (disk,)]
            for unit, size in wanted_space(view, disk.dev_type, sizes).items():
                found[unit] = found.get(unit, 0) + size
    return found


def reserved_memory(view: ClusterView, node: str, own: Instance | None = None) -> int:
    """MiB of memory of a node that are kept for forthcoming instances but ``own``."""
    return sum(
        view.filled_beparams(instance).maxmem
        for instance in _reservations(view, node, own)
        if instance.primary_node == node
    )


def as_forthcoming(instance: Instance) -> Instance:
    """``instance`` as a reservation."""
    return msgspec.structs.replace(
        instance, forthcoming=True, admin_state=AdminState.DOWN, disks_active=False
    )


def forthcoming_disk(disk: Disk) -> Disk:
    """``disk`` as a reservation."""
    return msgspec.structs.replace(disk, forthcoming=True)


def with_reserved_identities(instance: Instance, reserved: Instance) -> Instance:
    """``instance`` with the addresses that were reserved, where it asks for any.

    What was announced for the reservation is true for the instance: NICs keep their MAC addresses,
    and their addresses from pools.
    """
    nics = []
    for index, nic in enumerate(instance.nics):
        had = reserved.nics[index] if index < len(reserved.nics) else None
        same = had is not None and had.network == nic.network
        nics.append(_kept(nic, had) if had is not None and same else nic)
    return msgspec.structs.replace(instance, nics=tuple(nics))


def _kept(nic: Nic, had: Nic) -> Nic:
    changes: dict[str, str] = {}
    if nic.mac in AUTO:
        changes |= {"mac": had.mac, "uuid": had.uuid}
    if nic.ip == POOL and had.ip:
        changes["ip"] = had.ip
    return msgspec.structs.replace(nic, **changes)


def with_reserved_disks(disks: Sequence[Disk], reserved: Sequence[Disk]) -> tuple[Disk, ...]:
    """``disks``, but those that were reserved just so, with their volumes and minors."""
    had = dict(enumerate(reserved))
    return tuple(
        _real(had[index]) if index in had and _alike(had[index], disk) else disk
        for index, disk in enumerate(disks)
    )


def _alike(one: Disk, other: Disk) -> bool:
    return _shape(one) == _shape(other)


def _shape(disk: Disk) -> tuple[object, ...]:
    """What two disks have in common that one request makes: all but their identifiers."""
    parts = tuple(_shape(part) for part in disk.children)
    kept = (disk.dev_type, disk.size, disk.nodes, disk.iv_name, disk.mode, disk.name)
    return (*kept, disk.spindles, disk.params, _place(disk), parts)


def _place(disk: Disk) -> str:
    """The directory, or the volume group."""
    if disk.dev_type in FILE_BASED:
        return str(disk.logical_id[1]).rpartition("/")[0]
    return "" if disk.children else str(disk.logical_id[0])


def _real(disk: Disk) -> Disk:
    """``disk``, to be made now; its port is chosen when it is recorded."""
    found = drbd_id(disk)
    place = disk.logical_id if found is None else found._replace(port=NO_PORT)
    return msgspec.structs.replace(disk, forthcoming=False, logical_id=place)


def commit_instance(
    instance: Instance, disks: Sequence[Disk], ids: Ids, *, check: bool = True
) -> Maker:
    """Put an instance in the place of the reservation that has its UUID."""

    def make(view: ClusterView) -> Change:
        gone = remove_instance(instance.uuid)(view)
        return gone.and_then(add_instance(instance, disks, ids, check=check)(view.apply(gone)))

    return make


def reserve_again(uuid: str) -> Maker:
    """Make an instance a reservation again; nothing if it is one, or gone."""

    def make(view: ClusterView) -> Change:
        instance = view.instances.get(uuid)
        if instance is None or instance.forthcoming:
            return Change()
        disks = tuple(forthcoming_disk(disk) for disk in view.disks_of(instance))
        return Change(puts=(as_forthcoming(instance), *disks))

    return make
