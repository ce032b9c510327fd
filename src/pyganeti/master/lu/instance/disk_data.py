"""Disks of an instance as ``gnt-instance info`` has them: keys as clients read them.

A status is ``[path, major, minor, sync percent, estimate in s, degraded, local disk]`` or ``None``.
"""

from dataclasses import dataclass
from typing import Any, Final

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.errors import GenericError
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import BlockdevFindCall, BlockdevGetmirrorstatusCall
from pyganeti.wire.noderpc.disks import MirrorStatus

# Any: the answer is JSON with values of many types.
Answer = dict[str, Any]
Status = list[Any]

# The kernel's number of all DRBD devices.
_DRBD_MAJOR: Final = 147


@dataclass(frozen=True, slots=True)
class Reader:
    """Describes disks.

    Attributes:
        primary: UUID of the instance's primary node.
        live: ask nodes how they have them.
    """

    view: ClusterView
    nodes: NodeReader
    primary: str
    live: bool

    async def disk(self, disk: Disk) -> Answer:
        """One disk, with what is below it."""
        second = self._secondary(disk)
        return {
            "iv_name": disk.iv_name,
            "dev_type": disk.dev_type,
            "logical_id": _logical_id(disk),
            "drbd_info": self._drbd_info(disk),
            "pstatus": await self._status(disk, self.primary),
            "sstatus": None if second is None else await self._status(disk, second),
            "children": [await self.disk(child) for child in disk.children],
            "mode": disk.mode,
            "size": disk.size,
            "spindles": disk.spindles,
            "name": disk.name,
            "uuid": disk.uuid,
            "params": dict(disk.params or {}),
            "nodes": [self.view.node(node).name for node in disk.nodes],
        }

    def _secondary(self, disk: Disk) -> str | None:
        """Of what lies on two nodes, the one that is not the primary."""
        others = [node for node in disk.nodes if node != self.primary]
        return others[0] if len(disk.nodes) == 2 and len(others) == 1 else None

    def _drbd_info(self, disk: Disk) -> Answer | None:
        found = drbd_id(disk)
        if found is None:
            return None
        second = found.peer_of(self.primary)
        return {
            "primary_node": self.view.node(self.primary).name,
            "primary_minor": found.minor_on(self.primary),
            "secondary_node": self.view.node(second).name,
            "secondary_minor": found.minor_on(second),
            "port": found.port,
        }

    async def _status(self, disk: Disk, node: str) -> Status | None:
        if not self.live or self.view.node(node).offline:
            return None
        spec = disk_spec(disk, self.view, node)
        try:
            if spec.drbd is not None:
                call = BlockdevGetmirrorstatusCall(disks=(spec,))
                (mirror,) = await self.nodes.call(node, call)
                return None if mirror is None else _of_mirror(mirror)
            found = await self.nodes.call(node, BlockdevFindCall(disk=spec))
        except GenericError:
            return None
        return None if found is None else [found.path, None, None, None, None, False, None]


def _of_mirror(found: MirrorStatus) -> Status:
    return [
        found.path,
        _DRBD_MAJOR,
        found.minor,
        found.sync_percent,
        found.estimated_s,
        found.degraded,
        int(found.local_disk),
    ]


def _logical_id(disk: Disk) -> list[Any]:
    """Where it is; the secret of a mirror is nobody's business."""
    found = drbd_id(disk)
    return list(disk.logical_id) if found is None else [*found[:-1], None]
