"""A disk of an instance, and what its ``logical_id`` says for each disk template.

Disks stand on their own in the configuration; instances hold their UUIDs. A DRBD disk has two
children (data and metadata volume) that stand inside it.
"""

from typing import NamedTuple

from .base import ConfigObject, always
from .enums import DiskMode, DiskTemplate
from .errors import ConfigurationError
from .params.kinds import Values

LogicalId = tuple[str | int, ...]


class PlainId(NamedTuple):
    """A logical volume: volume group and volume."""

    vg: str
    lv: str


class DrbdId(NamedTuple):
    """A DRBD device: its two nodes (UUIDs), TCP port, minor on each, and the shared secret."""

    node_a: str
    node_b: str
    port: int
    minor_a: int
    minor_b: int
    secret: str

    def minor_on(self, node_uuid: str) -> int | None:
        """The device's minor on a node, if that is one of the two."""
        return {self.node_a: self.minor_a, self.node_b: self.minor_b}.get(node_uuid)

    def peer_of(self, node_uuid: str) -> str:
        """The other node."""
        return self.node_b if node_uuid == self.node_a else self.node_a


class FileId(NamedTuple):
    """A file, shared file or gluster image: driver and path."""

    driver: str
    path: str


class BlockdevId(NamedTuple):
    """An existing block device: always ``manual``, and its path."""

    driver: str
    path: str


class RbdId(NamedTuple):
    """A RADOS block device: pool and volume."""

    pool: str
    volume: str


class ExtId(NamedTuple):
    """A volume of an external storage provider."""

    provider: str
    name: str


AnyId = PlainId | DrbdId | FileId | BlockdevId | RbdId | ExtId

_SHAPES: dict[DiskTemplate, type[AnyId]] = {
    DiskTemplate.PLAIN: PlainId,
    DiskTemplate.DRBD: DrbdId,
    DiskTemplate.FILE: FileId,
    DiskTemplate.SHAREDFILE: FileId,
    DiskTemplate.GLUSTER: FileId,
    DiskTemplate.BLOCKDEV: BlockdevId,
    DiskTemplate.RBD: RbdId,
    DiskTemplate.EXT: ExtId,
}


class Disk(ConfigObject, frozen=True, kw_only=True):
    """A disk, or a volume below one.

    Attributes:
        dev_type: the disk template; says what ``logical_id`` holds.
        logical_id: where it is; :func:`typed_id` names the parts.
        size: MiB.
        nodes: UUIDs of the nodes that can reach it, for DRBD both.
        iv_name: its name within the instance, ``disk/0``.
        params: of its device, where they are the disk's own (external storage).
        forthcoming: reserved only; nothing exists on a node.
    """

    dev_type: DiskTemplate
    logical_id: LogicalId
    size: int
    children: tuple["Disk", ...] = always(())
    nodes: tuple[str, ...] = always(())
    iv_name: str = always("")
    mode: DiskMode = always(DiskMode.RW)
    name: str | None = None
    spindles: int | None = None
    params: Values | None = None
    forthcoming: bool = False


def typed_id(disk: Disk) -> AnyId:
    """The disk's ``logical_id`` with named parts.

    Raises:
        ConfigurationError: it has not the shape its ``dev_type`` asks for.
    """
    shape = _SHAPES.get(disk.dev_type)
    if shape is None or len(disk.logical_id) != len(shape._fields):
        raise ConfigurationError(
            f"disk {disk.uuid}: logical_id {list(disk.logical_id)} does not fit {disk.dev_type}"
        )
    for part, wanted in zip(disk.logical_id, shape.__annotations__.values(), strict=True):
        if not isinstance(part, wanted):
            raise ConfigurationError(
                f"disk {disk.uuid}: {part!r} in the logical_id of a {disk.dev_type} disk, "
                f"expected {wanted.__name__}"
            )
    return shape._make(disk.logical_id)


def drbd_id(disk: Disk) -> DrbdId | None:
    """The parts of a DRBD disk's ``logical_id``; ``None`` for any other disk.

    Raises:
        ConfigurationError: it has not the shape of DRBD's.
    """
    if disk.dev_type is not DiskTemplate.DRBD:
        return None
    found = typed_id(disk)
    return found if isinstance(found, DrbdId) else None
