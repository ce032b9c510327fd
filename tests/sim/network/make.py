"""Networks to test with."""

from typing import Final

from pyganeti.testing.cluster import SimCluster

SUBNET: Final = "198.51.100.0/29"
BUILT_IN: Final = "10000001"


def networked(*, link: str | None = "br0") -> SimCluster:
    """Three nodes and the network ``blue``, connected to their group or not."""
    cluster = SimCluster()
    cluster.add_network("blue", SUBNET, link=link, ext_reservations=BUILT_IN)
    return cluster


def unconnected() -> SimCluster:
    """As :func:`networked`, but no group is connected."""
    return networked(link=None)
