"""A new DRBD disk as it comes to stand in the configuration.

It has two volumes of the same names on both nodes, a minor on each, and a secret. Its port is given
when it is recorded: see :mod:`pyganeti.master.ports`.
"""

from collections.abc import Callable
from typing import Final

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
