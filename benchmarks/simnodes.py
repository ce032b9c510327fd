"""A process that is a hundred node daemons, or more: real HTTPS, real handlers, fake drivers.

    python -m benchmarks.simnodes MASTER_ROOT DIRECTORY -> "ready", then serves until its end

The certificates are signed with the key of the cluster under MASTER_ROOT.
"""

import asyncio
import os
import ssl
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from benchmarks.large import MEMORY_MIB, node_name
from pyganeti.kit import tls
from pyganeti.kit.clock import SystemClock
from pyganeti.kit.paths import Paths
from pyganeti.master.config import load_view
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.store.sqlite import SqliteBackend
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.testing.nodes import SimNode
from pyganeti.testing.providers import Array
from pyganeti.wire.noderpc.server import NodeServer

_PORT: Final = 1811


def _view(paths: Paths) -> ClusterView:
    backend = SqliteBackend(paths.database)
    try:
        return load_view(backend.load())
    finally:
        backend.close()


async def _reach(address: str, port: int) -> str | None:
    """Every node can be connected to."""
    return None


class _Servers:
    """Starts simulated nodes; they live as long as the stack."""

    def __init__(self, paths: Paths, directory: str, stack: AsyncExitStack) -> None:
        self._view = _view(paths)
        self._ca = paths.ca_cert
        key = Path(paths.ca_key).read_bytes()
        self._authority = tls.Authority(Path(paths.ca_cert).read_bytes(), key)
        self._directory = directory
        self._stack = stack
        self._clock = SystemClock()

    async def start_all(self) -> None:
        """Serve all nodes but the master."""
        for number in range(len(self._view.nodes) - 1):
            await self._start(self._view.node(node_name(number)))

    async def _start(self, node: Node) -> None:
        """Serve a simulated node, which has its instances' disks and runs their guests."""
        root = f"{self._directory}/{node.name}"
        os.makedirs(root)
        replication = DrbdNetwork(self._clock)
        seen = (FakeDriver(), replication, Array())
        sim = SimNode(node.name, node.uuid, root, self._clock, _reach, *seen)
        for instance in self._view.primary_instances(node.uuid):
            sim.guests.put(Record(instance.name, MEMORY_MIB, 1, self._clock.now()))
            for disk in self._view.disks_of(instance):
                sim.disks.disks[str(disk.logical_id[-1])] = (disk.size, disk.uuid)
        server = NodeServer(await sim.dispatcher())
        self._stack.push_async_callback(server.stop, 0.0)
        await server.start(node.primary_ip, _PORT, self._context(node, root))

    def _context(self, node: Node, root: str) -> ssl.SSLContext:
        now = self._clock.now()
        pem = tls.issue_node_certificate(self._authority, node.name, node.uuid, now)
        path = Path(root, "server.pem")
        path.write_bytes(pem)
        return tls.server_context(str(path), self._ca)


async def _serve(root: str, directory: str) -> None:
    paths = Paths(root, os.path.basename(root))
    async with AsyncExitStack() as stack:
        await _Servers(paths, directory, stack).start_all()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
