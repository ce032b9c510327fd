"""Instances to test with."""

from typing import Any, Final

import msgspec

from pyganeti.model.enums import AdminState
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceStartup
from pyganeti.testing.cluster import SimCluster

START: Final = OpInstanceStartup(instance_name="web1")


def create(name: str = "web1", **parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """The opcode for an instance with two disks and an OS on ``node1``, to be started."""
    wanted = {
        "instance_name": name,
        "mode": "create",
        "pnode": "node1",
        "disk_template": "file",
        "disks": [{"size": 1024}, {"size": 2048}],
        "nics": [{}],
        "os_type": "noop+default",
        **parameters,
    }
    return msgspec.convert(wanted, OpInstanceCreate)


def empty() -> SimCluster:
    """Three nodes, no instance."""
    return SimCluster()


def stopped() -> SimCluster:
    """``web1`` on ``node1``, stopped."""
    cluster = SimCluster()
    cluster.add_instance("web1", admin_state=AdminState.DOWN)
    return cluster


def on_offline_node() -> SimCluster:
    """``web1`` on ``node2``, which is marked offline and silent."""
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    cluster.set_node("node2", offline=True)
    cluster.nodes["node2"].reachable = False
    return cluster


def on_silent_node() -> SimCluster:
    """``web1`` on ``node2``, which does not answer."""
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    cluster.nodes["node2"].reachable = False
    return cluster


async def running() -> SimCluster:
    """``web1`` on ``node1``, running."""
    cluster = stopped()
    await cluster.run(START)
    cluster.rpc_changes.clear()
    return cluster


async def offline() -> SimCluster:
    """``web1`` on ``node1``, marked offline."""
    cluster = stopped()
    await cluster.set_admin_state("web1", AdminState.OFFLINE)
    return cluster


def shared() -> SimCluster:
    """``web1`` on ``node1``, stopped, with disks that all nodes see."""
    cluster = SimCluster()
    cluster.add_instance("web1", shared=True)
    return cluster
