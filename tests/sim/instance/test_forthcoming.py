"""OP_INSTANCE_CREATE: instances that are only reserved, and made real later."""

from typing import Any

import msgspec
import pytest

from pyganeti.master.iallocator.input import NodeState, allocator_input
from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterVerifyConfig, OpClusterVerifyGroup
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceConsole,
    OpInstanceCreate,
    OpInstanceFailover,
    OpInstanceGrowDisk,
    OpInstanceMigrate,
    OpInstanceMove,
    OpInstanceQueryData,
    OpInstanceReboot,
    OpInstanceRecreateDisks,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceSetParams,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.opcodes.node import OpNodeEvacuate, OpNodeMigrate
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from pyganeti.wire.noderpc.disks import StorageInfo
from pyganeti.wire.noderpc.guests import HypervisorInfo
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import create, empty
from tests.sim.instance.make_drbd import disks_of, drbd, mirrored

RESERVE = create(forthcoming=True)
COMMIT = create(commit=True)


async def reserved(**parameters: Any) -> SimCluster:
    """``web1`` is reserved on ``node1``."""
    cluster = empty()
    cluster.add_network("blue", "192.0.2.0/28")
    await cluster.run(create(forthcoming=True, **parameters))
    cluster.rpc_changes.clear()
    return cluster


async def is_clean(cluster: SimCluster) -> bool:
    good = [
        await cluster.run(OpClusterVerifyConfig()),
        await cluster.run(OpClusterVerifyGroup(group_name="default")),
    ]
    return all(good)


async def test_nothing_is_made_on_nodes() -> None:
    cluster = empty()
    assert await cluster.run(RESERVE) == ["node1"]
    assert changes(cluster) == []
    instance = cluster.instance("web1")
    assert instance.forthcoming
    assert (instance.admin_state, instance.disks_active) == (AdminState.DOWN, False)
    disks = cluster.view.disks_of(instance)
    assert [(disk.size, disk.forthcoming) for disk in disks] == [(1024, True), (2048, True)]
    assert instance.nics[0].mac.startswith("aa:00:00:")
    assert await is_clean(cluster)


async def test_what_is_reserved_nobody_else_gets() -> None:
    cluster = await reserved(nics=[{"network": "blue", "ip": "pool"}])
    await assert_refused(cluster, create(), ECode.EXISTS, "web1")
    await assert_refused(cluster, RESERVE, ECode.EXISTS, "web1")
    (nic,) = cluster.instance("web1").nics
    op = create("web2", nics=[{"mac": nic.mac}])
    assert nic.mac in str(await fails(cluster, op))
    op = create("web2", nics=[{"network": "blue", "ip": nic.ip}])
    assert str(nic.ip) in str(await fails(cluster, op))


async def test_its_disks_and_memory_are_kept_free() -> None:
    cluster = await reserved(beparams={"memory": 9000}, ignore_ipolicy=True)
    free = 16384 + 128
    memory = {"memory": free - 9000}
    await assert_refused(
        cluster,
        create("web2", beparams=memory, ignore_ipolicy=True),
        ECode.NORES,
        "of which 9000 MiB are reserved for forthcoming instances",
    )
    # Who does not start takes no memory, and on another node there is nothing reserved.
    op = create("web2", beparams=memory, ignore_ipolicy=True, start=False)
    await cluster.run(op)
    op = create("web3", beparams=memory, ignore_ipolicy=True, pnode="node2")
    await cluster.run(op)


async def test_space_for_its_disks_is_kept() -> None:
    cluster = await reserved(disks=[{"size": 600_000}], ignore_ipolicy=True)
    op = create("web2", disks=[{"size": 600_000}], ignore_ipolicy=True)
    await assert_refused(cluster, op, ECode.NORES, "600000 MiB are reserved for forthcoming")
    await cluster.run(create(commit=True, disks=[{"size": 600_000}], ignore_ipolicy=True))


async def test_commit_makes_it_real_and_keeps_what_was_announced() -> None:
    cluster = await reserved(nics=[{"network": "blue", "ip": "pool"}])
    before = cluster.instance("web1")
    assert await cluster.run(
        create(commit=True, nics=[{"network": "blue", "ip": "pool"}], disks=[{"size": 4096}])
    ) == ["node1"]
    after = cluster.instance("web1")
    assert not after.forthcoming
    assert after.uuid == before.uuid
    assert (after.nics[0].mac, after.nics[0].ip) == (before.nics[0].mac, before.nics[0].ip)
    assert cluster.guest_states("web1") == {"node1": "running"}
    disks = cluster.view.disks_of(after)
    assert [(disk.size, disk.forthcoming) for disk in disks] == [(4096, False)]
    assert set(cluster.view.disks) == set(after.disks)
    assert await is_clean(cluster)


async def test_commit_may_ask_for_something_else() -> None:
    cluster = await reserved()
    other: dict[str, Any] = {"pnode": "node2", "disk_template": "diskless", "disks": [], "nics": []}
    await cluster.run(create(commit=True, ignore_ipolicy=True, **other))
    instance = cluster.instance("web1")
    assert cluster.view.node(instance.primary_node).name == "node2"
    assert (instance.nics, instance.disks) == ((), ())


async def test_only_a_reservation_can_be_committed() -> None:
    cluster = empty()
    await assert_refused(cluster, COMMIT, ECode.NOENT, "web1", "not reserved")
    await cluster.run(create())
    await assert_refused(cluster, COMMIT, ECode.STATE, "web1 is not forthcoming")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"commit": True}, "not both"),
        ({"mode": "import", "src_path": "x", "src_node": "node1"}, "import"),
    ],
)
async def test_refuses_what_cannot_be_reserved(parameters: dict[str, Any], said: str) -> None:
    op = create(forthcoming=True, **parameters)
    await assert_refused(empty(), op, ECode.INVAL, said)


async def test_a_wrong_reservation_is_refused_as_an_instance_would_be() -> None:
    await assert_refused(empty(), create(forthcoming=True, hypervisor="kvm"), ECode.STATE, "kvm")
    op = create(forthcoming=True, beparams={"vcpus": 1000})
    await assert_refused(empty(), op, ECode.INVAL, "policy")


NEEDS_A_REAL_ONE = [
    (OpInstanceActivateDisks, {}),
    (OpInstanceConsole, {}),
    (OpInstanceFailover, {"target_node": "node2"}),
    (OpInstanceGrowDisk, {"disk": 0, "amount": 1}),
    (OpInstanceMigrate, {"target_node": "node2"}),
    (OpInstanceMove, {"target_node": "node2"}),
    (OpInstanceReboot, {"reboot_type": "hard"}),
    (OpInstanceRecreateDisks, {}),
    (OpInstanceReinstall, {}),
    (OpInstanceSetParams, {"disks": [["add", -1, {"size": 512}]]}),
    (OpInstanceSetParams, {"offline": True}),
    (OpInstanceSetParams, {"pnode": "node2"}),
    (OpInstanceSetParams, {"runtime_mem": 128}),
    (OpInstanceShutdown, {}),
    (OpInstanceStartup, {}),
]


@pytest.mark.parametrize(("op", "parameters"), NEEDS_A_REAL_ONE)
async def test_what_needs_a_real_one_is_refused(
    op: type[Opcode], parameters: dict[str, Any]
) -> None:
    wanted = make_op(op, instance_name="web1", **parameters)
    await assert_refused(await reserved(), wanted, ECode.STATE, "web1")


async def test_it_can_be_changed_renamed_tagged_and_removed() -> None:
    cluster = await reserved()
    op = make_op(OpInstanceSetParams, instance_name="web1", beparams={"vcpus": 2})
    await cluster.run(op)
    assert cluster.instance("web1").beparams == {"vcpus": 2}
    await cluster.run(make_op(OpTagsSet, kind="instance", name="web1", tags=["soon"]))
    await cluster.run(
        OpInstanceRename(instance_name="web1", new_name="web2", name_check=False, ip_check=False)
    )
    (first, _) = cluster.view.disks_of(cluster.instance("web2"))
    assert str(first.logical_id[1]).split("/")[-2] == "web2"
    assert cluster.instance("web2").tags == ("soon",)
    await cluster.run(OpInstanceRemove(instance_name="web2"))
    assert cluster.view.instances == {}
    assert cluster.view.disks == {}
    assert changes(cluster) == []


async def test_lists_and_info_show_it() -> None:
    cluster = await reserved()
    methods = LuxiMethods(await cluster.master())
    fields = ["name", "forthcoming", "disk.sizes", "be/maxmem"]
    answer: Any = await methods.handle("Query", ["instance", fields, None])
    (row,) = msgspec.to_builtins(answer)["data"]
    assert [value for _status, value in row] == ["web1", True, [1024, 2048], 128]
    told = (await cluster.run(OpInstanceQueryData(instances=("web1",))))["web1"]
    assert (told["forthcoming"], told["run_state"]) == (True, None)
    assert [disk["size"] for disk in told["disks"]] == [1024, 2048]


async def test_what_moves_all_instances_of_a_node_leaves_it_there() -> None:
    cluster = await reserved()
    answer = await cluster.run(OpNodeMigrate(node_name="node1"))
    assert answer["jobs"] == []


async def test_who_evacuates_a_node_leaves_it_there() -> None:
    cluster = drbd()
    await cluster.run(mirrored(forthcoming=True))
    away = {"mode": "secondary-only", "remote_node": "node3"}
    for parameters in ({"mode": "primary-only"}, away):
        op = make_op(OpNodeEvacuate, node_name="node1", **parameters)
        assert (await cluster.run(op))["jobs"] == []


async def test_allocators_are_told_of_it() -> None:
    cluster = await reserved()
    node = cluster.view.node("node1")
    memory = HypervisorInfo(memory_total=4096, memory_free=3000, memory_dom0=96, cpu_total=4)
    storage = StorageInfo(type="file", name="/srv", storage_free=5000, storage_size=9000)
    states = {node.uuid: NodeState(memory, storage, {})}
    told = allocator_input(cluster.view, states, {})
    assert told["nodes"]["node1"]["free_memory"] == 3000 - 128
    assert told["nodes"]["node1"]["free_disk"] == 5000 - 1024 - 2048
    assert told["instances"]["web1"]["forthcoming"] is True


async def test_mirrored_disks_keep_their_minors() -> None:
    cluster = drbd()
    await cluster.run(mirrored(forthcoming=True))
    assert changes(cluster) == []
    instance = cluster.instance("web1")
    primary = cluster.view.node("node1").uuid
    minors = set(cluster.view.used_minors(primary))
    assert minors
    await cluster.run(mirrored(instance_name="web2", start=False))
    (disk,) = cluster.instance("web2").disks
    taken = {one for one, owner in cluster.view.used_minors(primary).items() if owner.uuid == disk}
    assert len(taken) == 1
    assert not minors & taken
    await cluster.run(mirrored(commit=True))
    ports = [found.port for name in ("web1", "web2") for _, found in disks_of(cluster, name)]
    assert len(set(ports)) == 2
    assert not set(ports) & set(cluster.view.cluster.tcpudp_port_pool)
    assert set(cluster.view.used_minors(primary)) == minors | taken
    assert cluster.instance("web1").uuid == instance.uuid
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert await is_clean(cluster)


async def test_a_reservation_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(empty, RESERVE)


async def test_a_commit_that_fails_leaves_the_reservation() -> None:
    await assert_unwinds(empty, COMMIT, after=[RESERVE])


async def test_dry_runs_tell_of_it() -> None:
    cluster = empty()
    job = cluster.submit(create(forthcoming=True, dry_run=True))
    await cluster.finished(job)
    assert "reserve instance web1 on node1" in "\n".join(cluster.log(await job))
    assert cluster.view.instances == {}


async def test_somebody_who_commits_first_is_seen() -> None:
    cluster = await reserved()
    async with cluster.instance_held("web1"):
        job = cluster.submit(COMMIT)
        uuid = cluster.instance("web1").uuid
        await cluster.run(create("web9"))
    await cluster.finished(job)
    assert cluster.instance("web1").uuid == uuid
    assert isinstance(COMMIT, OpInstanceCreate)
    assert cluster.view.disk_template(cluster.instance("web1")) is DiskTemplate.FILE
