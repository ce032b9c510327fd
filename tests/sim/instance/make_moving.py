"""Instances with something on their disks, to be moved."""

from typing import Any

from pyganeti.opcodes.instance import OpInstanceMove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.contents import put_content
from tests.sim.asserting import make_op
from tests.sim.instance.make import START, create

MIB = 1 << 20
DATA = bytes(range(256)) * 4096 * 3
PLACES = ("first", "second")


def op(**parameters: Any) -> OpInstanceMove:  # Any: opcode parameters
    """Move ``web1`` to ``node2``."""
    return make_op(
        OpInstanceMove, **{"instance_name": "web1", "target_node": "node2", **parameters}
    )


def files() -> SimCluster:
    """``web1`` on ``node1``, stopped, with two file disks on which something is."""
    cluster = SimCluster()
    cluster.add_instance("web1", disks=(4, 20))
    fill(cluster)
    return cluster


def fill(cluster: SimCluster, node: str = "node1") -> None:
    """Write to the disks of the only instance there."""
    for driver in (cluster.nodes[node].disks, cluster.nodes[node].volumes):
        for number, place in enumerate(driver.disks):
            put_content(driver, place, (1 + number * 12) * MIB, DATA)


async def running() -> SimCluster:
    """The same, and its guest runs."""
    cluster = files()
    await cluster.run(START)
    cluster.rpc_changes.clear()
    return cluster


def lvm() -> SimCluster:
    """Nodes with volumes, no instance."""
    return SimCluster(options={"enabled_disk_templates": ["plain", "drbd", "sharedfile"]})


PLAIN = create(
    disk_template="plain", disks=[{"size": 4}, {"size": 20}], ignore_ipolicy=True, start=False
)


def contents(cluster: SimCluster, node: str) -> dict[str, dict[int, bytes]]:
    """What is on the disks of a node."""
    both = {**cluster.nodes[node].disks.contents, **cluster.nodes[node].volumes.contents}
    return {place: found for place, found in both.items() if found}


def primary(cluster: SimCluster) -> str:
    return cluster.view.node(cluster.instance("web1").primary_node).name


def disks(cluster: SimCluster, node: str) -> list[str]:
    """Places of disks on a node."""
    return [*cluster.nodes[node].disks.disks, *cluster.nodes[node].volumes.disks]
