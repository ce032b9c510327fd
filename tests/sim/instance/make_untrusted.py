"""Clusters whose OS is not to be trusted: its script runs in a helper."""

import os
from pathlib import Path
from typing import Any, Final

from pyganeti.node.hypervisor.fake.driver import POWERS_OFF
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.definitions import write_program
from tests.sim.instance.make import create

OS: Final = "guarded"
NETWORK: Final = "talk"
# A guest of KVM gets a port, which goes back to the pool.
PORTS: Final = {
    "cluster/highest_used_port": "ports are given once, and then by the pool",
    "cluster/tcpudp_port_pool": "the same",
}
_PLACE: Final = "/usr/local/lib/ganeti/os"


def guarded(image: str, *, seed: int = 0, **options: Any) -> SimCluster:  # Any: options of init
    """Three nodes with KVM and the untrusted OS ``guarded``; no network for communication yet."""
    wanted = {"enabled_hypervisors": ["kvm"], "install_image": image, **options}
    cluster = SimCluster(seed=seed, options=wanted)
    for node in cluster.nodes.values():
        put_os(node.paths.rootdir + _PLACE)
    return cluster


def put_os(place: str, *scripts: str) -> None:
    """The definition, with more scripts than it needs."""
    directory = f"{place}/{OS}"
    os.makedirs(directory)
    for name, text in (("ganeti_api_version", "20\n"), ("parameters.list", "message what\n")):
        Path(directory, name).write_text(text)
    for name in ("create_untrusted", "export", "import", "rename", "verify", *scripts):
        write_program(f"{directory}/{name}")


def communicating() -> OpClusterSetParams:
    """The opcode that makes the network in which helpers ask."""
    return OpClusterSetParams(instance_communication_network=NETWORK)


def add(**parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """The opcode that makes ``web1`` with the untrusted OS."""
    return create(**{"os_type": OS, **parameters})


def write_image(directory: Path) -> str:
    """The image of a helper that powers itself off at once."""
    path = directory / "install.img"
    path.write_bytes(POWERS_OFF)
    return str(path)


def write_endless(directory: Path) -> str:
    """The image of one that does not."""
    path = directory / "endless.img"
    path.write_bytes(b"goes on")
    return str(path)
