"""OP_INSTANCE_CREATE: what it makes, what it refuses, how it unwinds."""

import asyncio
from typing import Any

import pytest

from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.opcodes.instance import OpInstanceCreate, OpInstanceRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, fails
from tests.sim.instance.make import create, empty


async def test_makes_disks_installs_and_starts() -> None:
    cluster = empty()
    assert await cluster.run(create(tags=["blue"])) == ["node1"]
    instance = cluster.instance("web1")
    assert instance.admin_state is AdminState.UP
    assert instance.disks_active
    assert instance.tags == ("blue",)
    assert cluster.guest_states("web1") == {"node1": "running"}
    disks = cluster.view.disks_of(instance)
    assert [disk.size for disk in disks] == [1024, 2048]
    assert [disk.iv_name for disk in disks] == ["disk/0", "disk/1"]
    made = {disk.uuid: disk.size for disk in disks}
    assert {uuid: size for size, uuid in cluster.nodes["node1"].disks.disks.values()} == made
    scripts = [path.rpartition("/")[2] for path in cluster.nodes["node1"].programs.paths()]
    assert "create" in scripts


async def test_a_diskless_instance_has_no_disks() -> None:
    cluster = empty()
    await cluster.run(create(disk_template="diskless", disks=[], no_install=True, os_type=None))
    instance = cluster.instance("web1")
    assert instance.disks == ()
    assert cluster.view.disk_template(instance) is DiskTemplate.DISKLESS
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.nodes["node1"].disks.directories == set()


async def test_without_install_and_start_only_the_disks_are_made() -> None:
    cluster = empty()
    await cluster.run(create(no_install=True, start=False))
    instance = cluster.instance("web1")
    assert instance.admin_state is AdminState.DOWN
    assert not instance.disks_active
    assert cluster.guest_states("web1") == {}
    assert len(cluster.nodes["node1"].disks.disks) == 2
    assert cluster.nodes["node1"].programs.paths() == []
    assert not any("links" in path for path in cluster.footprint())


async def test_wipes_new_disks_where_the_cluster_wants_it() -> None:
    cluster = SimCluster(options={"prealloc_wipe_disks": True})
    await cluster.run(create(start=False))
    calls = [call for _, call in cluster.rpc_changes]
    assert calls.count("blockdev_wipe") == 2
    assert calls.index("blockdev_wipe") < calls.index("instance_os_add")
    assert not any("links" in path for path in cluster.footprint())


async def test_a_dry_run_checks_and_does_nothing() -> None:
    cluster = empty()
    await cluster.master()
    before = cluster.footprint()
    await cluster.run(create(dry_run=True))
    assert cluster.footprint() == before
    assert cluster.rpc_changes == []


async def test_takes_the_name_that_the_resolver_knows() -> None:
    cluster = empty()
    cluster.hosts["web1.example.com"] = "192.0.2.77"
    await cluster.run(create(name_check=True, ip_check=True))
    assert cluster.instance("web1.example.com").name == "web1.example.com"


async def test_refuses_an_address_that_answers() -> None:
    cluster = empty()
    cluster.hosts["web1.example.com"] = "192.0.2.77"
    cluster.answering.add("192.0.2.77")
    op = create(name_check=True, ip_check=True)
    await assert_refused(cluster, op, ECode.NOTUNIQUE, "192.0.2.77")


def _with_web1() -> SimCluster:
    cluster = empty()
    cluster.add_instance("web1")
    return cluster


def _node1(**fields: object) -> SimCluster:
    cluster = empty()
    cluster.set_node("node1", **fields)
    return cluster


def _node2(**fields: object) -> SimCluster:
    cluster = empty()
    cluster.set_node("node2", **fields)
    return cluster


def _without_bridge() -> SimCluster:
    cluster = empty()
    cluster.nodes["node1"].network.bridges = frozenset()
    return cluster


async def test_tells_of_a_secondary_node_that_is_not_used() -> None:
    cluster = empty()
    submitted = cluster.submit(create(disk_template="file", snode="node2"))
    assert await cluster.finished(submitted) == ["node1"]
    log = "\n".join(cluster.log(await submitted))
    assert "Warning: node node2 becomes no secondary node" in log


async def test_a_disk_without_a_name() -> None:
    cluster = empty()
    await cluster.run(create(disks=[{"size": 1024, "name": ""}]))
    (disk,) = cluster.view.disks.values()
    assert disk.name is None


def _two_groups() -> SimCluster:
    cluster = empty()
    cluster.add_group("rack2")
    return cluster


REFUSALS: list[Any] = [  # Any: pytest's parameter sets
    (empty, {"pnode": None}, ECode.INVAL, ["-n"]),
    (empty, {"pnode": "node9"}, ECode.NOENT, ["node9"]),
    (empty, {"opportunistic_locking": True}, ECode.INVAL, ["allocator"]),
    (_two_groups, {"group_name": "rack2"}, ECode.INVAL, ["node1", "default", "rack2"]),
    (empty, {"group_name": "rack9"}, ECode.NOENT, ["rack9"]),
    (empty, {"disks": [{"size": 1, "name": "a"}] * 2}, ECode.NOTUNIQUE, ["two disks", "name"]),
    (empty, {"disks": [{"size": 1, "name": "0"}]}, ECode.INVAL, ["'0'", "index"]),
    (empty, {"nics": [{"name": "-1"}]}, ECode.INVAL, ["'-1'", "index"]),
    (_with_web1, {}, ECode.EXISTS, ["web1"]),
    (empty, {"instance_name": "node2"}, ECode.EXISTS, ["node2", "is a node"]),
    (empty, {"instance_name": "192.0.2.7."}, ECode.INVAL, ["192.0.2.7", "IP address"]),
    (empty, {"instance_name": "web 1"}, ECode.INVAL, ["web 1"]),
    (empty, {"name_check": True}, ECode.RESOLVER, ["web1"]),
    (empty, {"ip_check": True}, ECode.INVAL, ["name check"]),
    (empty, {"hypervisor": "kvm"}, ECode.STATE, ["kvm", "fake"]),
    (empty, {"os_type": None}, ECode.INVAL, ["--no-install"]),
    (empty, {"os_type": "missing"}, ECode.INVAL, ["node1", "missing"]),
    (empty, {"os_type": "noop+unknown"}, ECode.INVAL, ["unknown"]),
    (empty, {"osparams": {"unknown": "x"}}, ECode.INVAL, ["unknown"]),
    (empty, {"hvparams": {"unknown": "x"}}, ECode.INVAL, ["unknown"]),
    (empty, {"beparams": {"unknown": 1}}, ECode.INVAL, ["unknown"]),
    (empty, {"beparams": {"memory": "much"}}, ECode.INVAL, ["much"]),
    (empty, {"beparams": {"maxmem": 20000}}, ECode.NORES, ["20000", "node1"]),
    (empty, {"beparams": {"maxmem": 65536}}, ECode.INVAL, ["65536", "policy"]),
    (empty, {"disks": []}, ECode.INVAL, ["disks"]),
    (empty, {"disk_template": "diskless"}, ECode.INVAL, ["diskless"]),
    (empty, {"disk_template": "plain"}, ECode.STATE, ["plain"]),
    (empty, {"disks": [{"size": "10x"}]}, ECode.INVAL, ["10x"]),
    (empty, {"disks": [{"size": 0}]}, ECode.INVAL, ["0"]),
    (empty, {"disks": [{"size": 1024, "mode": "rx"}]}, ECode.INVAL, ["rx"]),
    (empty, {"disks": [{"size": 100}]}, ECode.INVAL, ["100", "policy"]),
    (empty, {"disks": [{"size": 1024}] * 17}, ECode.INVAL, ["16"]),
    (empty, {"disks": [{"size": 2 * 1024 * 1024}], "ignore_ipolicy": True}, ECode.NORES, ["node1"]),
    (empty, {"file_storage_dir": "../x"}, ECode.INVAL, ["../x"]),
    (empty, {"nics": [{"mac": "nonsense"}]}, ECode.INVAL, ["nonsense"]),
    (empty, {"nics": [{"ip": "1.2.3.400"}]}, ECode.INVAL, ["1.2.3.400"]),
    (empty, {"nics": [{"mode": "routed"}]}, ECode.INVAL, ["ip"]),
    (empty, {"nics": [{"link": "br9"}]}, ECode.ENVIRON, ["br9", "node1"]),
    (_without_bridge, {}, ECode.ENVIRON, ["br0", "node1"]),
    (_without_bridge, {"start": False}, ECode.ENVIRON, ["br0", "node1"]),
    (empty, {"disk_template": "file", "file_driver": "blktap"}, ECode.INVAL, ["Xen", "blktap"]),
    (_node1, {"iallocator": "hail"}, ECode.INVAL, ["not both"]),
    (empty, {"src_node": "node2"}, ECode.INVAL, ["src_node", "import"]),
    (empty, {"src_path": "web9"}, ECode.INVAL, ["src_path", "import"]),
    (lambda: _node2(drained=True), {"pnode": "node2"}, ECode.STATE, ["node2", "drained"]),
    (lambda: _node2(offline=True), {"pnode": "node2"}, ECode.STATE, ["node2", "offline"]),
    (lambda: _node1(vm_capable=False), {}, ECode.STATE, ["node1", "vm_capable"]),
]


@pytest.mark.parametrize(
    ("make", "parameters", "code", "said"),
    REFUSALS,
    ids=[f"{next(iter(case[1]), case[0].__name__)}-{n}" for n, case in enumerate(REFUSALS)],
)
async def test_refuses_before_any_change(
    make: Any, parameters: dict[str, Any], code: ECode, said: list[str]
) -> None:
    wanted = {"name": "web1", **parameters}
    wanted["name"] = wanted.pop("instance_name", wanted["name"])
    try:
        op = create(**wanted)
    except Exception as err:  # refused when it was decoded: the form is wrong already
        pytest.fail(f"not even an opcode: {err}")
    await assert_refused(make(), op, code, *said)


async def test_refuses_a_node_that_does_not_answer() -> None:
    cluster = empty()
    cluster.nodes["node2"].reachable = False
    await assert_refused(cluster, create(pnode="node2"), ECode.ENVIRON, "node2")


@pytest.mark.parametrize(
    "nic", [{"mac": "aa:00:00:11:22:33"}, {"ip": "198.51.100.7"}], ids=["mac", "ip"]
)
async def test_refuses_an_address_that_another_instance_has(nic: dict[str, str]) -> None:
    cluster = empty()
    await cluster.run(create("web1", nics=[nic]))
    said = next(iter(nic.values()))
    await assert_refused(cluster, create("web2", nics=[nic]), ECode.NOTUNIQUE, said, "web1")
    await cluster.run(create("web2", nics=[nic], conflicts_check=False))


async def test_a_node_of_the_group_that_is_named_is_taken() -> None:
    assert await _two_groups().run(create(group_name="default")) == ["node1"]


async def test_of_two_with_the_same_name_at_once_one_is_made() -> None:
    cluster = empty()
    jobs = [cluster.submit(create()), cluster.submit(create(pnode="node2"))]
    ends = await asyncio.gather(*map(cluster.finished, jobs), return_exceptions=True)
    refused = [end for end in ends if isinstance(end, OpPrereqError)]
    assert [error.code for error in refused] == [ECode.EXISTS]
    assert len(cluster.view.instances) == 1
    assert len(cluster.guest_states("web1")) == 1


async def test_of_two_with_the_same_address_at_once_one_is_made() -> None:
    cluster = empty()
    jobs = [
        cluster.submit(create(name, pnode=node, nics=[{"mac": "aa:00:00:11:22:33"}]))
        for name, node in (("web1", "node1"), ("web2", "node2"))
    ]
    ends = await asyncio.gather(*map(cluster.finished, jobs), return_exceptions=True)
    assert sum(isinstance(end, Exception) for end in ends) == 1
    assert len(cluster.view.instances) == 1
    assert sum(len(node.disks.disks) for node in cluster.nodes.values()) == 2


async def test_many_at_once_get_addresses_of_their_own() -> None:
    cluster = empty()
    nodes = ("node1", "node2", "node3")
    ops = [
        create(f"web{number}", pnode=nodes[number % 3], disks=[{"size": 1024}], nics=[{}, {}])
        for number in range(30)
    ]
    await asyncio.gather(*(cluster.run(op) for op in ops))
    macs = [nic.mac for item in cluster.view.instances.values() for nic in item.nics]
    assert len(set(macs)) == 60
    uuids = [nic.uuid for item in cluster.view.instances.values() for nic in item.nics]
    assert len(set(uuids)) == 60


async def test_a_failing_os_script_leaves_nothing_behind() -> None:
    cluster = empty()
    await cluster.master()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.failing["/create"] = "no space left"
    error = await fails(cluster, create())
    assert "no space left" in str(error)
    assert cluster.footprint() == before


async def test_a_freed_name_can_be_used_again() -> None:
    cluster = empty()
    await cluster.run(create())
    await cluster.run(OpInstanceRemove(instance_name="web1"))
    await cluster.run(create(pnode="node2"))
    assert cluster.guest_states("web1") == {"node2": "running"}


async def test_sees_that_the_name_was_taken_while_it_waited() -> None:
    cluster = empty()
    async with cluster.lock_held("node1"):
        job = cluster.submit(create())
        other = cluster.submit(create(pnode="node2"))
        await other
    ends = await asyncio.gather(
        cluster.finished(job), cluster.finished(other), return_exceptions=True
    )
    assert sum(isinstance(end, OpPrereqError) for end in ends) == 1
    assert len(cluster.view.instances) == 1


WAYS: dict[str, OpInstanceCreate] = {
    "whole": create(),
    "diskless": create(disk_template="diskless", disks=[], no_install=True, os_type=None),
    "disks only": create(no_install=True, start=False),
    "stopped": create(start=False),
}


@pytest.mark.parametrize("op", WAYS.values(), ids=WAYS.keys())
async def test_unwinds_from_every_fault_point(op: OpInstanceCreate) -> None:
    await assert_unwinds(empty, op)


async def test_unwinds_from_every_fault_point_with_wiping() -> None:
    await assert_unwinds(lambda: SimCluster(options={"prealloc_wipe_disks": True}), create())
