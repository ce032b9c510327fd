"""Simulated nodes: the real dispatcher and handlers over fake drivers, called without a network.

Requests and answers pass through the real codec, so that whatever cannot travel fails here too.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from pyganeti.daemons.replica import CandidateStore
from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.tls import Peer, certificate_digest
from pyganeti.model.errors import CallTimeout, NodeUnreachable, from_wire
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
from pyganeti.testing.faults import FaultPoints
from pyganeti.testing.lvm import SimLvm
from pyganeti.testing.programs import Programs
from pyganeti.testing.providers import Array, SimProvider, write_provider
from pyganeti.testing.storage import sim_storage
from pyganeti.wire.noderpc.call import AnyCall, CallContext, NodeAddress, NodeCall, R, TaskId
from pyganeti.wire.noderpc.client import CallNumbers, task_result, tell
from pyganeti.wire.noderpc.codec import (
    Answer,
    Codec,
    Refused,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from pyganeti.wire.noderpc.files import WriteSsconfFilesCall
from pyganeti.wire.noderpc.guests import (
    HostTraits,
    HypervisorInfo,
)
from pyganeti.wire.noderpc.task import PROGRESS_S, TaskWaitCall
from pyganeti.wire.noderpc.types import (
    TaskProgress,
    TaskState,
)

MEMORY_MIB: Final = 16384
VOLUME_GROUP: Final = "xenvg"
STORAGE_DIRS: Final = ("/srv/ganeti/file-storage", "/srv/ganeti/shared-file-storage")
_MASTER: Final = Peer("digest", "master", "uuid")


def _ignore(_node: str, _procedure: str) -> None:
    return None


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
        provider: its storage provider's scripts.
        lvm: its volumes, after :meth:`use_lvm`.
        sending: while it is not set, guests that are migrated stay on their way.
        traits: what guests find here; to be set before its daemon starts.
        reachable: whether it answers; made false during a call, its answer is lost.
        dies_after: it does this procedure, and then answers no more.
        gates: procedures whose calls wait until the event is set.
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
        self.disks = FakeDriver()
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
        self.network = FakeNetwork(bridges=frozenset({"br0"}))
        self.programs = Programs()
        self.reachable = True
        self.dies_after: str | None = None
        self.gates: dict[str, asyncio.Event] = {}
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
        """Of its certificate."""
        return certificate_digest(node_certificate(self.name, self.uuid))

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
        fake = FakeHypervisor(self.guests, self._clock, lambda: memory)
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
                Drbd(self.drbd, self.drbd.version),
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
            powercycle=Powercycle(f"{self.paths.rootdir}/sysrq-trigger", lambda _s, call: call()),
            reach=self._reach,
        )

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
    async def _peers(self) -> AsyncIterator["SimNodeClient"]:
        """A client that calls the others as this node; what it calls is no fault point."""
        peer = Peer(self.digest, self.name, self.uuid)
        yield SimNodeClient(self.others, FaultPoints(), _ignore, _ignore, peer)

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


class SimNodeClient:
    """A ``NodeClient`` that calls simulated nodes' dispatchers, and injects faults.

    Args:
        nodes: by name.
        faults: counts calls that change something.
        on_change: told of each such call that is sent: node and procedure.
        on_read: told of each other call.
        peer: who calls.
    """

    def __init__(
        self,
        nodes: dict[str, SimNode],
        faults: FaultPoints,
        on_change: Callable[[str, str], None],
        on_read: Callable[[str, str], None],
        peer: Peer = _MASTER,
    ) -> None:
        self._peer = peer
        self._nodes = nodes
        self._faults = faults
        self._on_change = on_change
        self._on_read = on_read
        self._codec = Codec()
        self._numbers = CallNumbers()

    async def call(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> R:
        """See ``NodeClient``."""
        ctx = self._numbers.stamp(call, ctx)
        counted = call.changes and ctx.job != 0
        async with self._point(f"{call.procedure} on {node.name}", counted=counted):
            if call.long:
                task = TaskId((await self._answer(node, call, ctx)).task)
                return await self._ended(node, task, type(call), ctx)
            return self._codec.result(type(call), (await self._answer(node, call, ctx)).result)

    async def start(self, node: NodeAddress, call: NodeCall[R], ctx: CallContext) -> TaskId:
        """See ``NodeClient``."""
        async with self._point(f"start {call.procedure} on {node.name}", counted=ctx.job != 0):
            return TaskId((await self._answer(node, call, ctx)).task)

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        """See ``NodeClient``."""
        async with self._point(f"wait for {kind.procedure} on {node.name}", counted=ctx.job != 0):
            return await self._ended(node, task, kind, ctx, progress)

    @asynccontextmanager
    async def _point(self, what: str, *, counted: bool) -> AsyncIterator[None]:
        """What can fail, if it is counted."""
        number = await self._faults.before(what, is_commit=False) if counted else -1
        yield
        await self._faults.after(number, what)

    async def _ended(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[NodeCall[R]],
        ctx: CallContext,
        progress: Callable[[TaskProgress], None] | None = None,
    ) -> R:
        wait_s = PROGRESS_S
        while True:
            answer = await self._answer(node, TaskWaitCall(task=task, wait_s=wait_s), ctx)
            report = self._codec.result(TaskWaitCall, answer.result)
            if report.state is not TaskState.RUNNING:
                return self._codec.result(kind, task_result(node, kind, report))
            wait_s = tell(report, progress)

    async def _answer(self, address: NodeAddress, call: AnyCall, ctx: CallContext) -> Answer:
        node = self._nodes.get(address.name)
        if not call.changes:
            self._on_read(address.name, call.procedure)
        if node is not None and call.procedure in node.gates:
            await node.gates[call.procedure].wait()
        if node is None or not node.reachable:
            raise NodeUnreachable(f"node {address.name}: connection refused")
        if call.changes and ctx.job != 0:
            self._on_change(node.name, call.procedure)
        request = decode_request(encode_request(msgspec.structs.replace(ctx), call))
        dispatcher = await node.dispatcher()
        try:
            answer = await dispatcher.dispatch(call.procedure, request, self._peer)
        except Refused as err:
            raise err.error from err
        if isinstance(call, WriteSsconfFilesCall):
            node.ssconf_written.append(set(call.values))
        if call.procedure == node.dies_after:
            node.reachable = False
        if not node.reachable or dispatcher is not await node.dispatcher():
            raise CallTimeout(f"node {address.name}: the answer was lost")
        found = decode_answer(encode_answer(answer))
        if not found.ok:
            raise from_wire(found.error)
        return found
