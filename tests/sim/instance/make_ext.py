"""Instances on external storage to test with."""

from collections.abc import Sequence
from typing import Any

from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make import create

DISKS = (
    {"size": 1024, "provider": "array", "colour": "red"},
    {"size": 2048, "provider": "array"},
)


def array(*, without: str = "", templates: Sequence[str] = ("ext",)) -> SimCluster:
    """Three nodes with a storage provider, maybe without one of its scripts."""
    cluster = SimCluster(options={"enabled_disk_templates": list(templates)})
    for node in cluster.nodes.values():
        node.install_provider(without=without)
    return cluster


def ext(*disks: dict[str, Any], **parameters: Any) -> OpInstanceCreate:
    """An instance on volumes of the provider."""
    parameters = {"disk_template": "ext", "ignore_ipolicy": True, **parameters}
    return create(disks=list(disks or DISKS), **parameters)


async def running(*, without: str = "") -> SimCluster:
    """``web1`` on ``node1``, running."""
    cluster = array(without=without)
    await cluster.run(ext())
    cluster.rpc_changes.clear()
    for node in cluster.nodes.values():
        node.provider.ran.clear()
    return cluster


async def stopped() -> SimCluster:
    """``web1`` on ``node1``, not running."""
    cluster = array()
    await cluster.run(ext(start=False))
    cluster.rpc_changes.clear()
    for node in cluster.nodes.values():
        node.provider.ran.clear()
    return cluster


def scripts(cluster: SimCluster, node: str = "node1") -> list[str]:
    """What was run on a node, in order."""
    return [script for script, _volume in cluster.nodes[node].provider.ran]
