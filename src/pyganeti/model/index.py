"""Indices of a snapshot: from a key to the UUIDs of the objects that have it.

An index is made when it is first asked for and carried from snapshot to snapshot; a change costs
what it touches. Used by :mod:`pyganeti.model.snapshot` only.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from .change import Kind
from .disk import Disk, drbd_id
from .errors import ConfigurationError
from .instance import Instance
from .names import name_prefixes
from .node import Node

if TYPE_CHECKING:
    from .snapshot import Snapshot

_NONE: Final[frozenset[str]] = frozenset()
# Changes kept beside the base before both are merged: small beside copying ten thousand keys.
_MAX_DELTA: Final = 256


class Index(Mapping[Hashable, frozenset[str]]):
    """Immutable: a large base that snapshots share, and the few keys that differ from it.

    Args:
        base: UUIDs by key.
        delta: what is so instead; an empty set for a key that is gone.
    """

    __slots__ = ("_base", "_delta")

    def __init__(
        self,
        base: Mapping[Hashable, frozenset[str]],
        delta: Mapping[Hashable, frozenset[str]] = MappingProxyType({}),
    ) -> None:
        self._base = base
        self._delta = delta

    def __getitem__(self, key: Hashable) -> frozenset[str]:
        found = self._find(key)
        if not found:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        return isinstance(key, Hashable) and bool(self._find(key))

    def __iter__(self) -> Iterator[Hashable]:
        yield from (key for key in self._base if key not in self._delta)
        yield from (key for key, found in self._delta.items() if found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _find(self, key: Hashable) -> frozenset[str]:
        found = self._delta.get(key)
        return self._base.get(key, _NONE) if found is None else found

    def with_changes(self, changes: Mapping[Hashable, frozenset[str]]) -> "Index":
        """An index with ``changes`` on top, an empty set meaning that a key is gone."""
        delta = {**self._delta, **changes}
        if len(delta) <= _MAX_DELTA:
            return Index(self._base, delta)
        merged = {**self._base, **delta}
        return Index({key: found for key, found in merged.items() if found})


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """How an index is made.

    Attributes:
        kind: of the objects in it.
        keys: the keys of the object with a UUID; empty when there is none.
        follows_disks: an instance's keys depend on its disks.
        follows_cluster: the keys depend on the cluster's defaults.
    """

    kind: Kind
    keys: "Callable[[Snapshot, str], Iterable[Hashable]]"
    follows_disks: bool = False
    follows_cluster: bool = False


def _of_instance(
    keys: Callable[[Instance], Iterable[Hashable]],
) -> "Callable[[Snapshot, str], Iterable[Hashable]]":
    def of(view: "Snapshot", uuid: str) -> Iterable[Hashable]:
        instance = view.instances.get(uuid)
        return keys(instance) if instance else ()

    return of


def _of_node(
    keys: Callable[[Node], Iterable[Hashable]],
) -> "Callable[[Snapshot, str], Iterable[Hashable]]":
    def of(view: "Snapshot", uuid: str) -> Iterable[Hashable]:
        node = view.nodes.get(uuid)
        return keys(node) if node else ()

    return of


def _of_disk(
    keys: Callable[[Disk], Iterable[Hashable]],
) -> "Callable[[Snapshot, str], Iterable[Hashable]]":
    def of(view: "Snapshot", uuid: str) -> Iterable[Hashable]:
        disk = view.disks.get(uuid)
        return keys(disk) if disk else ()

    return of


def _secondaries(view: "Snapshot", uuid: str) -> Iterable[Hashable]:
    instance = view.instances.get(uuid)
    return view.secondary_node_uuids(instance) if instance else ()


def _addresses(view: "Snapshot", uuid: str) -> Iterable[Hashable]:
    instance = view.instances.get(uuid)
    if instance is None:
        return ()
    return [(nic.network or view.link_of(nic), nic.ip) for nic in instance.nics if nic.ip]


def _drbd_port(disk: Disk) -> tuple[int, ...]:
    try:
        found = drbd_id(disk)
    except ConfigurationError:
        return ()  # verify names it
    return (found.port,) if found else ()


def _drbd_nodes(disk: Disk) -> tuple[str, ...]:
    try:
        found = drbd_id(disk)
    except ConfigurationError:
        return ()  # verify names it
    return (found.node_a, found.node_b) if found else ()


INSTANCE_NAME: Final = IndexSpec(Kind.INSTANCE, _of_instance(lambda i: (i.name,)))
INSTANCE_PREFIX: Final = IndexSpec(Kind.INSTANCE, _of_instance(lambda i: name_prefixes(i.name)))
INSTANCE_PRIMARY: Final = IndexSpec(Kind.INSTANCE, _of_instance(lambda i: (i.primary_node,)))
INSTANCE_SECONDARY: Final = IndexSpec(Kind.INSTANCE, _secondaries, follows_disks=True)
INSTANCE_DISK: Final = IndexSpec(Kind.INSTANCE, _of_instance(lambda i: i.disks))
INSTANCE_MAC: Final = IndexSpec(
    Kind.INSTANCE, _of_instance(lambda i: [nic.mac.lower() for nic in i.nics])
)
INSTANCE_IP: Final = IndexSpec(Kind.INSTANCE, _addresses, follows_cluster=True)
INSTANCE_NETWORK: Final = IndexSpec(
    Kind.INSTANCE, _of_instance(lambda i: [nic.network for nic in i.nics if nic.network])
)
INSTANCE_PORT: Final = IndexSpec(
    Kind.INSTANCE, _of_instance(lambda i: (i.network_port,) if i.network_port else ())
)
NODE_NAME: Final = IndexSpec(Kind.NODE, _of_node(lambda n: (n.name,)))
NODE_PREFIX: Final = IndexSpec(Kind.NODE, _of_node(lambda n: name_prefixes(n.name)))
NODE_GROUP: Final = IndexSpec(Kind.NODE, _of_node(lambda n: (n.group,)))
DISK_PORT: Final = IndexSpec(Kind.DISK, _of_disk(_drbd_port))
DISK_NODE: Final = IndexSpec(Kind.DISK, _of_disk(lambda d: d.nodes))
DISK_DRBD_NODE: Final = IndexSpec(Kind.DISK, _of_disk(_drbd_nodes))


def build(spec: IndexSpec, view: "Snapshot", uuids: Iterable[str]) -> Index:
    """The index over all objects."""
    found: dict[Hashable, set[str]] = {}
    for uuid in uuids:
        for key in spec.keys(view, uuid):
            found.setdefault(key, set()).add(uuid)
    return Index({key: frozenset(members) for key, members in found.items()})


def carry(
    spec: IndexSpec, index: Index, old: "Snapshot", new: "Snapshot", changed: Iterable[str]
) -> Index:
    """The index of ``new``, given that of ``old`` and the objects that may differ."""
    changes: dict[Hashable, frozenset[str]] = {}
    for uuid in changed:
        before, after = set(spec.keys(old, uuid)), set(spec.keys(new, uuid))
        for key in before - after:
            changes[key] = changes.get(key, index.get(key, _NONE)) - {uuid}
        for key in after - before:
            changes[key] = changes.get(key, index.get(key, _NONE)) | {uuid}
    return index.with_changes(changes) if changes else index
