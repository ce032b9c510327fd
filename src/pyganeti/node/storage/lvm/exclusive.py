"""Physical volumes that are given to volumes whole: exclusive storage. Pure. Sizes are bytes.

Each is a disk of the machine, a *spindle*. Source: Ganeti's design of partitioned nodes.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from pyganeti.model.errors import StorageError
from pyganeti.node.storage.base import MIB

from .tools import PhysicalVolume

# Disks of one type differ a little; so much of each is not counted on.
_RESERVED: Final = Fraction(2, 100)
# And so much they may differ.
_MARGIN: Final = Fraction(1, 100)


def usable(volumes: Sequence[PhysicalVolume]) -> int:
    """What each of ``volumes`` surely holds: that of the smallest."""
    return min((int(one.size * (1 - _RESERVED)) for one in volumes), default=0)


def empty(volumes: Sequence[PhysicalVolume]) -> list[PhysicalVolume]:
    """Those of which nothing is taken."""
    return [one for one in volumes if one.allocatable and one.free == one.size]


def chosen(
    group: str, volumes: Sequence[PhysicalVolume], size: int, spindles: int
) -> list[PhysicalVolume]:
    """Those that a new volume of ``size`` takes.

    Args:
        group: their volume group.
        volumes: all of it.
        size: of the new volume.
        spindles: how many to take; 0 for as few as hold it.

    Raises:
        StorageError: they do not hold it, or so many are not empty.
    """
    each = usable(volumes)
    text = f"{size // MIB} MiB do not fit on"
    if not each:
        raise StorageError(f"{text} {group}, which has no physical volumes")
    needed = -(-size // each)
    if spindles and spindles < needed:
        raise StorageError(f"{text} {spindles} spindles of {group}, it takes {needed}")
    found = empty(volumes)[: spindles or needed]
    if len(found) < (spindles or needed):
        have = f"of whose {len(volumes)} physical volumes {len(empty(volumes))} are empty"
        raise StorageError(f"{text} {group}, {have}, it takes {spindles or needed}")
    return found


def faults(
    group: str, volumes: Sequence[PhysicalVolume], users: Mapping[str, Sequence[str]]
) -> list[str]:
    """What is wrong with a group whose physical volumes are given away whole.

    Args:
        group: its name.
        volumes: all of it.
        users: names of the volumes on each.
    """
    found = [
        f"physical volume {name} of {group} is shared by volumes {', '.join(sorted(set(names)))}"
        for name, names in sorted(users.items())
        if len(set(names)) > 1
    ]
    sizes = sorted((one.size, one.name) for one in volumes)
    if sizes and sizes[-1][0] * (1 - _MARGIN) > sizes[0][0]:
        (small, first), (large, last) = sizes[0], sizes[-1]
        text = f"{first} has {small // MIB} MiB, {last} has {large // MIB} MiB"
        found.append(f"physical volumes of {group} differ in size: {text}")
    return found
