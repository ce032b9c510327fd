"""A guest that runs, as QEMU and the kernel show it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.process import run
from pyganeti.kit.threads import in_thread
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm import process
from pyganeti.node.hypervisor.kvm.driver import KvmHypervisor
from pyganeti.node.hypervisor.kvm.facts import QemuAsker
from pyganeti.node.hypervisor.kvm.layout import GuestPaths, KvmLayout
from pyganeti.node.hypervisor.kvm.qmp import Qmp, qmp_session
from pyganeti.node.hypervisor.kvm.users import UserPool
from pyganeti.node.network.base import Network
from pyganeti.node.network.fake import FakeNetwork
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec, NicSpec
from tests.contract.node.real_network import real_network
from tests.needs import has_interfaces

from .qemu_guests import SPICE, instance, make_image, open_files

UID = 1_234_560_021
NIC = NicSpec(mac="aa:00:00:01:02:03", mode="routed", uuid="n" * 36)
DISK_UUID = "d" * 36
PERIPHERAL = "/machine/peripheral"


@dataclass(slots=True)
class Seen:
    """What there is of it; ``qmp`` is a session with its QEMU."""

    qmp: Qmp
    spec: InstanceSpec
    paths: GuestPaths
    found: process.GuestProcess
    directory: Path

    def option(self, name: str) -> list[str]:
        """All values of an option of QEMU's command line."""
        argv = self.found.argv
        return [argv[index + 1] for index, word in enumerate(argv[:-1]) if word == name]

    def text(self, path: str) -> str:
        """What is in a file."""
        return Path(path).read_text(errors="replace")

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return Path(path).exists()

    def proc(self, name: str) -> str:
        """A file of its directory in /proc."""
        return self.text(f"/proc/{self.found.pid}/{name}")

    def files(self) -> set[str]:
        """What it has open."""
        return open_files(self.found.pid)

    async def get(self, path: str, name: str) -> Any:  # Any: JSON
        """A property of an object in QEMU."""
        return await self.qmp.execute("qom-get", path=path, property=name)

    async def devices(self) -> dict[str, str]:
        """Types of the devices that were asked for, by id or number."""
        found = {}
        for where in (PERIPHERAL, "/machine/peripheral-anon"):
            for entry in await self.qmp.execute("qom-list", path=where):
                if entry["type"].startswith("child<"):
                    found[entry["name"]] = entry["type"][6:-1]
        return found

    async def nodes(self) -> dict[str, dict[str, Any]]:
        """Block nodes by name."""
        found = await self.qmp.execute("query-named-block-nodes", flat=True)
        return {entry["node-name"]: entry for entry in found}

    async def disk_node(self) -> dict[str, Any]:
        """The block node of its disk."""
        return next(node for name, node in (await self.nodes()).items() if name.startswith("disk-"))


def network(directory: Path) -> tuple[Network, tuple[NicSpec, ...]]:
    """A network, and NICs that can be in it: real ones where that is possible."""
    if has_interfaces():
        return real_network(directory), (NIC,)
    return FakeNetwork(), ()


@asynccontextmanager
async def running(directory: Path, changes: dict[str, Any], vcpus: int) -> AsyncIterator[Seen]:
    """A guest with a disk of 1 MiB, and a NIC where the machine lets us make one."""
    net, nics = network(directory)
    layout = KvmLayout(str(directory))
    hypervisor = KvmHypervisor(
        layout,
        runner=run,
        network=net,
        asker=QemuAsker(run, str(directory)),
        clock=SystemClock(),
        spice=SPICE,
        users=UserPool(lambda: ((UID, UID),)),
        vhost=os.access("/dev/vhost-net", os.R_OK | os.W_OK),
    )
    image = directory / "image"
    await in_thread(make_image, image)
    disk = DiskSpec(dev_type="file", logical_id=("loop", str(image)), size=1, uuid=DISK_UUID)
    spec = instance(nics=nics, **changes)
    spec = msgspec.structs.replace(spec, beparams={**spec.beparams, "vcpus": vcpus})
    await hypervisor.check_params(spec.hvparams)
    await hypervisor.start(spec, (GuestDisk(disk, str(image)),), paused=False)
    try:
        paths = layout.guest(spec.name)
        found = process.find(paths)
        assert found is not None
        async with qmp_session(paths.qmp, spec.name) as qmp:
            yield Seen(qmp, spec, paths, found, directory)
    finally:
        await hypervisor.stop(spec, 0)
