"""Simulated nodes: the real dispatcher and handlers over fake drivers.

They are called without a network, see :mod:`pyganeti.testing.node_client`.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import msgspec

from pyganeti.daemons.replica import CandidateStore
from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.tls import Peer, certificate_digest
from pyganeti.node.app import NodeParts, assemble_node
from pyganeti.node.dispatcher import Dispatcher
from pyganeti.node.hypervisor.base import Hypervisors
from pyganeti.node.hypervisor.fake.driver import FakeHypervisor
from pyganeti.node.hypervisor.fake.records import MemoryRecords
from pyganeti.node.network.fake import FakeNetwork
from pyganeti.node.powercycle import Powercycle
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.node.storage.drbd.driver import DrbdDriver
from pyganeti.node.storage.ext.attached import Attachments
from pyganeti.node.storage.ext.driver import ExtDriver
from pyganeti.node.storage.ext.scripts import ProviderScripts
from pyganeti.node.storage.fake import FakeDevices, FakeDriver, FakeVolumes
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.node.storage.units import StorageUnits
from pyganeti.node.storage.volumes import VolumeReader
from pyganeti.node.verify import Reach
from pyganeti.store.memory import MemoryBackend
from pyganeti.store.replica import Replica
from pyganeti.testing.certificates import node_certificate
from pyganeti.testing.contents import SimBlocks
from pyganeti.testing.definitions import os_definitions, write_program
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.testing.lvm import SimLvm
from pyganeti.testing.node_client import SimNodeClient
from pyganeti.testing.programs import Programs
from pyganeti.testing.providers import Array, SimProvider, write_provider
from pyganeti.testing.remote import SimLinks
from pyganeti.testing.storage import sim_storage
from pyganeti.wire.helper_words import Heard
from pyganeti.wire.noderpc.guests import HostTraits, HypervisorInfo

MEMORY_MIB: Final = 16384
VOLUME_GROUP: Final = "xenvg"
STORAGE_DIRS: Final = ("/srv/ganeti/file-storage", "/srv/ganeti/shared-file-storage")


class _Everybody:
    def check(self, peer: Peer) -> None:
        """Admit."""


class SimNode:
    """One simulated node; its drivers' books outlive its daemon.

    Args:
        name: host name.
        uuid: its UUID.
        root: an empty directory of its own.
        clock: time.
        reach: tries whether other nodes can be connected to.
        shared: files that all nodes see.
        replication: what DRBD devices connect over.
        array: volumes of external storage that all nodes see.

    Attributes:
        guests, disks, volumes, devices, network: the drivers' books.
        blocks: what is on its disks.
        programs: those it was asked to run.
        links: other clusters.
        provider: its storage provider's scripts.
        lvm: its volumes, after :meth:`use_lvm`.
        sending: while it is not set, guests that are migrated stay on their way.
        traits: what guests find here; to be set before its daemon starts.
        no_logins: why nobody can log in from here, by the other node's name.
        reachable: whether it answers; made false during a call, its answer is lost.
        dies_after: it does this procedure, and then answers no more.
        gates: procedures whose calls wait until the event is set.
        twists: by procedure, what becomes of the answers: those of another version, say.
        hypervisor_fault: what is wrong with its hypervisor.
        helper_says: what helpers that install have told when they are asked about.
        ssconf_written: keys of each call that brought ssconf values.
        backend: its copy of the master's database.
        others: nodes that it can call, by name.
    """

    def __init__(
        self,
        name: str,
        uuid: str,
        root: str,
        clock: Clock,
        reach: Reach,
        shared: FakeDriver,
        replication: DrbdNetwork,
        array: Array,
    ) -> None:
        self.name = name
        self.uuid = uuid
        self.paths = Paths(root, name)
        self.guests = MemoryRecords()
        self.disks = FakeDriver(roots=STORAGE_DIRS)
        self.shared = shared
        self.sending = asyncio.Event()
        self.sending.set()
        self.traits = HostTraits()
        self.volumes = FakeDriver(storage_type="lvm-vg")
        self.drbd = SimDrbd(replication, self.volumes.held)
        self.devices = FakeDevices()
        self.provider = SimProvider(array, name)
        self.blocks = SimBlocks((self.disks, shared, self.volumes), self.drbd, self.devices)
        self.volume_group = FakeVolumes(VOLUME_GROUP, self.volumes, self.devices)
        self.lvm: SimLvm | None = None
        self.network = FakeNetwork(bridges=frozenset({"br0"}), interfaces=frozenset({"eth1"}))
        self.programs = Programs()
        self.links = SimLinks()
        self.reachable = True
        self.no_logins: dict[str, str] = {}
        self.dies_after: str | None = None
        self.gates: dict[str, asyncio.Event] = {}
        self.twists: dict[str, Callable[[Any], Any]] = {}  # Any: each procedure has its answer
        self.hypervisor_fault: str | None = None
        self.helper_says = Heard(asked=True, code=0)
        self.ssconf_written: list[set[str]] = []
        self.backend = MemoryBackend()
        self.others: dict[str, SimNode] = {}
        self._clock = clock
        self._reach = reach
        self._stack = AsyncExitStack()
        self._dispatcher: Dispatcher | None = None
        self._lay_out(root)

    def _lay_out(self, root: str) -> None:
        paths = self.paths
        storage = [f"{root}{directory}" for directory in STORAGE_DIRS]
        for directory in (
            paths.export_dir,
            paths.transfer_dir,
            paths.disk_links_dir,
            paths.log_os_dir,
            *storage,
        ):
            os.makedirs(directory, exist_ok=True)
        for path in (paths.file_storage_paths, paths.etc_hosts):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(paths.file_storage_paths, "w", encoding="ascii") as handle:
            handle.write("\n".join(STORAGE_DIRS))
        with open(f"{root}/sysrq-trigger", "wb"):
            pass
        self.install_certificate(self.uuid)
        os.symlink(os_definitions(), f"{root}/srv/ganeti/os")

    def install_certificate(self, uuid: str) -> None:
        """Give it a certificate for ``uuid``, which is its own or another node's."""
        with open(self.paths.client_pem, "wb") as handle:
            handle.write(node_certificate(self.name, uuid))

    @property
    def digest(self) -> str:
        """Of its certificate; of the one it had first, if it has none."""
        own = read_bytes(self.paths.client_pem) or node_certificate(self.name, self.uuid)
        return certificate_digest(own)

    def ssconf(self, key: str) -> str | None:
        """One of the values that the master sends to all nodes."""
        data = read_bytes(self.paths.ssconf(key))
        return None if data is None else data.decode()

    @property
    def has_authority_key(self) -> bool:
        """Whether it has the key that goes with the master's role."""
        return read_bytes(self.paths.ca_key) is not None

    @property
    def epoch(self) -> int:
        """The highest term it has seen."""
        return int(read_bytes(self.paths.epoch_file) or b"0")

    def forget_ssconf(self, key: str) -> None:
        """Lose one of them."""
        os.unlink(self.paths.ssconf(key))

    @property
    def is_rebooting(self) -> bool:
        """Whether its kernel was told to reboot at once."""
        return bool(read_bytes(f"{self.paths.rootdir}/sysrq-trigger"))

    @property
    def is_member(self) -> bool:
        """Whether it has the certificate that a member needs."""
        return read_bytes(self.paths.client_pem) is not None

    def put_file(self, path: str, content: bytes) -> None:
        """Write a file; ``path`` is as on a real node."""
        local = f"{self.paths.rootdir}{path}"
        os.makedirs(os.path.dirname(local), exist_ok=True)
        with open(local, "wb") as handle:
            handle.write(content)

    def remove_file(self, path: str) -> None:
        """Remove what :meth:`put_file` wrote."""
        os.unlink(f"{self.paths.rootdir}{path}")

    def put_hook(self, script: str) -> None:
        """Make a hook script: ``instance-start-pre.d/50-check``."""
        path = f"{self.paths.hooks_dir}/{script}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_program(path)

    def install_provider(self, *, without: str = "") -> None:
        """Give it the storage provider of the array, maybe without a script."""
        write_provider(f"{self.paths.rootdir}/srv/ganeti/extstorage", without)

    def use_lvm(self, sizes: dict[str, int]) -> None:
        """Let volumes be LVM's, on physical volumes of these sizes in MiB; before it starts."""
        self.lvm = SimLvm(sizes)

    def put_allocator(self, name: str, answer: object) -> None:
        """Make an allocator that gives this answer, as JSON unless it is text."""
        path = f"{self.paths.rootdir}/usr/lib/ganeti/iallocators/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_program(path)
        text = answer.encode() if isinstance(answer, str) else msgspec.json.encode(answer)
        self.programs.writes[f"/iallocators/{name}"] = text

    def _parts(self) -> NodeParts:
        memory = HypervisorInfo(
            memory_total=MEMORY_MIB, memory_free=MEMORY_MIB, memory_dom0=0, cpu_total=8
        )
        fake = FakeHypervisor(
            self.guests, self._clock, lambda: memory, lambda: self.hypervisor_fault
        )
        providers = self._providers()
        attachments = Attachments(self.paths.extstorage_dir)
        fake.migration.halfway, fake.migration.host = self.sending, self.traits
        storage = sim_storage(
            files=self.disks,
            shared=self.shared,
            volumes=self.volumes,
            group=self.volume_group,
            devices=self.devices,
            drbd=DrbdDriver(
                Drbd(self.drbd, self.drbd),
                self.volumes,
                self._clock,
                self.volumes.write,
            ),
            ext=ExtDriver(providers, attachments, self.provider.size_of, self.volumes.write),
            lvm=self.lvm,
        )
        return NodeParts(
            paths=self.paths,
            clock=self._clock,
            hypervisors=Hypervisors({"fake": fake, "kvm": fake}),
            storage=storage,
            blocks=self.blocks,
            units=StorageUnits(Lvm(self.lvm or SimLvm({})), storage.space, self._local),
            volumes=self.volume_group if self.lvm is None else VolumeReader(Lvm(self.lvm)),
            drbd=self.drbd,
            providers=providers,
            directories=self.disks,
            network=self.network,
            replica=CandidateStore(Replica(lambda: self.backend, None), self._forget_database),
            admission=_Everybody(),
            runner=self.programs,
            runner_for=lambda _task: self.programs,
            stop_daemon=lambda: None,
            peers=self._peers,
            links=self.links,
            powercycle=Powercycle(f"{self.paths.rootdir}/sysrq-trigger", lambda _s, call: call()),
            take_up_certificates=self._take_up_certificates,
            words=self,
            reach=self._reach,
            log_in=self._log_in,
        )

    async def heard(self, run: str) -> Heard:
        """What its helpers say, of which there is one at a time."""
        return self.helper_says

    async def _log_in(self, name: str, _port: int) -> str | None:
        return self.no_logins.get(name)

    async def _take_up_certificates(self) -> None:
        """Nobody connects to a simulated node."""

    def _providers(self) -> ProviderScripts:
        paths = self.paths
        return ProviderScripts(
            paths.provider_search_path(), self.provider, paths.log_extstorage_dir, self._clock
        )

    def _local(self, path: str) -> str:
        return f"{self.paths.rootdir}{path}"

    def _forget_database(self) -> None:
        self.backend = MemoryBackend()

    @asynccontextmanager
    async def _peers(self) -> AsyncIterator[SimNodeClient]:
        """A client that calls the others as this node; what it calls is no fault point."""
        peer = Peer(self.digest, self.name, self.uuid)
        yield SimNodeClient(self.others, peer)

    async def dispatcher(self) -> Dispatcher:
        """The running daemon; started when first needed."""
        if self._dispatcher is None:
            self._dispatcher = await self._stack.enter_async_context(assemble_node(self._parts()))
        return self._dispatcher

    async def restart(self) -> None:
        """The daemon dies and another starts: tasks and memory of calls are lost, books are not."""
        self._dispatcher = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def boot(self) -> None:
        """The machine starts anew: what lay in its run directory is gone, too."""
        for transfer in os.listdir(self.paths.transfer_dir):
            os.unlink(f"{self.paths.transfer_dir}/{transfer}")
        shutil.rmtree(self.paths.extstorage_dir, ignore_errors=True)
        self.provider.boot()
        await self.restart()
