"""Makes clusters in the ``.data`` text format, each from a seed: the same always.

    Profile, seed -> Rows (mutable lists of columns) -> text

A profile is what a cluster is about (tags, templates, broken states, ...): a list of twists that
are applied in turn to a plain cluster of mirrored instances, placed badly on purpose.
Source: htools(1), the format of ``--text-data``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

GIB: Final = 1024
MIRRORED: Final = "drbd"
UNMIRRORED: Final = ("plain", "file", "diskless")
SHARED: Final = ("sharedfile", "blockdev", "rbd", "ext", "gluster")
ALL_TEMPLATES: Final = "diskless,file,sharedfile,plain,blockdev,drbd,rbd,ext,gluster"


@dataclass(slots=True)
class Node:
    """One row of the second section; sizes in MiB."""

    name: str
    group: str
    memory: int
    own_memory: int
    disk: int
    cpus: int
    free_memory: int = 0
    free_disk: int = 0
    flag: str = "N"
    spindles: int = 1
    tags: list[str] = field(default_factory=list)
    exclusive: bool = False
    free_spindles: int = 0
    own_cpus: int = 1
    speed: float = 1.0
    unknown: bool = False


@dataclass(slots=True)
class Instance:
    """One row of the third section; sizes in MiB."""

    name: str
    memory: int
    disk: int
    vcpus: int
    primary: str
    secondary: str
    template: str = MIRRORED
    status: str = "running"
    balanced: bool = True
    tags: list[str] = field(default_factory=list)
    spindle_use: int = 1
    disk_spindles: int | None = None
    forthcoming: bool = False


@dataclass(slots=True)
class Group:
    """One row of the first section, and of the last: ``ratios`` of vcpus and spindles."""

    name: str
    uuid: str
    policy: str = "preferred"
    tags: list[str] = field(default_factory=list)
    templates: str = ALL_TEMPLATES
    ratios: tuple[float, float] = (4.0, 32.0)
    bounds: str = "128,1,1024,1,1,1;32768,16,1048576,16,8,12"


@dataclass(slots=True)
class Cluster:
    """A whole file."""

    rng: Random
    groups: list[Group]
    nodes: list[Node]
    instances: list[Instance] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    # Memory that nothing accounts for, by node.
    lost_memory: dict[str, int] = field(default_factory=dict)

    def members(self, group: Group) -> list[Node]:
        """The nodes of ``group``, in order."""
        return [node for node in self.nodes if node.group == group.uuid]


Twist = Callable[[Cluster], None]


def plain(
    rng: Random, *, nodes: int, instances: int, groups: int = 1, fill: float = 0.6
) -> Cluster:
    """A cluster of equal nodes with mirrored instances crowded on the first ones of each group.

    ``fill`` is about how much of all memory the instances take.
    """
    made = [Group(f"group{i + 1}", f"uuid-group-{i + 1}") for i in range(groups)]
    memory = rng.choice((16, 32, 64)) * GIB
    cluster = Cluster(rng, made, [])
    for i in range(nodes):
        group = made[i * groups // nodes]
        name = f"node{i + 1}.example.com"
        cluster.nodes.append(
            Node(name, group.uuid, memory, GIB, rng.choice((1, 2)) * 512 * GIB, rng.choice((8, 16)))
        )
    cluster.nodes[0].flag = "M"
    share = max(256, int(memory * nodes * fill / max(1, instances) / 128) * 128)
    for i in range(instances):
        cluster.instances.append(_instance(cluster, i, share))
    return cluster


def _instance(cluster: Cluster, number: int, share: int) -> Instance:
    """The next instance, with about ``share`` MiB, where a skewed die puts it."""
    rng = cluster.rng
    group = cluster.groups[number % len(cluster.groups)]
    members = cluster.members(group)
    primary = members[min(int(rng.random() ** 1.6 * len(members)), len(members) - 1)]
    others = [node for node in members if node is not primary]
    secondary = others[min(int(rng.random() ** 1.4 * len(others)), len(others) - 1)]
    memory = max(128, int(share * rng.choice((0.5, 0.75, 1, 1, 1.25, 1.5)) / 64) * 64)
    disk = rng.choice((4, 8, 10, 16, 20)) * GIB
    return Instance(
        f"inst{number + 1}.example.com",
        memory,
        disk,
        rng.choice((1, 1, 2, 2, 4)),
        primary.name,
        secondary.name,
    )


def place(cluster: Cluster) -> None:
    """Count what the instances leave free on their nodes."""
    for node in cluster.nodes:
        mine = [i for i in cluster.instances if i.primary == node.name and not i.forthcoming]
        used = sum(i.memory for i in mine if i.status in ("running", "ERROR_up"))
        lost = cluster.lost_memory.get(node.name, 0)
        node.free_memory = max(0, node.memory - node.own_memory - used - lost)
        here = [
            i
            for i in cluster.instances
            if node.name in (i.primary, i.secondary) and not i.forthcoming
        ]
        local = [i for i in here if i.template in (MIRRORED, "plain")]
        node.free_disk = max(0, node.disk - sum(i.disk for i in local))
        node.free_spindles = max(0, node.spindles - sum(i.disk_spindles or 0 for i in local))


def build(twists: Sequence[Twist], cluster: Cluster) -> str:
    """Twist ``cluster`` and write it down."""
    for twist in twists:
        twist(cluster)
    place(cluster)
    return render(cluster)


def render(cluster: Cluster) -> str:
    """The text of ``cluster``."""
    sections = [
        [f"{g.name}|{g.uuid}|{g.policy}|{','.join(g.tags)}|" for g in cluster.groups],
        [_node_row(node) for node in cluster.nodes],
        [_instance_row(instance) for instance in cluster.instances],
        cluster.tags,
        [_policy_row("", cluster.groups[0]), *(_policy_row(g.name, g) for g in cluster.groups)],
    ]
    return "\n".join("".join(f"{row}\n" for row in rows) for rows in sections)


def _node_row(node: Node) -> str:
    """A row of the second section."""
    sizes = [node.memory, node.own_memory, node.free_memory, node.disk, node.free_disk, node.cpus]
    words = ["?"] * 6 if node.unknown else [str(size) for size in sizes]
    return "|".join(
        [
            node.name,
            *words,
            node.flag,
            node.group,
            str(node.spindles),
            ",".join(node.tags),
            "Y" if node.exclusive else "N",
            str(node.free_spindles),
            str(node.own_cpus),
            str(node.speed),
        ]
    )


def _instance_row(instance: Instance) -> str:
    """A row of the third section."""
    spindles = instance.disk_spindles
    return "|".join(
        [
            instance.name,
            str(instance.memory),
            str(instance.disk),
            str(instance.vcpus),
            instance.status,
            "Y" if instance.balanced else "N",
            instance.primary,
            instance.secondary,
            instance.template,
            ",".join(instance.tags),
            str(instance.spindle_use),
            "-" if spindles is None else str(spindles),
            "Y" if instance.forthcoming else "N",
        ]
    )


def _policy_row(owner: str, group: Group) -> str:
    """A row of the last section."""
    vcpus, spindles = group.ratios
    return f"{owner}|128,1,1024,1,1,1|{group.bounds}|{group.templates}|{vcpus}|{spindles}"
