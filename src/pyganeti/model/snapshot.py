"""The objects of a snapshot, their indices, and how a change makes the next snapshot.

The base of :class:`~pyganeti.model.view.ClusterView`, which readers use.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from msgspec import UNSET, UnsetType

from . import index
from .change import AnyObject, Change, Kind, kind_of
from .cluster import Cluster
from .config import ConfigData
from .disk import Disk
from .errors import ConfigurationError
from .filter import FilterRule
from .group import NodeGroup
from .index import Index, IndexSpec
from .instance import Instance
from .names import nice_sort_key
from .network import Network
from .nic import Nic
from .node import Node
from .params import nic as nic_params
from .versions import CONFIG_VERSION

_FIELDS: Mapping[Kind, str] = {
    Kind.NODE: "nodes",
    Kind.NODEGROUP: "groups",
    Kind.INSTANCE: "instances",
    Kind.DISK: "disks",
    Kind.NETWORK: "networks",
    Kind.FILTER: "filters",
}
_NAMED = (Kind.NODE, Kind.NODEGROUP, Kind.INSTANCE, Kind.NETWORK)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All objects by UUID.

    Attributes:
        serial: of the whole configuration; one higher after each change.
        extra: unknown keys at the top of the configuration.
    """

    serial: int
    cluster: Cluster
    nodes: Mapping[str, Node]
    groups: Mapping[str, NodeGroup]
    instances: Mapping[str, Instance]
    disks: Mapping[str, Disk]
    networks: Mapping[str, Network]
    filters: Mapping[str, FilterRule]
    ctime: float = 0.0
    mtime: float = 0.0
    extra: Mapping[str, object] | UnsetType = UNSET
    # Made when first asked for; a reader cannot tell whether they were there.
    _indices: dict[IndexSpec, Index] = field(default_factory=dict, init=False, repr=False)
    _orders: dict[Kind, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def from_config(cls, config: ConfigData) -> Self:
        """The snapshot that ``config`` describes."""
        return cls(
            serial=config.serial_no,
            cluster=config.cluster,
            nodes=config.nodes,
            groups=config.nodegroups,
            instances=config.instances,
            disks=config.disks,
            networks=config.networks,
            filters=config.filters,
            ctime=config.ctime,
            mtime=config.mtime,
            extra=config.extra,
        )

    @classmethod
    def from_objects(cls, objects: Iterable[AnyObject], *, serial: int) -> Self:
        """The snapshot of single objects, as the store keeps them.

        Raises:
            ConfigurationError: there is no cluster among them.
        """
        found: dict[Kind, dict[str, AnyObject]] = {kind: {} for kind in Kind}
        for obj in objects:
            found[kind_of(obj)][obj.uuid] = obj
        if not found[Kind.CLUSTER]:
            raise ConfigurationError("the configuration has no cluster")
        cluster = next(iter(found.pop(Kind.CLUSTER).values()))
        times = (getattr(obj, "mtime", 0.0) for group in found.values() for obj in group.values())
        # Any: as in apply().
        fields: dict[str, Any] = {_FIELDS[kind]: group for kind, group in found.items()}
        mtime = max(times, default=0.0)
        return cls(serial=serial, cluster=cast(Cluster, cluster), mtime=mtime, **fields)

    def to_config(self) -> ConfigData:
        """Everything, as ``config.data`` holds it."""
        return ConfigData(
            version=CONFIG_VERSION,
            cluster=self.cluster,
            nodes=self.nodes,
            nodegroups=self.groups,
            instances=self.instances,
            networks=self.networks,
            disks=self.disks,
            filters=self.filters,
            serial_no=self.serial,
            ctime=self.ctime,
            mtime=self.mtime,
            extra=self.extra,
        )

    def objects(self, kind: Kind) -> Mapping[str, AnyObject]:
        """All objects of a kind by UUID."""
        if kind is Kind.CLUSTER:
            return {self.cluster.uuid: self.cluster}
        return cast(Mapping[str, AnyObject], getattr(self, _FIELDS[kind]))

    def find_object(self, kind: Kind, uuid: str) -> AnyObject | None:
        """The object of a kind with a UUID."""
        return self.objects(kind).get(uuid)

    def apply(self, change: Change) -> Self:
        """The snapshot after ``change``; only the mappings that it touches are copied."""
        # Any: field names and types come from _FIELDS in pairs, which a dict's type cannot say.
        fields: dict[str, Any] = {}
        for kind, (puts, deletes) in _by_kind(change).items():
            if kind is Kind.CLUSTER:
                fields["cluster"] = next(iter(puts.values()), self.cluster)
                continue
            objects = {**self.objects(kind), **puts}
            for uuid in deletes:
                objects.pop(uuid, None)
            fields[_FIELDS[kind]] = objects
        times = [getattr(obj, "mtime", 0.0) for obj in change.puts]
        new = replace(self, serial=self.serial + 1, mtime=max([self.mtime, *times]), **fields)
        self._carry_over(new, change)
        return new

    def _carry_over(self, new: Self, change: Change) -> None:
        changed: dict[Kind, set[str]] = {
            kind: {*puts, *deletes} for kind, (puts, deletes) in _by_kind(change).items()
        }
        owners = self._owners(changed.get(Kind.DISK, set()))
        for spec, found in self._indices.items():
            if spec.follows_cluster and Kind.CLUSTER in changed:
                continue
            uuids = changed.get(spec.kind, set()) | (owners if spec.follows_disks else set())
            new._indices[spec] = index.carry(spec, found, self, new, uuids) if uuids else found
        for kind, order in self._orders.items():
            new._orders[kind] = self._reordered(new, kind, order, changed.get(kind, set()))

    def _reordered(
        self, new: Self, kind: Kind, order: tuple[str, ...], changed: set[str]
    ) -> tuple[str, ...]:
        """``order`` with the objects whose names changed moved to where they belong now."""
        before, after = self.objects(kind), new.objects(kind)
        moved = {uuid for uuid in changed if _name(before.get(uuid)) != _name(after.get(uuid))}
        if not moved:
            return order
        result = [uuid for uuid in order if uuid not in moved]
        for uuid in moved & after.keys():
            insort(result, uuid, key=lambda other: nice_sort_key(_name(after[other])))
        return tuple(result)

    def _owners(self, disks: set[str]) -> set[str]:
        if not disks:
            return set()
        by_disk = self._index(index.INSTANCE_DISK)
        return {owner for disk in disks for owner in by_disk.get(disk, ())}

    def _index(self, spec: IndexSpec) -> Index:
        found = self._indices.get(spec)
        if found is None:
            found = index.build(spec, self, self.objects(spec.kind))
            self._indices[spec] = found
        return found

    def order(self, kind: Kind) -> tuple[str, ...]:
        """UUIDs of all nodes, groups, instances or networks in natural order of their names."""
        found = self._orders.get(kind)
        if found is None:
            names = {uuid: nice_sort_key(_name(obj)) for uuid, obj in self.objects(kind).items()}
            found = tuple(sorted(names, key=names.__getitem__))
            self._orders[kind] = found
        return found

    def secondary_node_uuids(self, instance: Instance) -> tuple[str, ...]:
        """The nodes other than the primary that its disks have been placed on, in order."""
        found: dict[str, None] = {}
        for uuid in instance.disks:
            disk = self.disks.get(uuid)
            if disk and disk.nodes:
                found.update(dict.fromkeys(disk.nodes))
        found.pop(instance.primary_node, None)
        return tuple(found)

    def link_of(self, nic: Nic) -> str:
        """The link of a NIC, its own or the cluster's default."""
        for level in (nic.nicparams, self.cluster.nicparams.get("default", {})):
            if "link" in level:
                return str(level["link"])
        return str(nic_params.DEFAULTS["link"])


def _name(obj: AnyObject | None) -> str:
    name = getattr(obj, "name", "")
    return name if isinstance(name, str) else ""


def _by_kind(change: Change) -> dict[Kind, tuple[dict[str, AnyObject], list[str]]]:
    result: dict[Kind, tuple[dict[str, AnyObject], list[str]]] = {}
    for obj in change.puts:
        result.setdefault(kind_of(obj), ({}, []))[0][obj.uuid] = obj
    for kind, uuid in change.deletes:
        result.setdefault(kind, ({}, []))[1].append(uuid)
    return result
