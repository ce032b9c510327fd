"""Instances on DRBD to test with."""

from typing import Any, Final

from pyganeti.model.disk import Disk, DrbdId, drbd_id
from pyganeti.node.storage.drbd import commands
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode
from tests.sim.instance.make import create

PAIR: Final = ("node1", "node2")


def drbd(**options: Any) -> SimCluster:  # Any: options as for gnt-cluster init
    """Three nodes with the volume group ``xenvg``."""
    return SimCluster(options={"enabled_disk_templates": ["drbd", "plain"], **options})


def mirrored(*disks: dict[str, Any], **parameters: Any) -> OpInstanceCreate:
    """An instance on ``node1``, mirrored on ``node2``."""
    parameters = {"disk_template": "drbd", "snode": "node2", "ignore_ipolicy": True, **parameters}
    return create(disks=list(disks) or [{"size": 1024}], **parameters)


def disks_of(cluster: SimCluster, name: str = "web1") -> list[tuple[Disk, DrbdId]]:
    """Its disks and their identities."""
    disks = cluster.view.disks_of(cluster.instance(name))
    return [(disk, found) for disk in disks if (found := drbd_id(disk)) is not None]


def roles(cluster: SimCluster) -> dict[str, list[tuple[str, bool]]]:
    """Of each node's devices: how good the disk is, and whether the node may write."""
    return {
        node.name: [(node.drbd.disk(one), one.primary) for one in node.drbd.devices.values()]
        for node in cluster.nodes.values()
    }


def volumes(node: SimNode) -> dict[str, int]:
    """Size of each of its volumes in MiB."""
    return {name: size for name, (size, _) in node.volumes.disks.items()}


def footprint(cluster: SimCluster) -> dict[str, object]:
    """All there is but which ports are free: those that come back wait in the pool."""
    ours = ("cluster/tcpudp_port_pool", "cluster/highest_used_port")
    return {path: value for path, value in cluster.footprint().items() if path not in ours}


BOTH: Final = {"node1": [("UpToDate", True)], "node2": [("UpToDate", False)], "node3": []}
NONE: Final[dict[str, list[tuple[str, bool]]]] = {"node1": [], "node2": [], "node3": []}


def cut(cluster: SimCluster, node: str, *guests: str) -> None:
    """The power of a node is cut: its guests are gone, ``web1`` if none is named."""
    cluster.nodes[node].reachable = False
    for name in guests or ("web1",):
        cluster.nodes[node].guests.remove(name)
    cluster.nodes[node].drbd.power_cut()
    cluster.replication.settle()


def known(job: int) -> Any:  # Any: what SimCluster.finished takes
    """A job that was submitted, for :meth:`SimCluster.finished`."""

    async def given() -> int:
        return job

    return given()


async def split(cluster: SimCluster) -> None:
    """Let ``node2`` write while the two do not reach each other; then they do again."""
    cable = cluster.view.node("node2").secondary_ip
    cluster.replication.cut.add(cable)
    cluster.replication.settle()
    await cluster.nodes["node2"].drbd(commands.primary(0))
    await cluster.nodes["node2"].drbd(commands.secondary(0))
    cluster.replication.cut.discard(cable)
    cluster.replication.settle()
