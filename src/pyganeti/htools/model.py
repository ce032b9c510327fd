"""A cluster as the allocator and the balancer see it: what every backend fills in.

Built by the backends (text, LUXI, REST, simulation, allocator requests), read by
:mod:`pyganeti.htools.prepare`, which makes the working state from it. Frozen: a plan never changes
its input. Objects keep the order in which the backend gave them, as it decides between equals.

Memory and disk are MiB everywhere. Source: htools(1); the columns of the text format.
"""

from dataclasses import dataclass
from typing import Final

from pyganeti.model.enums import AllocPolicy, DiskTemplate, InstanceStatus


@dataclass(frozen=True, slots=True)
class ISpec:
    """One size of an instance, in the order of the text format."""

    memory: int
    cpus: int
    disk_size: int
    disk_count: int
    nics: int
    spindles: int


@dataclass(frozen=True, slots=True)
class SpecRange:
    """A range of sizes; an instance passes when it fits one of its policy's ranges."""

    min: ISpec
    max: ISpec


@dataclass(frozen=True, slots=True)
class IPolicy:
    """An instance policy, complete: a group's has the cluster's filled in."""

    std: ISpec
    ranges: tuple[SpecRange, ...]
    disk_templates: tuple[DiskTemplate, ...]
    vcpu_ratio: float
    spindle_ratio: float


_STD: Final = ISpec(128, 1, 1024, 1, 1, 1)
DEFAULT_IPOLICY: Final = IPolicy(
    std=_STD,
    ranges=(SpecRange(_STD, ISpec(32768, 8, 1048576, 16, 8, 12)),),
    disk_templates=(
        DiskTemplate.DISKLESS, DiskTemplate.FILE, DiskTemplate.SHAREDFILE, DiskTemplate.PLAIN,
        DiskTemplate.BLOCKDEV, DiskTemplate.DRBD, DiskTemplate.RBD, DiskTemplate.EXT,
        DiskTemplate.GLUSTER,
    ),
    vcpu_ratio=4.0,
    spindle_ratio=32.0,
)  # fmt: skip
"""What holds where nothing is said, its templates in the order in which Ganeti writes them."""


@dataclass(frozen=True, slots=True)
class Group:
    """A node group; ``networks`` are UUIDs."""

    name: str
    uuid: str
    alloc_policy: AllocPolicy = AllocPolicy.PREFERRED
    tags: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    ipolicy: IPolicy = DEFAULT_IPOLICY


@dataclass(frozen=True, slots=True)
class Node:
    """A node.

    ``offline`` means "not to be counted on": offline, drained, not for guests, or without figures,
    all of which the tools treat alike. ``group`` is a UUID.

    Args:
        total_memory: what there is; Ganeti computes with fractions here, in ``total_disk`` and in
            ``total_cpus``.
        node_memory: what the node itself uses.
        free_memory: what the node reports as free.
        node_cpus: what the node itself uses of ``total_cpus``.
        cpu_speed: relative to a standard node of the group.
        spindles: physical ones under exclusive storage, otherwise a measure for I/O load.
    """

    name: str
    group: str
    total_memory: float = 0.0
    node_memory: int = 0
    free_memory: int = 0
    total_disk: float = 0.0
    free_disk: int = 0
    total_cpus: float = 0.0
    offline: bool = False
    master: bool = False
    spindles: int = 1
    tags: tuple[str, ...] = ()
    exclusive_storage: bool = False
    free_spindles: int = 0
    node_cpus: int = 1
    cpu_speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of an instance; ``spindles`` only under exclusive storage."""

    size: int
    spindles: int | None = None


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC as an allocator request has it; only ``network`` (a UUID) matters for placement."""

    mac: str | None = None
    ip: str | None = None
    mode: str | None = None
    link: str | None = None
    bridge: str | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Util:
    """Dynamic load of an instance, each between 0 and 1 by convention; 1 where nothing is known."""

    cpu: float = 1.0
    memory: float = 1.0
    disk: float = 1.0
    net: float = 1.0


NO_LOAD: Final = Util(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance; ``primary`` and ``secondary`` are names of nodes.

    Args:
        disk: the space its disks take on a node, metadata included.
        disks: the single disks where the backend knows them, otherwise one of the whole size.
        forthcoming: announced, not made yet: its place is taken, nothing runs.
        movable: not held back by a command's ``--select-instances`` or ``--exclude-instances``.
    """

    name: str
    memory: int
    disk: int
    vcpus: int
    status: InstanceStatus
    primary: str
    secondary: str | None
    template: DiskTemplate
    auto_balance: bool = True
    tags: tuple[str, ...] = ()
    spindle_use: int = 1
    disks: tuple[Disk, ...] = ()
    forthcoming: bool = False
    nics: tuple[Nic, ...] = ()
    util: Util = Util()
    movable: bool = True


@dataclass(frozen=True, slots=True)
class Cluster:
    """All that a backend knows, in the order in which it came."""

    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    instances: tuple[Instance, ...]
    tags: tuple[str, ...] = ()
    ipolicy: IPolicy = DEFAULT_IPOLICY
