"""The working state: one group of nodes with its instances, as vectors.

    Cluster (prepared) -> State.of -> moves change it -> to_cluster

Nodes and instances are numbered in the backend's order. Sizes are MiB in int64, so comparisons are
exact; what the metrics look at are float64 amounts, of which each whole number below 2^53 is exact,
too. An amount is what a node has of a *quantity* (free memory, used processors, ...); an instance
adds its share where it is primary or secondary, and a metric sees ``amount / total``.
Source: hbal(1), CLUSTER SCORING; htools(1), ``--print-nodes``.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from pyganeti.model.enums import DiskTemplate, InstanceStatus

from . import tags
from .model import Cluster, Instance, IPolicy, Node

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NOWHERE: Final = -1
"""The secondary node of an instance that has none."""

LOCAL: Final = frozenset({DiskTemplate.DRBD, DiskTemplate.PLAIN})
"""Templates whose disks take space on the instance's nodes that the tools know of."""

_DOWN: Final = frozenset(
    {InstanceStatus.ADMIN_DOWN, InstanceStatus.USER_DOWN, InstanceStatus.ERROR_DOWN}
)


class Q(IntEnum):
    """Quantities: the rows of :attr:`State.amount`; ``F_`` includes forthcoming instances."""

    MEM = 0
    DISK = 1
    CPU = 2
    CPU_LOAD = 3
    MEM_LOAD = 4
    DISK_LOAD = 5
    NET_LOAD = 6
    SPINDLES = 7
    F_MEM = 8
    F_DISK = 9
    F_CPU = 10
    F_SPINDLES = 11


@dataclass(slots=True)
class State:
    """A group of ``n`` nodes, ``m`` instances, ``x`` exclusion tags and ``d`` failure domains.

    What the comments call fixed is shared between copies.
    """

    cluster: Cluster
    policy: IPolicy
    nodes: tuple[Node, ...]
    instances: tuple[Instance, ...]
    # Per node, fixed.
    offline: Bools
    total: Floats  # quantities x n
    high_cpus: Floats  # how many processors may be given to instances
    high_spindles: Floats
    low_disk: Floats  # how much disk must stay free
    domains: Ints  # d x n, 1 where a node is in a failure domain
    common_domains: Ints  # n x n, of how many domains both are
    may_migrate: Bools  # n x n, from and to
    # Per instance, fixed.
    as_primary: Floats  # quantities x m, what it adds to its primary node
    as_secondary: Floats
    memory: Ints
    needs_memory: Ints  # on its primary node: 0 while it is down
    kept_memory: Ints  # that its secondary must hold free
    disk: Ints
    vcpus: Ints
    local_disk: Bools
    real: Bools  # not forthcoming
    exclusion: Ints  # x x m, 1 where it has a tag
    unwanted: Ints  # m x n, how many of its desired locations a node does not offer
    # What moves change.
    primary: Ints
    secondary: Ints
    amount: Floats  # quantities x n
    free_mem: Ints
    free_disk: Ints
    peers: Ints  # n x n: what a node holds free for instances whose primary is the other
    reserved: Ints  # per node: the most of its row of peers
    tagged: Ints  # x x n: instances with a tag on a node as primary
    tagged_real: Ints  # the same without forthcoming ones
    failing: Bools  # which nodes fail N+1

    @classmethod
    def of(cls, cluster: Cluster, group: str | None) -> "State":
        """The nodes of the group with UUID ``group``, and the instances that live on them.

        None takes all groups, each node with its own group's ratios; ``policy`` is the cluster's.
        """
        return _build(cluster, group)

    def copy(self) -> "State":
        """One whose changes leave this one alone; what is fixed is shared."""
        moving = (
            "primary", "secondary", "amount", "free_mem", "free_disk", "peers", "reserved",
            "tagged", "tagged_real", "failing",
        )  # fmt: skip
        return replace(self, **{name: getattr(self, name).copy() for name in moving})

    @property
    def online(self) -> Bools:
        """Which nodes count."""
        return ~self.offline

    @property
    def breaks_policy(self) -> Bools:
        """Which nodes carry more than the policy allows."""
        over: Bools = self.amount[Q.CPU] > self.high_cpus
        over |= self.amount[Q.SPINDLES] > self.high_spindles
        return over

    def lift(self, i: int) -> None:
        """Take instance ``i`` off its nodes."""
        p, s = int(self.primary[i]), int(self.secondary[i])
        self.amount[:, p] -= self.as_primary[:, i]
        self.free_mem[p] += self.needs_memory[i]
        self.tagged[:, p] -= self.exclusion[:, i]
        if self.local_disk[i] and self.real[i]:
            self.free_disk[p] += self.disk[i]
        if s != NOWHERE:
            self.amount[:, s] -= self.as_secondary[:, i]
            self._keep(s, p, -int(self.kept_memory[i]))
            if self.local_disk[i] and self.real[i]:
                self.free_disk[s] += self.disk[i]
        self.tagged_real[:, p] -= self.exclusion[:, i] * self.real[i]
        self.primary[i] = self.secondary[i] = NOWHERE
        self._check(p, s)

    def put(self, i: int, primary: int, secondary: int) -> None:
        """Put instance ``i``, which is nowhere, on these nodes, whether or not there is room."""
        self.primary[i], self.secondary[i] = primary, secondary
        self.amount[:, primary] += self.as_primary[:, i]
        self.free_mem[primary] -= self.needs_memory[i]
        self.tagged[:, primary] += self.exclusion[:, i]
        if self.local_disk[i] and self.real[i]:
            self.free_disk[primary] -= self.disk[i]
        if secondary != NOWHERE:
            self.amount[:, secondary] += self.as_secondary[:, i]
            self._keep(secondary, primary, int(self.kept_memory[i]))
            if self.local_disk[i] and self.real[i]:
                self.free_disk[secondary] -= self.disk[i]
        self.tagged_real[:, primary] += self.exclusion[:, i] * self.real[i]
        self._check(primary, secondary)

    def _check(self, *touched: int) -> None:
        """Note whether nodes fail N+1: less memory free than they must hold free."""
        for node in touched:
            if node != NOWHERE:
                self.failing[node] = self.free_mem[node] <= self.reserved[node]

    def _keep(self, node: int, peer: int, more: int) -> None:
        self.peers[node, peer] += more
        self.reserved[node] = self.peers[node].max()

    def to_cluster(self) -> Cluster:
        """The cluster with the instances where they are now, and what is free adjusted."""
        names = [node.name for node in self.nodes]
        placed = {
            old.name: replace(
                old,
                primary=names[self.primary[i]],
                secondary=None if self.secondary[i] == NOWHERE else names[self.secondary[i]],
            )
            for i, old in enumerate(self.instances)
        }
        left = {
            node.name: replace(node, free_disk=int(self.free_disk[k]))
            for k, node in enumerate(self.nodes)
        }
        return replace(
            self.cluster,
            nodes=tuple(left.get(node.name, node) for node in self.cluster.nodes),
            instances=tuple(placed.get(i.name, i) for i in self.cluster.instances),
        )


def is_offline(instance: Instance) -> bool:
    """Whether ``instance`` is marked as one that does not run and will not."""
    return instance.status is InstanceStatus.ADMIN_OFFLINE


def unused_memory(node: Node, running: int) -> int:
    """Free memory of ``node`` by its books, corrected by what it reports.

    Memory that is missing from its report stays missing; what it reports too much does not count.
    """
    recorded = int(node.total_memory) - node.node_memory - running
    return recorded - max(0, recorded - node.free_memory)


def _build(cluster: Cluster, uuid: str | None) -> State:
    policies = {group.uuid: group.ipolicy for group in cluster.groups}
    nodes = tuple(node for node in cluster.nodes if uuid in (None, node.group))
    ratios = [policies[node.group] for node in nodes]
    place = {node.name: k for k, node in enumerate(nodes)}
    instances = tuple(i for i in cluster.instances if i.primary in place)
    n, m = len(nodes), len(instances)
    exclusions = _exclusions(cluster, instances)
    locations = [_locations(cluster, node) for node in nodes]
    exclusive = {node.name for node in nodes if node.exclusive_storage}
    state = State(
        cluster=cluster,
        policy=cluster.ipolicy if uuid is None else policies[uuid],
        nodes=nodes,
        instances=instances,
        offline=np.array([node.offline for node in nodes], bool),
        total=_totals(nodes, ratios),
        high_cpus=np.floor(
            [n.total_cpus * its.vcpu_ratio for n, its in zip(nodes, ratios, strict=True)]
        ),
        high_spindles=np.array(
            [n.spindles * its.spindle_ratio for n, its in zip(nodes, ratios, strict=True)]
        ),
        low_disk=np.zeros(n),
        domains=_members(locations),
        common_domains=_common(locations),
        may_migrate=_migrations(cluster, nodes),
        as_primary=_shares(instances, primary=True, exclusive=exclusive),
        as_secondary=_shares(instances, primary=False, exclusive=exclusive),
        memory=_ints(i.memory for i in instances),
        needs_memory=_ints(i.memory if uses_memory(i) else 0 for i in instances),
        kept_memory=_ints(i.memory if _keeps_memory(i) else 0 for i in instances),
        disk=_ints(i.disk for i in instances),
        vcpus=_ints(i.vcpus for i in instances),
        local_disk=np.array([i.template in LOCAL for i in instances], bool),
        real=np.array([not i.forthcoming for i in instances], bool),
        exclusion=_members(exclusions),
        unwanted=_unwanted(cluster, instances, locations),
        primary=np.full(m, NOWHERE),
        secondary=np.full(m, NOWHERE),
        amount=np.zeros((len(Q), n)),
        free_mem=np.zeros(n, np.int64),
        free_disk=np.zeros(n, np.int64),
        peers=np.zeros((n, n), np.int64),
        reserved=np.zeros(n, np.int64),
        tagged=np.zeros((len(frozenset().union(*exclusions)), n), np.int64),
        tagged_real=np.zeros((len(frozenset().union(*exclusions)), n), np.int64),
        failing=np.zeros(n, bool),
    )
    _fill(state, place)
    return state


def _fill(state: State, place: dict[str, int]) -> None:
    """Put all where they are, so that what the nodes report as free comes out as free."""
    for i, instance in enumerate(state.instances):
        second = place.get(instance.secondary or "", NOWHERE)
        state.put(i, place[instance.primary], second)
    running = -state.free_mem
    free = [unused_memory(node, int(running[k])) for k, node in enumerate(state.nodes)]
    state.free_mem[:] = free
    state.free_disk[:] = [node.free_disk for node in state.nodes]
    # Nodes report what is free beside the instances that are there, not beside announced ones.
    state.amount[Q.MEM] = free
    state.amount[Q.DISK] = state.free_disk
    exclusive = np.array([node.exclusive_storage for node in state.nodes], bool)
    state.amount[Q.DISK, exclusive] = [n.free_spindles for n in state.nodes if n.exclusive_storage]
    state.amount[Q.F_MEM] = [node.free_memory for node in state.nodes]
    state.amount[Q.F_DISK] = state.amount[Q.DISK]
    idle, announced = state.needs_memory == 0, ~state.real
    np.add.at(state.amount[Q.F_MEM], state.primary[idle], state.as_primary[Q.F_MEM, idle])
    np.add.at(
        state.amount[Q.F_DISK], state.primary[announced], state.as_primary[Q.F_DISK, announced]
    )
    both = announced & (state.secondary != NOWHERE)
    np.add.at(state.amount[Q.F_DISK], state.secondary[both], state.as_secondary[Q.F_DISK, both])
    # As in Ganeti, what a node reports counts at first, its books once something has moved.
    state.failing[:] = [node.free_memory for node in state.nodes] < state.reserved
    own = np.array([node.node_cpus for node in state.nodes], float)
    state.amount[Q.CPU] += own
    state.amount[Q.F_CPU] += own


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), np.int64)


def uses_memory(instance: Instance) -> bool:
    """Whether its primary node has its memory in use: it should run, whatever it does."""
    return not (instance.status in _DOWN or is_offline(instance) or instance.forthcoming)


def _keeps_memory(instance: Instance) -> bool:
    return instance.auto_balance and not (is_offline(instance) or instance.forthcoming)


def _shares(instances: Sequence[Instance], *, primary: bool, exclusive: Collection[str]) -> Floats:
    """What each instance adds to the amounts of its primary or secondary node.

    ``exclusive`` names the nodes with exclusive storage.
    """
    shares = np.zeros((len(Q), len(instances)))
    for i, it in enumerate(instances):
        local = it.template in LOCAL
        real = not it.forthcoming
        owned = (it.primary if primary else it.secondary) in exclusive
        disk = _spindles(it) if owned else it.disk
        if local or owned:
            use = 0 if owned else it.spindle_use
            shares[[Q.DISK, Q.F_DISK], i] = -disk * real, -disk
            shares[[Q.SPINDLES, Q.F_SPINDLES], i] = use * real, use
        if primary:
            shares[:, i] += _primary_only(it)
        else:
            shares[Q.DISK_LOAD, i] = it.util.disk * real
    return shares


def _primary_only(it: Instance) -> list[float]:
    real = not it.forthcoming
    memory = it.memory if uses_memory(it) else 0
    cpus = 0 if is_offline(it) else it.vcpus
    load = it.util
    return [
        -memory, 0, cpus * real,
        load.cpu * real, load.memory * real, load.disk * real, load.net * real,
        0, -it.memory, 0, cpus, 0,
    ]  # fmt: skip


def _spindles(it: Instance) -> int:
    """The spindles of its own that an instance takes under exclusive storage."""
    return sum(disk.spindles or 0 for disk in it.disks)


def _totals(nodes: Sequence[Node], policies: Sequence[IPolicy]) -> Floats:
    """By what an amount is divided to be comparable between nodes."""
    memory = [node.total_memory for node in nodes]
    disk = [n.spindles if n.exclusive_storage else n.total_disk for n in nodes]
    cpus = [node.total_cpus * node.cpu_speed for node in nodes]
    spindles = [n.spindles * its.spindle_ratio for n, its in zip(nodes, policies, strict=True)]
    ones = [1.0] * len(nodes)
    rows = [memory, disk, cpus, ones, ones, ones, ones, spindles, memory, disk, cpus, spindles]
    return np.array(rows, float)


def exclusion_of(cluster: Cluster, instances: Iterable[Instance]) -> Ints:
    """:attr:`State.exclusion` of ``instances``."""
    return _members(_exclusions(cluster, instances))


def unwanted_of(cluster: Cluster, it: Instance, nodes: Iterable[Node]) -> Ints:
    """The row of :attr:`State.unwanted` of one instance."""
    return _unwanted(cluster, [it], [_locations(cluster, node) for node in nodes])


def _exclusions(cluster: Cluster, instances: Iterable[Instance]) -> list[frozenset[str]]:
    known = tags.prefixes(cluster.tags, tags.EXCLUSION)
    return [tags.matching(i.tags, known) for i in instances]


def _locations(cluster: Cluster, node: Node) -> frozenset[str]:
    return tags.matching(node.tags, tags.prefixes(cluster.tags, tags.LOCATION))


def _members(sets: Sequence[frozenset[str]]) -> Ints:
    """A row for each word, a column for each set: 1 where the set has the word."""
    words = sorted(set().union(*sets)) if sets else []
    return np.array([[word in s for s in sets] for word in words], np.int64).reshape(
        len(words), len(sets)
    )


def _common(locations: Sequence[frozenset[str]]) -> Ints:
    members = _members(locations)
    return members.T @ members


def _unwanted(
    cluster: Cluster, instances: Sequence[Instance], locations: Sequence[frozenset[str]]
) -> Ints:
    known = tags.prefixes(cluster.tags, tags.DESIRED_LOCATION)
    wishes = [tags.matching(i.tags, known) for i in instances]
    missing = [[len(wish - there) for there in locations] for wish in wishes]
    return np.array(missing, np.int64).reshape(len(instances), len(locations))


def _migrations(cluster: Cluster, nodes: Sequence[Node]) -> Bools:
    known = tags.prefixes(cluster.tags, tags.MIGRATION)
    has = [tags.matching(node.tags, known) for node in nodes]
    takes = [tags.receivable(tags_of, cluster.tags) for tags_of in has]
    return np.array([[a <= b for b in takes] for a in has], bool).reshape(len(nodes), len(nodes))
