"""Node groups to test with."""

from typing import Any, Final

from pyganeti.testing.cluster import SimCluster

ONE: Final[dict[str, int]] = dict.fromkeys(
    ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use"), 1
)


def bounds(**largest: int) -> list[dict[str, Any]]:  # Any: JSON
    """Bounds of a policy that admit nearly everything, but for ``largest``: ``memory_size=64``."""
    smallest = dict.fromkeys(ONE, 0)
    most = dict.fromkeys(ONE, 1 << 20)
    return [
        {"min": smallest, "max": {**most, **{k.replace("_", "-"): v for k, v in largest.items()}}}
    ]


def grouped() -> SimCluster:
    """``web1`` on ``node1``; ``node3`` is in the group ``rack2``, in ``rack3`` is none."""
    cluster = SimCluster()
    cluster.set_node("node3", group=cluster.add_group("rack2"))
    cluster.add_group("rack3")
    cluster.add_instance("web1")
    return cluster
