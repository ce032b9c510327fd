"""OP_INSTANCE_SET_PARAMS with a disk template."""

from collections.abc import Iterator
from typing import Any

import pytest

from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceRemove,
    OpInstanceSetParams,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.contents import put_content
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, fails, make_op
from tests.sim.instance.make import START, create
from tests.sim.instance.make_drbd import NONE, disks_of, roles

MIB = 1 << 20
DATA = bytes(range(256)) * 4096 * 2
T = DiskTemplate
CONVERTIBLE = (T.PLAIN, T.DRBD, T.FILE, T.SHAREDFILE)
PAIRS = [(old, new) for old in CONVERTIBLE for new in CONVERTIBLE if old is not new]
POOL = "ports come back through the pool"
PORTS = {"cluster/tcpudp_port_pool": POOL, "cluster/highest_used_port": POOL}
REMOVE = OpInstanceRemove(instance_name="web1", shutdown_timeout=0)
ACTIVATE = OpInstanceActivateDisks(instance_name="web1")


class Filled(SimCluster):
    """A cluster; once its instance is created, there is something on its disks."""

    async def run(self, *ops: Opcode) -> Any:  # Any: as of SimCluster
        """See :class:`SimCluster`."""
        found = await super().run(*ops)
        if ops[0].op_id() == "OP_INSTANCE_CREATE":
            for driver, place in self.places():
                put_content(driver, place, MIB, DATA)
        return found

    def places(self) -> Iterator[tuple[Any, str]]:
        """Disks on the first node, and the shared ones: their drivers and places."""
        node = self.nodes["node1"]
        for driver in (node.disks, node.volumes, self.shared):
            for place in sorted(driver.disks):
                if not place.endswith("_meta"):
                    yield driver, place

    def contents(self) -> list[dict[int, bytes]]:
        """What is on the instance's disks, in order."""
        node = self.nodes["node1"]
        found = []
        for disk in self.view.disks_of(self.instance("web1")):
            place = str((disk.children[0] if disk.children else disk).logical_id[1])
            drivers = (node.disks, node.volumes, self.shared)
            found.append(next(one.contents.get(place, {}) for one in drivers if place in one.disks))
        return found


def cluster(**options: Any) -> Filled:  # Any: options as for gnt-cluster init
    """Three nodes with all templates."""
    names = [str(one) for one in (*CONVERTIBLE, T.DISKLESS, T.BLOCKDEV)]
    return Filled(options={"enabled_disk_templates": names, **options})


def instance(template: DiskTemplate, **parameters: Any) -> Opcode:
    """``web1`` on ``node1`` with two disks of a template, stopped."""
    snode = {"snode": "node2"} if template is T.DRBD else {}
    disks = [{"size": 4, "name": "root"}, {"size": 16, "mode": "ro"}]
    parameters = {"start": False, "ignore_ipolicy": True, "disks": disks, **snode, **parameters}
    return create(disk_template=str(template), **parameters)


def convert(template: DiskTemplate, **parameters: Any) -> OpInstanceSetParams:
    """Convert its disks."""
    node = {"remote_node": "node3"} if template is T.DRBD else {}
    wanted = {"instance_name": "web1", "disk_template": template, "ignore_ipolicy": True}
    return make_op(OpInstanceSetParams, **{**wanted, **node, **parameters})


async def made(template: DiskTemplate, **parameters: Any) -> Filled:
    """A cluster with the instance."""
    found = cluster()
    await found.run(instance(template, **parameters))
    found.rpc_changes.clear()
    return found


def without(footprint: dict[str, object], *prefixes: str) -> dict[str, object]:
    """What else there is."""
    return {path: what for path, what in footprint.items() if not path.startswith(prefixes)}


@pytest.mark.parametrize(("old", "new"), PAIRS)
async def test_disks_keep_what_is_on_them(old: DiskTemplate, new: DiskTemplate) -> None:
    found = await made(old)
    before = found.view.disks_of(found.instance("web1"))
    result = await found.run(convert(new))
    assert result == [["disk_template", str(new)]]
    assert found.contents() == [{MIB: DATA[:MIB], 2 * MIB: DATA[MIB:]}] * 2
    after = found.view.disks_of(found.instance("web1"))
    assert [(one.size, one.name, one.mode, one.iv_name) for one in after] == [
        (one.size, one.name, one.mode, one.iv_name) for one in before
    ]
    assert {one.dev_type for one in after} == {new}
    assert len(found.view.disks) == 2
    assert roles(found) == NONE
    await found.run(START)
    assert found.guest_states("web1") == {"node1": "running"}


@pytest.mark.parametrize(("old", "new"), PAIRS)
async def test_nothing_is_left_of_the_old_ones(old: DiskTemplate, new: DiskTemplate) -> None:
    found = await made(old)
    await found.run(convert(new))
    fresh = await made(new, **({"snode": "node3"} if new is T.DRBD else {}))
    for node in found.nodes:
        ours, theirs = found.nodes[node], fresh.nodes[node]
        assert [size for size, _ in sorted(ours.volumes.disks.values())] == [
            size for size, _ in sorted(theirs.volumes.disks.values())
        ]
        assert len(ours.disks.disks) == len(theirs.disks.disks)
        assert ours.disks.directories == theirs.disks.directories
    assert len(found.shared.disks) == len(fresh.shared.disks)
    await found.run(REMOVE)
    exports = [f"{node}/exports" for node in found.nodes]
    assert without(found.footprint(), "cluster/", "nodes/", "groups/", *exports) == {}


@pytest.mark.parametrize(("old", "new"), PAIRS)
async def test_unwinds_from_every_fault_point(old: DiskTemplate, new: DiskTemplate) -> None:
    one = instance(old, disks=[{"size": 3}])
    await assert_unwinds(
        cluster, convert(new), after=[one], keeps=PORTS, spares=PORTS, may_stand=True
    )


async def test_unwinds_from_every_fault_point_with_two_disks() -> None:
    both = instance(T.PLAIN, disks=[{"size": 3}, {"size": 3}])
    await assert_unwinds(
        cluster, convert(T.FILE), after=[both], keeps=PORTS, spares=PORTS, may_stand=True
    )


@pytest.mark.parametrize(("old", "new"), [(T.PLAIN, T.DRBD), (T.DRBD, T.PLAIN), (T.DRBD, T.FILE)])
async def test_unwinds_from_every_fault_point_with_active_disks(
    old: DiskTemplate, new: DiskTemplate
) -> None:
    await assert_unwinds(
        cluster,
        convert(new),
        after=[instance(old, disks=[{"size": 3}]), ACTIVATE],
        keeps=PORTS,
        spares=PORTS,
        may_stand=True,
    )


# --- in place


async def test_a_mirror_comes_around_a_volume_and_goes_again() -> None:
    found = await made(T.PLAIN)
    before = dict(found.nodes["node1"].volumes.disks)
    places = [disk.logical_id for disk in found.view.disks_of(found.instance("web1"))]
    job = found.submit(convert(T.DRBD))
    await found.finished(job)
    assert found.nodes["node1"].volumes.disks.items() > before.items()
    assert [disk.children[0].logical_id for disk, _ in disks_of(found)] == places
    sent = [call for _node, call in changes(found) if "convert" in call or "send" in call]
    assert sent == []
    assert "Instance web1's disks are in sync" in found.log(await job)
    await found.run(convert(T.PLAIN))
    assert found.nodes["node1"].volumes.disks == before
    assert [disk.logical_id for disk in found.view.disks_of(found.instance("web1"))] == places
    assert found.nodes["node3"].volumes.disks == {}


async def test_a_volume_that_is_larger_than_was_asked_for_is_mirrored_whole() -> None:
    found = await made(T.PLAIN)
    volumes = found.nodes["node1"].volumes
    for place, (size, uuid) in volumes.disks.items():
        volumes.disks[place] = (size + 4, uuid)
    await found.run(convert(T.DRBD))
    assert [disk.size for disk, _ in disks_of(found)] == [8, 20]


async def test_without_a_wait_the_sync_goes_on_later() -> None:
    found = await made(T.PLAIN)
    found.replication.sync_s = 1000.0
    begin = found.clock.monotonic()
    await found.run(convert(T.DRBD, wait_for_sync=False))
    assert found.clock.monotonic() - begin < 500.0
    await found.run(START)
    assert roles(found)["node1"] == [("UpToDate", True)] * 2
    assert roles(found)["node3"] == [("Inconsistent", False)] * 2


async def test_goes_on_when_the_master_was_away_during_the_sync() -> None:
    found = await made(T.PLAIN)
    found.replication.sync_s = 1000.0
    job = found.submit(convert(T.DRBD))
    await found.clock.sleep(500.0)
    assert roles(found)["node3"] == [("Inconsistent", False)] * 2
    await found.kill_master()
    await found.master()
    assert await found.finished(job) == [["disk_template", "drbd"]]
    assert roles(found) == NONE
    assert len(found.view.disks) == 2


async def test_active_disks_are_active_again() -> None:
    found = await made(T.PLAIN)
    await found.run(ACTIVATE)
    await found.run(convert(T.DRBD))
    assert roles(found)["node1"] == [("UpToDate", True)] * 2
    assert found.instance("web1").disks_active
    await found.run(convert(T.PLAIN))
    assert roles(found) == NONE
    assert found.instance("web1").disks_active


async def test_a_mirror_whose_primary_side_is_not_whole_stays() -> None:
    found = await made(T.DRBD)
    found.replication.sync_s = 10000.0
    for meta in found.nodes["node1"].drbd.metadata.values():
        meta.good = False
    await found.master()
    before = found.footprint()
    assert "not whole on node node1" in str(await fails(found, convert(T.PLAIN)))
    assert without(found.footprint(), *PORTS) == without(before, *PORTS)


async def test_what_a_silent_secondary_has_goes_when_it_is_back() -> None:
    found = await made(T.DRBD)
    found.nodes["node2"].reachable = False
    job = found.submit(convert(T.PLAIN))
    await found.finished(job)
    assert "will be tried again" in "\n".join(found.log(await job))
    assert len(found.nodes["node2"].volumes.disks) == 4
    found.nodes["node2"].reachable = True
    await (await found.master()).leftovers.retry()
    assert found.nodes["node2"].volumes.disks == {}
    assert len(found.nodes["node1"].volumes.disks) == 2
    assert len(found.view.disks) == 2


# --- copied


async def test_goes_on_when_the_master_was_away_during_a_copy() -> None:
    found = await made(T.PLAIN)
    found.dies_at_call("blockdev_shutdown")
    assert await found.run(convert(T.FILE)) == [["disk_template", "file"]]
    assert found.contents() == [{MIB: DATA[:MIB], 2 * MIB: DATA[MIB:]}] * 2
    assert found.nodes["node1"].volumes.disks == {}


async def test_block_devices_of_others_are_a_source_and_stay() -> None:
    found = cluster()
    found.nodes["node1"].devices.sizes["/dev/disk/by-id/x"] = 10
    disks = [{"adopt": "/dev/disk/by-id/x"}]
    await found.run(instance(T.BLOCKDEV, disks=disks, no_install=True))
    await found.run(convert(T.PLAIN))
    assert [size for size, _ in found.nodes["node1"].volumes.disks.values()] == [10]
    assert found.nodes["node1"].devices.sizes == {"/dev/disk/by-id/x": 10}


async def test_a_copy_below_a_mirror_has_the_name_of_such_volumes() -> None:
    found = await made(T.FILE)
    await found.run(convert(T.DRBD))
    for disk, _ in disks_of(found):
        data, meta = (str(child.logical_id[1]) for child in disk.children)
        assert data.endswith("_data")
        assert meta == f"{data.removesuffix('_data')}_meta"


async def test_files_lie_where_it_was_said() -> None:
    found = await made(T.PLAIN)
    await found.run(convert(T.FILE, file_storage_dir="rack/1", file_driver="loop"))
    for disk in found.view.disks_of(found.instance("web1")):
        assert disk.logical_id[0] == "loop"
        assert str(disk.logical_id[1]).startswith("/srv/ganeti/file-storage/rack/1/web1/")
    assert len(found.contents()) == 2


async def test_all_else_changes_with_it() -> None:
    found = await made(T.PLAIN)
    result = await found.run(convert(T.FILE, beparams={"vcpus": 3}))
    assert result == [["disk_template", "file"], ["be/vcpus", 3]]
    assert found.instance("web1").beparams["vcpus"] == 3


async def test_hooks_know_the_template() -> None:
    found = await made(T.PLAIN)
    found.nodes["node1"].put_hook("instance-modify-pre.d/50-note")
    await found.run(convert(T.FILE))
    (hook,) = (one for one in found.nodes["node1"].programs.ran if "50-note" in one.argv[0])
    assert (hook.env or {})["GANETI_NEW_DISK_TEMPLATE"] == "file"
    assert (hook.env or {})["GANETI_INSTANCE_DISK_TEMPLATE"] == "plain"


# --- refused


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"disk_template": "plain"}, ECode.STATE, "already"),
        ({"disk_template": "diskless"}, ECode.STATE, "--disk remove"),
        ({"disk_template": "blockdev"}, ECode.STATE, "devices of others"),
        ({"disk_template": "rbd"}, ECode.STATE, "not enabled"),
        ({"disk_template": "drbd"}, ECode.INVAL, "-n NODE"),
        ({"disk_template": "drbd", "remote_node": "node1"}, ECode.INVAL, "node1"),
        ({"disk_template": "drbd", "remote_node": "node9"}, ECode.NOENT, "node9"),
        ({"disk_template": "file", "remote_node": "node2"}, ECode.INVAL, "no secondary node"),
        ({"disk_template": "drbd", "remote_node": "node2", "file_driver": "loop"}, ECode.INVAL,
         "file_driver"),
        ({"disk_template": "file", "file_driver": "blktap2"}, ECode.INVAL, "Xen"),
        ({"disk_template": "file", "file_storage_dir": "../x"}, ECode.INVAL, "../x"),
        ({"disk_template": "file", "ext_params": {"provider": "x"}}, ECode.INVAL, "ext_params"),
        ({"disk_template": "file", "disks": [["remove", -1, {}]]}, ECode.INVAL, "together"),
        ({"disk_template": "file", "pnode": "node2"}, ECode.INVAL, "together"),
        ({"remote_node": "node2", "offline": True}, ECode.INVAL, "remote_node"),
    ],
)  # fmt: skip
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    op = make_op(
        OpInstanceSetParams, **{"instance_name": "web1", "ignore_ipolicy": True, **parameters}
    )
    await assert_refused(await made(T.PLAIN), op, code, said)


async def test_refuses_an_instance_without_disks() -> None:
    found = await made(T.DISKLESS, disks=[], no_install=True)
    await assert_refused(found, convert(T.FILE), ECode.STATE, "--disk add")


async def test_refuses_an_instance_that_is_not_stopped() -> None:
    found = await made(T.PLAIN)
    await found.run(START)
    await assert_refused(found, convert(T.DRBD), ECode.STATE, "shutdown first")
    found.nodes["node1"].guests.remove("web1")
    await assert_refused(found, convert(T.DRBD), ECode.STATE, "shutdown first")


@pytest.mark.parametrize(
    ("node", "fields", "code", "said"),
    [
        ("node1", {"offline": True}, ECode.STATE, "offline"),
        ("node3", {"offline": True}, ECode.STATE, "offline"),
        ("node3", {"drained": True}, ECode.STATE, "drained"),
        ("node3", {"ndparams": {"exclusive_storage": True}}, ECode.INVAL, "exclusive storage"),
    ],
)
async def test_refuses_nodes_that_cannot(
    node: str, fields: dict[str, Any], code: ECode, said: str
) -> None:
    found = await made(T.PLAIN)
    await found.mark_node(node, **fields)
    await assert_refused(found, convert(T.DRBD), code, node, said)


@pytest.mark.parametrize(("new", "node"), [(T.DRBD, "node1"), (T.DRBD, "node3")])
async def test_refuses_what_does_not_fit(new: DiskTemplate, node: str) -> None:
    found = await made(T.PLAIN)
    # In place only metadata is needed on the primary node.
    needed = 2 * 128 + (20 if node == "node3" else 0)
    used = sum(size for size, _ in found.nodes[node].volumes.disks.values())
    found.nodes[node].volumes.capacity = used + needed - 1
    await assert_refused(found, convert(new), ECode.NORES, node, str(needed))
    found.nodes[node].volumes.capacity += 1
    await found.run(convert(new))


async def test_the_policy_counts_unless_ignored() -> None:
    found = cluster(ipolicy={"disk-templates": ["plain"]})
    await found.run(instance(T.PLAIN))
    op = convert(T.FILE, ignore_ipolicy=False)
    await assert_refused(found, op, ECode.INVAL, "file", "policy")


async def test_a_copy_that_fails_leaves_all_as_it_was() -> None:
    found = await made(T.FILE)
    before = found.footprint()
    async with found.held_up("node1", "blockdev_convert"):
        job = found.submit(convert(T.PLAIN))
        await found.clock.sleep(100.0)
        for place, (_size, uuid) in found.nodes["node1"].volumes.disks.items():
            found.nodes["node1"].volumes.disks[place] = (1, uuid)
    assert "too small" in str(await failed(found, job))
    assert found.footprint() == before
