"""DRBD disks of two nodes: the real driver on simulated kernels."""

import pytest

from pyganeti.kit.clock import LoopClock
from pyganeti.kit.process import Command, Finished
from pyganeti.model.errors import BlockDeviceError, StorageError
from pyganeti.node.storage.base import MIB
from pyganeti.node.storage.drbd.device import Drbd
from pyganeti.node.storage.drbd.driver import DrbdDriver
from pyganeti.node.storage.fake import FakeDriver
from pyganeti.testing.drbd import SimDrbd
from pyganeti.testing.drbd_network import DrbdNetwork
from pyganeti.wire.noderpc.disks import (
    LocalDisk,
    MirrorStatus,
)
from pyganeti.wire.noderpc.specs import (
    DiskSpec,
    DrbdEnd,
    DrbdSpec,
)

PARAMS = {"resync-rate": 61440, "protocol": "C"}


class Node:
    """A node with its kernel and volumes."""

    def __init__(self, network: DrbdNetwork, number: int) -> None:
        self.volumes = FakeDriver()
        self.kernel = SimDrbd(network, self.volumes.held)
        self.clock = network.clock
        self.driver = DrbdDriver(
            Drbd(self.kernel, self.kernel), self.volumes, self.clock, self.volumes.write
        )
        self.end = DrbdEnd(node=f"n{number}", ip=f"192.0.2.{number}", minor=number)

    async def status(self, disk: DiskSpec) -> MirrorStatus:
        """Of a disk that is there."""
        found = await self.driver.status(disk)
        assert found is not None
        return found


class Pair:
    """Two nodes and a disk."""

    def __init__(self) -> None:
        self.network = DrbdNetwork(LoopClock())
        self.one, self.two = Node(self.network, 1), Node(self.network, 2)

    def disk(self, node: Node, uuid: str = "u-0", size: int = 64) -> DiskSpec:
        """The disk as it is told to ``node``."""
        peer = self.two if node is self.one else self.one
        return DiskSpec(
            dev_type="drbd",
            logical_id=(),
            size=size,
            uuid=uuid,
            iv_name="disk/0",
            params=PARAMS,
            children=(_volume(uuid, "data", size), _volume(uuid, "meta", 128)),
            drbd=DrbdSpec(local=node.end, remote=peer.end, port=11000, secret="hush"),
        )

    async def make(self) -> None:
        """Make the disk; the content of the first node counts."""
        await self.one.driver.create_first(self.disk(self.one), repeated=False)
        await self.two.driver.create(self.disk(self.two), repeated=False)

    async def assemble(self) -> None:
        """Make it usable on both."""
        for node in (self.one, self.two):
            await node.driver.assemble(self.disk(node))

    def writers(self) -> list[bool]:
        """Which node may write."""
        devices = (node.kernel.devices.values() for node in (self.one, self.two))
        return [any(device.primary for device in found) for found in devices]

    def sharing(self) -> list[bool]:
        """Which node lets its peer write as well."""
        devices = (node.kernel.devices.values() for node in (self.one, self.two))
        links = [device.link for found in devices for device in found]
        return [link is not None and link.two_primaries for link in links]


def _volume(uuid: str, part: str, size: int) -> DiskSpec:
    return DiskSpec(
        dev_type="plain",
        logical_id=("xenvg", f"{uuid}_{part}"),
        size=size,
        uuid=f"{uuid}-{part}",
        iv_name="",
    )


async def assembled() -> Pair:
    """A pair with the disk in sync, open on the first node."""
    pair = Pair()
    await pair.make()
    await pair.assemble()
    await pair.one.driver.open(pair.disk(pair.one), exclusive=True)
    return pair


async def test_the_first_nodes_content_is_what_both_have() -> None:
    pair = Pair()
    pair.network.sync_s = 10.0
    await pair.make()
    await pair.assemble()
    first = await pair.one.status(pair.disk(pair.one))
    second = await pair.two.status(pair.disk(pair.two))
    assert (first.local_disk, second.local_disk) == (LocalDisk.OKAY, LocalDisk.SYNC)
    assert first.syncing
    assert second.syncing
    assert first.degraded
    await pair.one.clock.sleep(11.0)
    for node in (pair.one, pair.two):
        status = await node.status(pair.disk(node))
        assert (status.local_disk, status.degraded, status.sync_percent) == (
            LocalDisk.OKAY,
            False,
            None,
        )


async def test_how_long_a_sync_will_take() -> None:
    pair = Pair()
    pair.network.sync_s = 100.0
    await pair.make()
    await pair.assemble()
    status = await pair.one.status(pair.disk(pair.one))
    assert status.estimated_s is None
    await pair.one.clock.sleep(50.0)
    status = await pair.one.status(pair.disk(pair.one))
    assert status.estimated_s == pytest.approx(50, abs=1)
    assert status.sync_percent == pytest.approx(50.0, abs=1)
    await pair.one.clock.sleep(51.0)
    assert (await pair.one.status(pair.disk(pair.one))).estimated_s is None


async def test_a_second_writer_is_refused() -> None:
    pair = await assembled()
    with pytest.raises(BlockDeviceError, match="Multiple primaries not allowed"):
        await pair.two.driver.open(pair.disk(pair.two), exclusive=True)
    assert pair.writers() == [True, False]


async def test_both_write_during_a_migration_and_one_after_it() -> None:
    pair = await assembled()
    for _ in range(2):
        await pair.one.driver.open(pair.disk(pair.one), exclusive=False)
    for _ in range(2):
        await pair.two.driver.open(pair.disk(pair.two), exclusive=False)
    assert pair.writers() == [True, True]
    with pytest.raises(BlockDeviceError, match="the peer of /dev/drbd2 writes as well"):
        await pair.two.driver.open(pair.disk(pair.two), exclusive=True)
    for _ in range(2):
        await pair.one.driver.close(pair.disk(pair.one))
    assert pair.sharing() == [False, True]
    for _ in range(2):
        await pair.two.driver.open(pair.disk(pair.two), exclusive=True)
    assert pair.writers() == [False, True]
    with pytest.raises(BlockDeviceError, match="Multiple primaries"):
        await pair.one.driver.open(pair.disk(pair.one), exclusive=True)


async def test_a_migration_is_taken_back() -> None:
    pair = await assembled()
    await pair.one.driver.open(pair.disk(pair.one), exclusive=False)
    await pair.two.driver.open(pair.disk(pair.two), exclusive=False)
    await pair.two.driver.close(pair.disk(pair.two))
    await pair.one.driver.open(pair.disk(pair.one), exclusive=True)
    assert pair.writers() == [True, False]


async def test_a_device_in_use_is_not_closed() -> None:
    pair = await assembled()
    pair.one.kernel.opened.add(1)
    for action in (pair.one.driver.close, pair.one.driver.shutdown, pair.one.driver.remove):
        with pytest.raises(BlockDeviceError, match="held open"):
            await action(pair.disk(pair.one))
    assert pair.writers() == [True, False]


async def test_a_node_waits_for_its_peer_before_it_writes_alone() -> None:
    pair = Pair()
    await pair.make()
    await pair.one.driver.assemble(pair.disk(pair.one))
    began = pair.one.clock.monotonic()
    await pair.one.driver.open(pair.disk(pair.one), exclusive=True)
    assert pair.one.clock.monotonic() - began == pytest.approx(10.0, abs=0.5)
    await pair.one.driver.close(pair.disk(pair.one))
    began = pair.one.clock.monotonic()
    await pair.one.driver.open(pair.disk(pair.one), exclusive=True)
    assert pair.one.clock.monotonic() == began


async def test_a_disk_that_was_never_whole_is_not_written_to() -> None:
    pair = Pair()
    await pair.make()
    await pair.two.driver.assemble(pair.disk(pair.two))
    with pytest.raises(BlockDeviceError, match="Need access to UpToDate data"):
        await pair.two.driver.open(pair.disk(pair.two), exclusive=True)


async def test_what_was_missed_is_synced_from_the_node_that_wrote() -> None:
    pair = await assembled()
    pair.network.cut.add("192.0.2.2")
    assert (await pair.one.status(pair.disk(pair.one))).degraded
    pair.network.cut.clear()
    pair.network.sync_s = 10.0
    status = await pair.two.status(pair.disk(pair.two))
    assert (status.local_disk, status.syncing) == (LocalDisk.SYNC, True)


async def test_nodes_that_both_wrote_alone_do_not_meet_again() -> None:
    pair = await assembled()
    pair.network.cut.add("192.0.2.2")
    await pair.two.driver.open(pair.disk(pair.two), exclusive=True)
    pair.network.cut.clear()
    for node in (pair.one, pair.two):
        status = await node.status(pair.disk(node))
        assert (status.connected, status.standalone, status.degraded) == (False, True, True)


async def test_another_disks_device_and_volumes_are_left_alone() -> None:
    pair = await assembled()
    other = pair.disk(pair.one, uuid="u-1")
    with pytest.raises(BlockDeviceError, match="minor 1 is in use already"):
        await pair.one.driver.create(other, repeated=False)
    assert not any(name.startswith("u-1") for name in pair.one.volumes.disks)
    assert await pair.one.driver.find(other) is None
    await pair.one.driver.shutdown(other)
    await pair.one.driver.remove(other)
    assert (await pair.one.status(pair.disk(pair.one))).primary


async def test_one_that_fails_in_the_middle_leaves_nothing() -> None:
    pair = Pair()
    pair.one.volumes.capacity = 100
    with pytest.raises(StorageError, match="do not fit"):
        await pair.one.driver.create_first(pair.disk(pair.one), repeated=False)
    assert pair.one.volumes.disks == {}
    assert pair.one.kernel.devices == {}


async def test_a_mirror_comes_around_a_volume_with_its_content() -> None:
    pair = Pair()
    pair.network.sync_s = 10.0
    disk = pair.disk(pair.one)
    await pair.one.volumes.create(disk.children[0], repeated=False)
    for _ in range(2):
        await pair.one.driver.create_on_data(disk, repeated=True)
    await pair.two.driver.create(pair.disk(pair.two), repeated=False)
    await pair.assemble()
    assert (await pair.one.status(disk)).local_disk is LocalDisk.OKAY
    assert (await pair.two.status(pair.disk(pair.two))).local_disk is LocalDisk.SYNC
    assert len(pair.one.volumes.disks) == 2


async def test_a_mirror_that_cannot_be_made_leaves_the_volume() -> None:
    pair = await assembled()
    other = pair.disk(pair.one, uuid="u-1")
    data = other.children[0]
    await pair.one.volumes.create(data, repeated=False)
    with pytest.raises(BlockDeviceError, match="minor 1 is in use already"):
        await pair.one.driver.create_on_data(other, repeated=False)
    assert [name for name in pair.one.volumes.disks if "u-1" in name] == ["u-1_data"]
    pair.one.volumes.capacity = 0
    with pytest.raises(StorageError, match="do not fit"):
        await pair.one.driver.create_on_data(other, repeated=False)
    assert [name for name in pair.one.volumes.disks if "u-1" in name] == ["u-1_data"]


async def test_no_mirror_comes_around_what_is_missing_or_another_disks() -> None:
    pair = Pair()
    disk = pair.disk(pair.one)
    with pytest.raises(StorageError, match="does not exist"):
        await pair.one.driver.create_on_data(disk, repeated=False)
    place = str(disk.children[0].logical_id[-1])
    pair.one.volumes.disks[place] = (64, "u-9")
    with pytest.raises(StorageError, match="belongs to disk u-9"):
        await pair.one.driver.create_on_data(disk, repeated=False)
    assert list(pair.one.volumes.disks) == [place]


async def test_looking_for_another_peer() -> None:
    pair = await assembled()
    three = Node(pair.network, 3)
    pair.two, former = three, pair.two
    await three.driver.create(pair.disk(three), repeated=False)
    await pair.assemble()
    for node in (pair.one, three):
        assert not (await node.status(pair.disk(node))).degraded
    assert not any(device.peer for device in former.kernel.devices.values())


async def test_grows_once_both_have() -> None:
    pair = await assembled()
    for node in (pair.one, pair.two):
        await node.driver.grow(pair.disk(node), 64, dryrun=False)
        assert (await node.driver.assemble(pair.disk(node))).size == 64 * MIB
    await pair.one.driver.resize(pair.disk(pair.one), 64)
    for node in (pair.one, pair.two):
        assert (await node.status(pair.disk(node))).size == 128 * MIB


async def test_new_volumes_are_filled_from_a_good_peer_only() -> None:
    pair = await assembled()
    one, disk = pair.one.driver, pair.disk(pair.one)
    for _ in range(2):
        await one.detach(disk)
    assert (await pair.one.status(disk)).local_disk is LocalDisk.FAULTY
    pair.network.cut.add("192.0.2.2")
    with pytest.raises(BlockDeviceError, match="peer of /dev/drbd1 has nothing"):
        await one.renew(disk)
    pair.network.cut.clear()
    for _ in range(2):
        await one.renew(disk)
    assert not (await pair.one.status(disk)).degraded


async def test_new_volumes_of_a_disk_that_is_down_are_filled_when_it_is_up() -> None:
    pair = await assembled()
    await pair.two.driver.shutdown(pair.disk(pair.two))
    pair.network.sync_s = 10.0
    await pair.two.driver.renew(pair.disk(pair.two))
    await pair.two.driver.assemble(pair.disk(pair.two))
    assert (await pair.two.status(pair.disk(pair.two))).syncing


async def test_the_last_good_disk_is_not_detached() -> None:
    pair = await assembled()
    pair.network.cut.add("192.0.2.2")
    with pytest.raises(BlockDeviceError, match="Need access to UpToDate data"):
        await pair.one.driver.detach(pair.disk(pair.one))


async def test_no_error_tells_the_secret() -> None:
    pair = await assembled()
    disk = pair.disk(pair.two)
    said = []
    for call in (pair.two.driver.create_first(disk, repeated=False),
                 pair.two.driver.open(disk, exclusive=True),
                 pair.two.driver.wipe(disk, 60, 10, lambda _: None)):  # fmt: skip
        with pytest.raises(BlockDeviceError) as failed:
            await call
        said.append(str(failed.value))
    assert "hush" not in " ".join(said)


async def test_looking_again_runs_nothing() -> None:
    """Where programs are slow, a sync waits for the processor as well."""
    pair = await assembled()
    node, ran = pair.one, list[str]()

    async def counted(command: Command) -> Finished:
        ran.append(command.argv[1])
        return await node.kernel(command)

    drbd = Drbd(counted, node.kernel)
    driver, disk = DrbdDriver(drbd, node.volumes, node.clock, node.volumes.write), pair.disk(node)
    first = await driver.status(disk)
    assert ran == ["show"]
    assert await driver.status(disk, known=True) == first
    assert ran == ["show"]
    node.kernel.devices.clear()
    assert await driver.status(disk, known=True) is None
