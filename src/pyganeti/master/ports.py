"""TCP ports of displays and DRBD devices: given out once, from the cluster's pool first. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from pyganeti.master.disks.drbd import NO_PORT
from pyganeti.model.cluster import Cluster
from pyganeti.model.disk import Disk, drbd_id
from pyganeti.model.errors import ReservationError

# The last port handed out.
LAST_PORT: Final = 14999


def take_port(cluster: Cluster) -> tuple[int, Cluster]:
    """A port nobody has, and the cluster that remembers it was given out.

    Raises:
        ReservationError: all are taken.
    """
    if cluster.tcpudp_port_pool:
        port, *rest = cluster.tcpudp_port_pool
        return port, msgspec.structs.replace(cluster, tcpudp_port_pool=tuple(rest))
    port = cluster.highest_used_port + 1
    if port > LAST_PORT:
        raise ReservationError(f"all TCP ports up to {LAST_PORT} are taken")
    return port, msgspec.structs.replace(cluster, highest_used_port=port)


def give_back(cluster: Cluster, ports: Iterable[int]) -> Cluster:
    """``cluster`` with ``ports`` in its pool."""
    pool = tuple(sorted({*cluster.tcpudp_port_pool, *ports}))
    return msgspec.structs.replace(cluster, tcpudp_port_pool=pool)


def with_ports(disks: Sequence[Disk], cluster: Cluster) -> tuple[tuple[Disk, ...], Cluster]:
    """``disks``, those of DRBD with a port each, and the cluster that remembers it.

    Raises:
        ReservationError: all are taken.
    """
    found: list[Disk] = []
    for disk in disks:
        wanted = drbd_id(disk)
        if wanted is None or wanted.port != NO_PORT:
            found.append(disk)
            continue
        port, cluster = take_port(cluster)
        found.append(msgspec.structs.replace(disk, logical_id=wanted._replace(port=port)))
    return tuple(found), cluster


def ports_of(disks: Iterable[Disk]) -> tuple[int, ...]:
    """The ports of those that are DRBD's."""
    ids = (drbd_id(disk) for disk in disks)
    return tuple(found.port for found in ids if found is not None and found.port != NO_PORT)
