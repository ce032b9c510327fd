"""A change of the configuration, as data: objects to put and objects to delete.

Made by Logical Units, applied to a snapshot (:meth:`ClusterView.apply`) and written to the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar, cast

import msgspec

from .base import ConfigObject, Part
from .cluster import Cluster
from .disk import Disk
from .filter import FilterRule
from .group import NodeGroup
from .instance import Instance
from .network import Network
from .node import Node


class Kind(StrEnum):
    """The kinds of config objects, as they are named in the store's keys."""

    CLUSTER = "cluster"
    NODE = "node"
    NODEGROUP = "nodegroup"
    INSTANCE = "instance"
    DISK = "disk"
    NETWORK = "network"
    FILTER = "filter"


AnyObject = Cluster | Node | NodeGroup | Instance | Disk | Network | FilterRule
"""An object that is stored under its own key."""

CLASSES: Final[Mapping[Kind, type[AnyObject]]] = {
    Kind.CLUSTER: Cluster,
    Kind.NODE: Node,
    Kind.NODEGROUP: NodeGroup,
    Kind.INSTANCE: Instance,
    Kind.DISK: Disk,
    Kind.NETWORK: Network,
    Kind.FILTER: FilterRule,
}
KINDS: Final[Mapping[type[Part], Kind]] = {cls: kind for kind, cls in CLASSES.items()}

A = TypeVar("A", bound=AnyObject)


def kind_of(obj: AnyObject) -> Kind:
    """The kind of an object."""
    return KINDS[type(obj)]


@dataclass(frozen=True, slots=True)
class Change:
    """Puts and deletes that become true together.

    Attributes:
        puts: whole objects; each replaces the one with its kind and UUID, or is new.
        deletes: kind and UUID; a missing one is fine.
    """

    puts: tuple[AnyObject, ...] = ()
    deletes: tuple[tuple[Kind, str], ...] = ()

    def and_then(self, other: "Change") -> "Change":
        """Both; where they name the same object, ``other`` wins."""
        named = {(kind_of(obj), obj.uuid) for obj in other.puts} | set(other.deletes)
        return Change(
            tuple(o for o in self.puts if (kind_of(o), o.uuid) not in named) + other.puts,
            tuple(key for key in self.deletes if key not in named) + other.deletes,
        )

    def __bool__(self) -> bool:
        return bool(self.puts or self.deletes)


def stamped(obj: A, old: AnyObject | None, now: float) -> A:
    """``obj`` with the serial number and times it gets when it follows ``old`` at ``now``.

    A filter rule has neither and stays as it is.
    """
    if not isinstance(obj, ConfigObject):
        return obj
    if isinstance(old, ConfigObject):
        serial, ctime = old.serial_no + 1, old.ctime
    else:
        serial, ctime = 1, now
    result = msgspec.structs.replace(obj, serial_no=serial, ctime=ctime, mtime=now)
    # The same class as before, which the narrowing above has lost.
    return cast(A, result)
