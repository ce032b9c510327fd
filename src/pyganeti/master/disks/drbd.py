"""A new DRBD disk as it comes to stand in the configuration.

It has two volumes of the same names on both nodes, a minor on each, and a secret. Its port is given
when it is recorded: see :mod:`pyganeti.master.ports`.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from pyganeti.kit.ids import Ids
from pyganeti.model.disk import Disk, DrbdId
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.templates import DRBD_META_MIB

# Chooses a minor on the node with a UUID.
ChooseMinor = Callable[[str], int]

NO_PORT: Final = 0


def new_drbd_id(nodes: tuple[str, str], ids: Ids, minor: ChooseMinor) -> DrbdId:
    """The identity of a device of two nodes, without a port."""
    first, second = nodes
    return DrbdId(first, second, NO_PORT, minor(first), minor(second), ids.secret())


def new_volumes(
    name: str, size: int, groups: tuple[str, str], nodes: tuple[str, ...], ids: Ids
) -> tuple[Disk, Disk]:
    """The volumes below a device of ``size`` MiB: for data and for metadata.

    Args:
        name: what their names begin with.
        size: of the device.
        groups: their volume groups.
        nodes: where they will lie.
        ids: identifiers.
    """
    data, meta = (
        Disk(
            uuid=ids.uuid(),
            dev_type=DiskTemplate.PLAIN,
            logical_id=(group, f"{name}_{part}"),
            size=mib,
            nodes=nodes,
        )
        for part, mib, group in zip(("data", "meta"), (size, DRBD_META_MIB), groups, strict=True)
    )
    return data, meta


def mirrored_volume(
    volume: Disk, group: str, nodes: tuple[str, str], ids: Ids, minor: ChooseMinor
) -> Disk:
    """A DRBD disk whose data is on ``volume``, which it takes as it is, name and UUID.

    Args:
        volume: on the first node.
        group: volume group of the metadata.
        nodes: the primary node and the one that is to mirror it.
        ids: identifiers.
        minor: chooses minors.
    """
    name = str(volume.logical_id[1])
    data = Disk(
        uuid=volume.uuid,
        dev_type=DiskTemplate.PLAIN,
        logical_id=volume.logical_id,
        size=volume.size,
        nodes=nodes,
    )
    meta = Disk(
        uuid=ids.uuid(),
        dev_type=DiskTemplate.PLAIN,
        logical_id=(group, f"{name.removesuffix('_data')}_meta"),
        size=DRBD_META_MIB,
        nodes=nodes,
    )
    return Disk(
        uuid=ids.uuid(),
        dev_type=DiskTemplate.DRBD,
        logical_id=new_drbd_id(nodes, ids, minor),
        size=volume.size,
        children=(data, meta),
        nodes=nodes,
        iv_name=volume.iv_name,
        mode=volume.mode,
        name=volume.name,
    )


def data_volume(disk: Disk, node: str) -> Disk:
    """The data volume of a DRBD disk on ``node`` as a disk of its own; the reverse of the above."""
    return msgspec.structs.replace(
        disk.children[0],
        nodes=(node,),
        size=disk.size,
        iv_name=disk.iv_name,
        mode=disk.mode,
        name=disk.name,
    )
