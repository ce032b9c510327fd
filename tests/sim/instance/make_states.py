"""Instances with disks for what their machines remember, to test with."""

from typing import Any, Final

from pyganeti.model.disk import Disk
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.contents import digest, put_content
from tests.sim.asserting import make_op
from tests.sim.instance.make import create

VARS: Final = "ganeti-uefi-vars"
TPM: Final = "ganeti-tpm-state"
BOTH: Final = {"boot_type": "uefi", "tpm": "2.0"}
PORTS: Final = dict.fromkeys(
    ("cluster/highest_used_port", "cluster/tcpudp_port_pool"), "ports are given back to the pool"
)
MIB: Final = 1 << 20
REMEMBERED: Final = b"what a TPM remembers" + bytes(MIB - 20)


def kvm(**options: Any) -> SimCluster:  # Any: settings of the cluster
    """No instance; guests are those of kvm, as far as the master can tell."""
    templates = ["file", "plain", "drbd", "sharedfile", "diskless"]
    wanted = {"enabled_hypervisors": ["kvm"], "enabled_disk_templates": templates}
    cluster = SimCluster(options={**wanted, **options})
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = b"a dump"
    return cluster


def uefi(**parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """An instance that has both, with one disk of its own, on ``node1``; not to be started."""
    wanted = {"hvparams": {"kernel_path": "", **BOTH}, "disks": [{"size": 1024}], "start": False}
    return create(**{"disk_template": "plain", **wanted, **parameters})


def bios(**parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """The same without either."""
    return uefi(hvparams={"kernel_path": ""}, **parameters)


def modify(**parameters: Any) -> OpInstanceSetParams:  # Any: opcode parameters
    """Change it."""
    return make_op(OpInstanceSetParams, **{"instance_name": "web1", **parameters})


def disks(cluster: SimCluster, name: str = "web1") -> list[Disk]:
    """Its disks as recorded."""
    return cluster.view.disks_of(cluster.instance(name))


def shape(cluster: SimCluster, name: str = "web1") -> list[tuple[str | None, int]]:
    """Names and sizes of its disks."""
    return [(disk.name, disk.size) for disk in disks(cluster, name)]


def put_on_volumes(cluster: SimCluster, node: str, data: bytes = REMEMBERED) -> None:
    """Let there be something at the beginning of each volume of a node."""
    volumes = cluster.nodes[node].volumes
    for place in volumes.disks:
        put_content(volumes, place, 0, data)


def on_volumes(cluster: SimCluster, node: str = "node1", name: str = "web1") -> list[str]:
    """Checksums of what is on the volumes of its disks there; empty for zeroes."""
    volumes = cluster.nodes[node].volumes
    data = [(disk.children or (disk,))[0] for disk in disks(cluster, name)]
    return [digest(volumes, str(disk.logical_id[1])) for disk in data]
