"""A whole node on fake drivers: every call has a handler, and calls work together."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pyganeti.kit.clock import SystemClock
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import run
from pyganeti.kit.tls import Peer
from pyganeti.model.errors import OpExecError, from_wire
from pyganeti.node.app import NodeParts, assemble_node
from pyganeti.node.dispatcher import Dispatcher
from pyganeti.node.hypervisor.base import Hypervisors
from pyganeti.node.hypervisor.fake.driver import FakeHypervisor
from pyganeti.node.hypervisor.fake.records import MemoryRecords
from pyganeti.node.installing import MetadWords
from pyganeti.node.logins import SshLogins
from pyganeti.node.network.fake import FakeNetwork
from pyganeti.node.powercycle import Powercycle
from pyganeti.node.storage.base import Storage
from pyganeti.node.storage.blocks import DeviceBlocks
from pyganeti.node.storage.ext.scripts import ProviderScripts
from pyganeti.node.storage.fake import FakeDriver, FakeVolumes
from pyganeti.node.storage.lvm.tools import Lvm
from pyganeti.node.storage.units import StorageUnits
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.testing.remote import SimLinks
from pyganeti.wire.noderpc import blockdev, codec, instance, node, registry, store
from pyganeti.wire.noderpc.call import CallContext, NodeCall, R
from pyganeti.wire.noderpc.client import HttpNodeClient
from pyganeti.wire.noderpc.disks import StorageUnit
from pyganeti.wire.noderpc.guests import (
    GuestState,
    HypervisorInfo,
)
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    InstanceSpec,
)
from pyganeti.wire.noderpc.types import StorePage, StoreState

HOST = HypervisorInfo(memory_total=1000, memory_free=900, memory_dom0=100, cpu_total=2)


async def nothing() -> None:
    """Nobody connects to this node."""


class Everyone:
    def check(self, peer: Peer) -> None:
        return None


@dataclass
class Replica:
    """Remembers what it was sent."""

    applied: list[tuple[int, int, tuple[bytes, ...]]] = field(default_factory=list)

    async def apply(self, epoch: int, first_seq: int, batches: tuple[bytes, ...]) -> int:
        self.applied.append((epoch, first_seq, batches))
        return first_seq + len(batches) - 1

    async def archived(self, after: str, limit: int) -> bytes:
        return f"above {after}".encode()

    async def load(self, epoch: int, seq: int, part: int, writes: bytes, *, is_last: bool) -> None:
        self.applied.append((epoch, seq, (writes, b"last" if is_last else b"more")))

    async def read(self, table: str, after: str, keys: tuple[str, ...]) -> StorePage:
        return StorePage(seq=1, epoch=1, rows=f"{table} {after} {keys}".encode(), more=False)

    async def forget(self) -> None:
        self.applied.clear()

    async def state(self) -> StoreState:
        return StoreState(seq=len(self.applied), epoch=1)


class Node:
    """A node, and calls to it."""

    def __init__(self, dispatcher: Dispatcher, parts: NodeParts) -> None:
        self.parts = parts
        self._dispatcher = dispatcher
        self._codec = codec.Codec()
        self._next = 0

    async def call(self, call: NodeCall[R]) -> R:
        self._next += 1
        body = codec.encode_request(CallContext(epoch=1, call=self._next), call)
        request = codec.decode_request(body)
        answer = await self._dispatcher.dispatch(call.procedure, request, Peer("", "", ""))
        if not answer.ok:
            raise from_wire(answer.error)
        return self._codec.result(type(call), answer.result)


@asynccontextmanager
async def fake_node(root: Path) -> AsyncIterator[Node]:
    paths = Paths(str(root), root.name)
    os.makedirs(paths.data_dir)
    clock = SystemClock()
    disks = FakeDriver(capacity=100)
    storage = Storage({"file": disks}, {"file": disks})
    parts = NodeParts(
        paths=paths,
        clock=clock,
        hypervisors=Hypervisors({"fake": FakeHypervisor(MemoryRecords(), clock, lambda: HOST)}),
        storage=storage,
        drbd=SimDrbd(DrbdNetwork(SystemClock()), set()),
        blocks=DeviceBlocks(),
        providers=ProviderScripts((), run, f"{root}/log", clock),
        units=StorageUnits(Lvm(run), storage.space, str),
        volumes=FakeVolumes("xenvg", disks),
        directories=disks,
        network=FakeNetwork(frozenset({"br0"}), frozenset({"192.0.2.1"})),
        replica=Replica(),
        admission=Everyone(),
        runner=run,
        runner_for=lambda _task: run,
        stop_daemon=lambda: None,
        powercycle=Powercycle(None, lambda _delay, _call: None),
        take_up_certificates=nothing,
        words=MetadWords(paths.metad_socket),
        log_in=SshLogins(paths, run),
        links=SimLinks(),
        peers=lambda: HttpNodeClient(ssl.create_default_context(), clock),
    )
    async with assemble_node(parts) as dispatcher:
        yield Node(dispatcher, parts)


DISK = DiskSpec(
    dev_type="file", logical_id=("loop", "/srv/web1/0"), size=40, uuid="d", iv_name="disk/0"
)
WEB1 = InstanceSpec(
    name="web1",
    uuid="i",
    primary_node="n",
    hypervisor="fake",
    beparams={"maxmem": 300, "vcpus": 2},
    disks=(DISK,),
    disk_template="file",
)


async def test_every_registered_call_has_a_handler(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        found = set(one._dispatcher._handlers)
    assert found == set(registry.ALL_CALLS)


async def test_an_instance_lives_and_leaves_nothing(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        await one.call(blockdev.FileStorageDirCreateCall(file_storage_dir="/srv/web1"))
        await one.call(blockdev.BlockdevCreateCall(disk=DISK, owner="web1"))
        assembled = await one.call(
            blockdev.BlockdevAssembleCall(disk=DISK, instance=WEB1, on_primary=True, index=0)
        )
        assert assembled.link.endswith("instance-disks/web1:0")
        for exclusive in (True, False):
            await one.call(
                blockdev.BlockdevOpenCall(disks=(DISK,), instance_name="web1", exclusive=exclusive)
            )
        await one.call(blockdev.BlockdevCloseCall(disks=(DISK,), instance_name="web1"))
        assert await one.call(blockdev.BlockdevGetdimensionsCall(disks=(DISK,))) == (
            (40 * 1024 * 1024, None),
        )
        await one.call(instance.InstanceStartCall(instance=WEB1))
        info = await one.call(instance.InstanceInfoCall(name="web1", hypervisor="fake"))
        assert info is not None
        assert (info.state, info.memory) == (GuestState.RUNNING, 300)
        await one.call(instance.InstanceRebootCall(instance=WEB1, reboot_type="hard"))
        await one.call(instance.InstanceShutdownCall(instance=WEB1, timeout=0))
        await one.call(blockdev.BlockdevShutdownCall(disk=DISK, instance_name="web1", index=0))
        await one.call(blockdev.BlockdevRemoveCall(disk=DISK))
        await one.call(blockdev.FileStorageDirRemoveCall(file_storage_dir="/srv/web1"))
        assert await one.call(instance.InstanceListCall(hypervisors=("fake",))) == ()
        assert await one.call(blockdev.BlockdevFindCall(disk=DISK)) is None
        links = one.parts.paths.disk_links_dir
    assert os.listdir(links) == []


async def test_the_node_tells_what_it_has_and_what_it_cannot(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        await one.call(blockdev.BlockdevCreateCall(disk=DISK, owner="web1"))
        units = (StorageUnit(type="file", name="/srv"), StorageUnit(type="lvm-vg", name="xenvg"))
        asked = node.NodeInfoCall(storage_units=units, hypervisors={"fake": {}, "kvm": {}})
        info = await one.call(asked)
    assert info.hypervisors["fake"].memory_free == 900
    assert "kvm" in info.errors
    assert [(unit.storage_free, unit.storage_size) for unit in info.storage] == [
        (60, 100),
        (None, None),
    ]


async def test_verify_answers_each_question_and_no_other(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        paths = one.parts.paths
        nothing = await one.call(node.NodeVerifyCall(cluster_name="c"))
        found = await one.call(
            node.NodeVerifyCall(
                cluster_name="c",
                hypervisors={"fake": {}, "kvm": {}},
                files=("/var/lib/ganeti/epoch", "/var/lib/ganeti/nothing"),
                bridges=("br0", "br1"),
                storage_dirs=("/srv/disks",),
                check_storage_paths=True,
                user_scripts=("/no/script",),
                node_setup=True,
            )
        )
    assert nothing.hypervisor_errors == {}
    assert nothing.checksums == {}
    assert list(found.hypervisor_errors) == ["kvm"]
    assert list(found.checksums) == ["/var/lib/ganeti/epoch"]
    assert found.missing_bridges == ("br1",)
    assert list(found.unusable_storage_dirs) == ["/srv/disks"]
    assert found.missing_scripts == ("/no/script",)
    assert found.setup_errors == tuple(
        f"{path} is not a directory" for path in (paths.run_dir, paths.log_dir)
    )


async def test_changes_of_the_database_reach_the_copy(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        assert await one.call(store.StoreApplyCall(first_seq=7, batches=(b"a", b"b"))) == 8
        await one.call(store.StoreLoadCall(seq=3, part=0, writes=b"all", is_last=True))
        assert await one.call(store.StoreArchivedCall(after="7", limit=2)) == b"above 7"
        page = await one.call(store.StoreReadCall(table="job", after="7", keys=("8",)))
        assert page.rows == b"job 7 ('8',)"
        assert (await one.call(store.StoreStateCall())).seq == 2
        assert one.parts.replica == Replica([(1, 7, (b"a", b"b")), (1, 3, (b"all", b"last"))])


async def test_a_former_candidate_forgets_its_copy(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        paths = one.parts.paths
        write_atomic(paths.ca_key, b"key", mode=0o400)
        await one.call(store.StoreApplyCall(first_seq=7, batches=(b"a",)))
        write_atomic(paths.ssconf("master_node"), f"{tmp_path.name}\n".encode(), mode=0o444)
        with pytest.raises(OpExecError, match="knows itself as the master"):
            await one.call(store.NodeDemoteFromMcCall())
        assert one.parts.replica == Replica([(1, 7, (b"a",))])
        assert read_bytes(paths.ca_key) == b"key"
        write_atomic(paths.ssconf("master_node"), b"node9\n", mode=0o444)
        await one.call(store.NodeDemoteFromMcCall())
        assert one.parts.replica == Replica()
        assert read_bytes(paths.ca_key) is None


async def test_own_addresses_and_hosts(tmp_path: Path) -> None:
    async with fake_node(tmp_path) as one:
        assert await one.call(node.NodeHasIpAddressCall(address="192.0.2.1"))
        assert not await one.call(node.NodeHasIpAddressCall(address="192.0.2.2"))
        hosts = one.parts.paths.etc_hosts
        os.makedirs(os.path.dirname(hosts))
        await one.call(node.EtcHostsModifyCall(mode="add", name="web1", ip="192.0.2.9"))
        assert read_bytes(hosts) == b"192.0.2.9\tweb1\n"
        assert await one.call(node.EtcHostsLookupCall(name="web1")) == "192.0.2.9"
        assert await one.call(node.EtcHostsLookupCall(name="web2")) is None
