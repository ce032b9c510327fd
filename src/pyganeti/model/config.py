"""The whole configuration, as ``config.data`` holds it."""

from collections.abc import Mapping

from .base import Part, always
from .cluster import Cluster
from .disk import Disk
from .filter import FilterRule
from .group import NodeGroup
from .instance import Instance
from .network import Network
from .node import Node


class ConfigData(Part, frozen=True, kw_only=True):
    """Everything; objects by UUID. ``serial_no`` counts the changes of the whole."""

    version: int
    cluster: Cluster
    nodes: Mapping[str, Node]
    nodegroups: Mapping[str, NodeGroup]
    instances: Mapping[str, Instance]
    networks: Mapping[str, Network]
    disks: Mapping[str, Disk]
    filters: Mapping[str, FilterRule]
    serial_no: int
    ctime: float = always(0.0)
    mtime: float = always(0.0)
