"""Composition of a node: drivers, handlers, dispatcher.

noded builds a real one with :func:`build_node`; the simulated cluster passes fake drivers to
:func:`assemble_node`. Nothing below this file knows which it is part of.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Runner, run
from pyganeti.kit.resolver import ip_version
from pyganeti.kit.tls import client_context
from pyganeti.model.uid_pool import UidRange, parse_pool
from pyganeti.wire.noderpc.call import TaskId
from pyganeti.wire.noderpc.client import HttpNodeClient
from pyganeti.wire.noderpc.store import ReplicaStore

from .admission import CandidateCertificates
from .allocators import Allocators
from .certificates import NodeCertificates, TakeUp
from .copying import Peers
from .crypto_keys import CryptoKeys
from .dispatcher import Admission, Dispatcher, Handler
from .epoch import EpochKeeper
from .exports import ExportStore
from .files import NodeFiles
from .groups import GroupRecords, RecordedRunner
from .handlers.allocator import AllocatorHandlers
from .handlers.backup import BackupHandlers
from .handlers.blockdev import BlockdevHandlers, Directories
from .handlers.certificates import CertificatesHandlers
from .handlers.copying import CopyingHandlers
from .handlers.files import FilesHandlers
from .handlers.instance import InstanceHandlers
from .handlers.migration import MigrationHandlers
from .handlers.mirror import MirrorHandlers
from .handlers.node import NodeHandlers
from .handlers.os import OsHandlers
from .handlers.power import PowerHandlers
from .handlers.remote import RemoteHandlers
from .handlers.ssh import SshHandlers
from .handlers.store import StoreHandlers
from .handlers.task import TaskHandlers
from .handlers.transfer import TransferHandlers
from .handlers.units import UnitHandlers
from .handlers.volumes import VolumeHandlers
from .helper_guests import HelperGuests
from .hypervisor.base import Hypervisors
from .hypervisor.fake.driver import FakeHypervisor
from .hypervisor.fake.records import FileRecords
from .hypervisor.host import read_host
from .hypervisor.kvm.driver import KvmHypervisor
from .hypervisor.kvm.facts import QemuAsker
from .hypervisor.kvm.layout import KvmLayout
from .hypervisor.kvm.spice import SpicePlaces
from .hypervisor.kvm.users import UserPool
from .inflight import InFlight
from .installing import HelperWords, Installing, MetadWords
from .logins import LogIn, SshLogins
from .metadata import GuestRecords, MetadataService
from .network.base import Network
from .network.linux import LinuxNetwork
from .os.scripts import OsScripts
from .powercycle import TRIGGER, Powercycle
from .remote_links import Links, TlsLinks
from .restricted import RestrictedCommands
from .ssh_keys import SshKeys
from .storage.base import Storage
from .storage.blocks import Blocks, DeviceBlocks
from .storage.device import DeviceDriver
from .storage.drbd.device import Drbd
from .storage.drbd.driver import DrbdDriver
from .storage.drbd.facts import DrbdFacts, KernelFacts
from .storage.ext.attached import Attachments
from .storage.ext.driver import ExtDriver
from .storage.ext.scripts import ProviderScripts
from .storage.file import FileDriver
from .storage.links import DiskLinks
from .storage.lvm.driver import LvmDriver
from .storage.lvm.space import ExclusiveSpace, Spindles
from .storage.lvm.tools import Lvm
from .storage.units import StorageUnits
from .storage.volumes import VolumeReader, Volumes
from .storage.whitelist import Whitelist
from .tasks import Tasks
from .transfers import Transfers
from .verify import Reach, reach_address
from .zeroing import Zeroing


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made of; everything that may be real or fake.

    Attributes:
        runner: runs the programs of calls that change nothing.
        runner_for: makes the runner of a change, by the change's name.
        stop_daemon: ends the daemon soon.
        peers: opens a client that calls other nodes as this one.
        links: makes connections to other clusters.
        powercycle: reboots the machine.
        take_up_certificates: lets the daemon use other files with certificates than before.
        words: what helpers say.
        reach: tries whether other nodes can be connected to.
        log_in: tries whether one can log in on them.
    """

    paths: Paths
    clock: Clock
    hypervisors: Hypervisors
    storage: Storage
    blocks: Blocks
    units: StorageUnits
    volumes: Volumes
    drbd: DrbdFacts
    providers: ProviderScripts
    directories: Directories
    network: Network
    replica: ReplicaStore
    admission: Admission
    runner: Runner
    runner_for: Callable[[TaskId], Runner]
    stop_daemon: Callable[[], None]
    peers: Peers
    links: Links
    powercycle: Powercycle
    take_up_certificates: TakeUp
    words: HelperWords
    log_in: LogIn
    reach: Reach = reach_address


@asynccontextmanager
async def assemble_node(parts: NodeParts) -> AsyncIterator[Dispatcher]:
    """A working node; leaving it ends what it works on.

    Raises:
        ConfigurationError: the epoch file is damaged.
    """
    async with Tasks(parts.runner_for) as tasks:
        epochs = EpochKeeper(parts.paths.epoch_file, tasks.end_below)
        yield Dispatcher(
            _handlers(parts, tasks, epochs),
            admission=parts.admission,
            epochs=epochs,
            tasks=tasks,
            runner=parts.runner,
        )


def _handlers(parts: NodeParts, tasks: Tasks, epochs: EpochKeeper) -> tuple[Handler, ...]:
    paths = parts.paths
    oses = OsScripts(paths.os_search_path(), paths.log_os_dir, parts.clock)
    links = DiskLinks(paths.disk_links_dir)
    disks = BlockdevHandlers(parts.storage, parts.volumes, links, parts.directories)
    node = NodeHandlers(
        paths,
        hypervisors=parts.hypervisors,
        storage=parts.storage,
        volumes=parts.volumes,
        drbd=parts.drbd,
        network=parts.network,
        oses=oses.diagnose,
        clock=parts.clock,
        epoch=lambda: epochs.current,
        seen=lambda: epochs.seen,
        end_unkept=tasks.end_unkept,
        stop_daemon=parts.stop_daemon,
        reach=parts.reach,
        log_in=parts.log_in,
    )
    helpers = HelperGuests(paths.helper_dir, parts.clock)
    # No guest that has one of these is waited for any more.
    helpers.clear()
    zeroing = Zeroing(helpers, parts.clock)
    installing = Installing(helpers, oses, parts.words, paths.log_os_dir, parts.clock)
    transfers = Transfers(paths.transfer_dir)
    exports = ExportStore(paths.export_dir)
    keys = CryptoKeys(paths.crypto_dir)
    remote = RemoteHandlers(keys, parts.links, disks, oses, parts.blocks)
    backup = BackupHandlers(exports, transfers, parts.peers, disks, oses, parts.blocks, parts.clock)
    writes = InFlight()
    copying = CopyingHandlers(
        parts.storage, parts.blocks, transfers, writes, parts.peers, parts.clock
    )
    restricted = RestrictedCommands(paths, parts.clock, os.geteuid())
    allocators = Allocators(paths.allocator_search_path(), paths.allocator_dir)
    files = NodeFiles(paths)
    certificates = NodeCertificates(paths, files, parts.take_up_certificates)
    return (
        *AllocatorHandlers(allocators).all(),
        *backup.all(),
        *CertificatesHandlers(certificates).all(),
        *copying.all(),
        *disks.all(),
        *FilesHandlers(files).all(),
        *InstanceHandlers(parts.hypervisors, disks, oses, zeroing, installing).all(),
        *MigrationHandlers(parts.hypervisors, disks).all(),
        *MirrorHandlers(parts.storage, parts.drbd, parts.clock).all(),
        *node.all(),
        *OsHandlers(oses, parts.providers).all(),
        *PowerHandlers(parts.powercycle, restricted).all(),
        *remote.all(),
        *SshHandlers(SshKeys(paths.ssh_dir, paths.ssh_host_dir)).all(),
        *StoreHandlers(paths, parts.replica).all(),
        *TaskHandlers(tasks).all(),
        *UnitHandlers(parts.units).all(),
        *TransferHandlers(transfers, parts.blocks, writes).all(),
        *VolumeHandlers(parts.volumes).all(),
    )


def build_network(paths: Paths, runner: Runner) -> LinuxNetwork:
    """The node's network, as its files say how it is done here."""
    records = GuestRecords(paths.metadata_dir)
    records.drop_unused()
    metadata = MetadataService(records, paths.metad_socket, run)
    return LinuxNetwork(runner, paths.kvm_ifup, metadata)


def uid_pool(paths: Paths) -> tuple[UidRange, ...]:
    """The cluster's pool of user ids; none without a cluster, or from a damaged file."""
    try:
        return parse_pool((read_bytes(paths.ssconf("uid_pool")) or b"").decode("ascii"))
    except ValueError:
        return ()


def _later(delay_s: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(delay_s, call)


def build_hypervisors(
    paths: Paths, clock: Clock, runner: Runner, network: Network, share: int = 1
) -> Hypervisors:
    """The hypervisors of a real node; arguments as in :func:`build_node`."""
    fake = FakeHypervisor(FileRecords(paths.fake_dir), clock, lambda: read_host(share))
    kvm = KvmHypervisor(
        KvmLayout(paths.kvm_dir),
        runner=runner,
        network=network,
        asker=QemuAsker(runner, paths.kvm_dir),
        clock=clock,
        share=share,
        vhost=os.access("/dev/vhost-net", os.R_OK | os.W_OK),
        users=UserPool(partial(uid_pool, paths)),
        spice=SpicePlaces(runner, paths.spice_pem, paths.spice_ca_pem, partial(ip_version, paths)),
    )
    return Hypervisors({"fake": fake, "kvm": kvm})


def build_node(
    paths: Paths,
    *,
    clock: Clock,
    replica: ReplicaStore,
    stop_daemon: Callable[[], None],
    take_up_certificates: TakeUp,
    share: int = 1,
) -> NodeParts:
    """The parts of a real node; what a former daemon's tasks left running is ended.

    Args:
        paths: where it lies.
        clock: the machine's.
        replica: this node's copy of the master's database.
        stop_daemon: ends the daemon soon.
        take_up_certificates: lets the daemon use other files with certificates than before.
        share: the node owns one in ``share`` of the machine.
    """
    records = GroupRecords(paths.task_dir)
    records.end_leftovers()
    # On record too: else a QEMU that this daemon was starting would outlive it, unknown to all.
    runner = RecordedRunner(records, "daemon")
    whitelist = Whitelist(paths)
    files = FileDriver(whitelist, "file", share)
    shared_files = FileDriver(whitelist, "sharedfile")
    # Not on record: an LVM program that is killed in the middle leaves devices suspended.
    lvm = Lvm(run)
    volumes = LvmDriver(lvm)
    drbd = Drbd(run)
    providers = ProviderScripts(
        paths.provider_search_path(), runner, paths.log_extstorage_dir, clock
    )
    ext = ExtDriver(providers, Attachments(paths.extstorage_dir))
    network = build_network(paths, runner)
    storage = Storage(
        {
            "file": files,
            "sharedfile": shared_files,
            "plain": volumes,
            "blockdev": DeviceDriver(),
            "ext": ext,
        },
        {
            "file": files,
            "sharedfile": shared_files,
            "lvm-vg": volumes,
            "lvm-pv": Spindles(lvm),
        },
        # Not on record either, for the same reason.
        {"drbd": DrbdDriver(drbd, volumes, clock)},
        {"plain": volumes, "ext": ext},
        {"ext": ext},
        {"lvm-vg": ExclusiveSpace(lvm)},
    )
    return NodeParts(
        paths=paths,
        clock=clock,
        hypervisors=build_hypervisors(paths, clock, runner, network, share),
        storage=storage,
        blocks=DeviceBlocks(),
        units=StorageUnits(lvm, storage.space, whitelist.local),
        volumes=VolumeReader(lvm),
        drbd=KernelFacts(drbd),
        providers=providers,
        directories=files,
        network=network,
        replica=replica,
        admission=CandidateCertificates(paths.ssconf("master_candidates_certs")),
        runner=runner,
        runner_for=lambda task: RecordedRunner(records, task),
        stop_daemon=stop_daemon,
        # Made when it is needed: the certificate may be another by then.
        peers=lambda: HttpNodeClient(client_context(paths.client_pem, paths.ca_cert), clock),
        links=TlsLinks(clock),
        powercycle=Powercycle(None if paths.is_virtual else TRIGGER, _later),
        take_up_certificates=take_up_certificates,
        words=MetadWords(paths.metad_socket),
        log_in=SshLogins(paths, runner),
    )
