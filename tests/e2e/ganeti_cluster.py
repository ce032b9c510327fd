"""Ganeti's small cluster, run by our daemons: what ``tests/golden/ganeti`` was captured on.

    state/ -> a virtual cluster of ours, its configuration, jobs and files replaced -> commands

Nodes have the names and addresses that Ganeti's had, in a network of their own.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.e2e.own_network import own_network
from tests.e2e.vcluster import BINDIR, NAME, Cluster
from tools.machine import CHECKOUT

GANETI: Final = CHECKOUT / "tests" / "golden" / "ganeti"
STATE: Final = GANETI / "state"
NODES: Final = tuple(f"node{number}.example.com" for number in (1, 2, 3, 4))
MASTER: Final = NODES[0]
_ADDRESSES: Final = {
    f"192.0.2.{10 + number}": f"{name} {name.partition('.')[0]}"
    for number, name in enumerate(NODES, 1)
}
# Instances that run: node, memory in MiB, processors.
_RUNNING: Final = {
    "inst1.example.com": (NODES[0], 64, 2),
    "inst3.example.com": (NODES[1], 256, 4),
    "inst5.example.com": (NODES[2], 128, 2),
}


def _hosts() -> str:
    lines = ["127.0.0.1 localhost", f"192.0.2.1 {NAME} cluster"]
    return "\n".join([*lines, *(f"{ip} {names}" for ip, names in _ADDRESSES.items())]) + "\n"


def _make(cluster: Cluster) -> None:
    """Make the nodes, under the names that they have here."""
    cluster.make(NAME)
    for short, name in zip(list(cluster.nodes), NODES, strict=True):
        root = cluster.base / name
        (cluster.base / short).rename(root)
        (root / "etc/hosts").write_text(_hosts())
        for place in ("srv/files", "srv/shared-files"):
            (root / place).mkdir()
        (root / "etc/ganeti/file-storage-paths").write_text("/srv/files\n/srv/shared-files\n")
        # As with Ganeti's fake nodes: each reports the whole machine.
        (root / "etc/ganeti/node-share").write_text("1\n")
    cluster.nodes = list(NODES)
    for definition in sorted((GANETI / "os").iterdir()):
        cluster.add_os(definition)


def _begin(cluster: Cluster) -> None:
    """A cluster of the same nodes, for its certificates."""
    words = ["--no-etc-hosts", "--no-ssh-init", "--master-netdev=lo"]
    words += ["--enabled-hypervisors=fake", "--enabled-disk-templates=file,diskless,sharedfile"]
    words += ["--file-storage-dir=/srv/files", "--shared-file-storage-dir=/srv/shared-files"]
    cluster.gnt("cluster", "init", *words, NAME, node=MASTER)
    for name in NODES[1:]:
        cluster.gnt("node", "add", "--no-ssh-key-check", name, node=MASTER)
    cluster.stop_daemons()


def _merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Ganeti's configuration, with our certificates and in our version."""
    digests = ours["cluster"]["candidate_certs"]
    of_name = {node["name"]: digests[uuid] for uuid, node in ours["nodes"].items()}
    theirs["version"] = ours["version"]
    theirs["cluster"]["candidate_certs"] = {
        uuid: of_name[theirs["nodes"][uuid]["name"]]
        for uuid in theirs["cluster"]["candidate_certs"]
    }
    return theirs


def _take_over(cluster: Cluster) -> None:
    """Replace configuration, jobs and exports on the master with Ganeti's."""
    place = cluster.root(MASTER) / "var/lib/ganeti"
    config = place / "config.data"
    merged = _merged(
        json.loads(config.read_text()), json.loads((STATE / "config.data").read_text())
    )
    for database in place.glob("cluster.db*"):
        database.unlink()
    config.write_text(json.dumps(merged))
    for name in ("queue", "export"):
        shutil.rmtree(place / name)
        shutil.copytree(STATE / name, place / name)
    for disk in merged["disks"].values():
        # A shared file is on no node in particular.
        for node in disk["nodes"] or merged["nodes"]:
            image = cluster.root(merged["nodes"][node]["name"]) / disk["logical_id"][1].lstrip("/")
            image.parent.mkdir(parents=True, exist_ok=True)
            image.touch()
            os.truncate(image, disk["size"] * 2**20)
    for name, (node, memory, vcpus) in _RUNNING.items():
        books = cluster.root(node) / "var/run/ganeti/fake-hypervisor"
        books.mkdir(exist_ok=True)
        record = {"name": name, "memory": memory, "vcpus": vcpus, "started": 0.0}
        (books / name).write_text(json.dumps(record))
    cluster.start_daemons()
    for node in NODES[1:]:
        # Ganeti makes it with a node's first export, our daemons when they start.
        (cluster.root(node) / "var/lib/ganeti/export").rmdir()


@contextmanager
def ganeti_cluster() -> Iterator[Cluster]:
    """Ganeti's small cluster with our daemons; everything ended and removed at the end."""
    base = Path(tempfile.mkdtemp(prefix="g-", dir="/tmp"))
    addresses = [f"{address}/32" for address in _ADDRESSES]
    with own_network(
        addresses, "ip link add xen-br0 type bridge && ip link set xen-br0 up"
    ) as wrapper:
        cluster = Cluster(base, BINDIR, network="127.0.0", size=len(NODES), wrapper=wrapper)
        try:
            _make(cluster)
            _begin(cluster)
            _take_over(cluster)
            yield cluster
        except BaseException:
            print(cluster.logs())
            raise
        finally:
            cluster.end_processes()
            left = cluster.processes()
            cluster.remove()
            assert not left, f"processes that do not end: {left}"
