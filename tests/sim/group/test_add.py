"""OP_GROUP_ADD."""

from typing import Any

import pytest

from pyganeti.model.enums import AllocPolicy, DiskTemplate
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.group import OpGroupAdd
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, failed, make_op
from tests.sim.group.make import ONE, bounds

SETTINGS: dict[str, Any] = {
    "alloc_policy": "last_resort",
    "ndparams": {"spindle_count": 4, "exclusive_storage": True, "ssh_port": 23},
    "diskparams": {"drbd": {"resync-rate": 1000}},
    "ipolicy": {"minmax": bounds(memory_size=64), "vcpu-ratio": 2, "disk-templates": ["file"]},
    "hv_state": {"kvm": {"cpu_node": 2}},
    "disk_state": {"plain": {"xenvg": {"disk_total": 1024}}},
}


def op(**parameters: Any) -> OpGroupAdd:  # Any: opcode parameters
    return make_op(OpGroupAdd, **{"group_name": "rack2", **parameters})


async def test_a_new_group_is_empty_and_inherits_everything() -> None:
    cluster = SimCluster()
    await cluster.run(op())
    group = cluster.view.group("rack2")
    assert group.alloc_policy is AllocPolicy.PREFERRED
    assert (group.ndparams, group.ipolicy, group.diskparams, group.networks) == ({}, {}, {}, {})
    assert cluster.view.nodes_of_group(group.uuid) == []
    assert changes(cluster) == []


async def test_all_settings_are_kept_and_in_force() -> None:
    cluster = SimCluster()
    await cluster.run(op(**SETTINGS))
    view = cluster.view
    group = view.group("rack2")
    assert group.alloc_policy is AllocPolicy.LAST_RESORT
    found = view.group_ndparams(group)
    assert (found.spindle_count, found.exclusive_storage, found.ssh_port) == (4, True, 23)
    assert view.diskparams(group)[DiskTemplate.DRBD]["resync-rate"] == 1000
    policy = view.ipolicy(group)
    assert policy.minmax[0].max.memory_size == 64
    assert (policy.vcpu_ratio, policy.disk_templates) == (2.0, ("file",))
    assert policy.std.memory_size == 128  # the cluster's, though the group does not admit it
    assert group.hv_state_static == {"kvm": {"cpu_node": 2}}
    assert group.disk_state_static == {"plain": {"xenvg": {"disk_total": 1024}}}


async def test_a_dry_run_says_what_it_would_do_and_does_nothing() -> None:
    cluster = SimCluster()
    job = cluster.submit(op(alloc_policy="unallocable", dry_run=True))
    await cluster.finished(job)
    assert cluster.log(await job) == ["Dry run: would add node group rack2 (unallocable)"]
    assert cluster.view.find_group("rack2") is None


async def test_of_two_at_once_one_gets_the_name() -> None:
    cluster = SimCluster()
    first, second = cluster.submit(op()), cluster.submit(op())
    await cluster.finished(first)
    assert "already" in str(await failed(cluster, second))
    assert len(cluster.view.groups) == 2


LARGE = {"minmax": [{"min": {**ONE, "memory-size": 4}, "max": ONE}]}
REFUSALS: list[tuple[dict[str, Any], ECode, str]] = [
    ({"group_name": "default"}, ECode.EXISTS, "'default'"),
    ({"group_name": "two\nlines"}, ECode.INVAL, "printable"),
    ({"group_name": " blank"}, ECode.INVAL, "blanks"),
    ({"group_name": "x" * 256}, ECode.INVAL, "255"),
    ({"ndparams": {"nosuch": 1}}, ECode.INVAL, "nosuch"),
    ({"ndparams": {"spindle_count": "many"}}, ECode.INVAL, "many"),
    ({"ndparams": {"ssh_port": 70000}}, ECode.INVAL, "70000"),
    ({"diskparams": {"drbd": {"nosuch": 1}}}, ECode.INVAL, "nosuch"),
    ({"diskparams": {"plain": {"stripes": 0}}}, ECode.INVAL, "stripes"),
    ({"ipolicy": {"nosuch": 1}}, ECode.INVAL, "nosuch"),
    ({"ipolicy": {"std": ONE}}, ECode.INVAL, "std"),
    ({"ipolicy": {"minmax": [{"min": ONE}]}}, ECode.INVAL, "min and max"),
    ({"ipolicy": {"minmax": [{"min": {}, "max": ONE}]}}, ECode.INVAL, "memory-size"),
    ({"ipolicy": LARGE}, ECode.INVAL, "above max"),
    ({"ipolicy": {"vcpu-ratio": 0}}, ECode.INVAL, "vcpu-ratio"),
    ({"ipolicy": {"disk-templates": ["tape"]}}, ECode.INVAL, "tape"),
    ({"ipolicy": {"disk-templates": ["file", "plain"]}}, ECode.INVAL, "plain are not enabled"),
    ({"hv_state": {"qemu": {"cpu_node": 1}}}, ECode.INVAL, "qemu"),
    ({"hv_state": {"kvm": {"nosuch": 1}}}, ECode.INVAL, "nosuch"),
    ({"disk_state": {"file": {"x": {}}}}, ECode.INVAL, "file"),
    ({"disk_state": {"plain": {"xenvg": {"nosuch": 1}}}}, ECode.INVAL, "nosuch"),
]


@pytest.mark.parametrize(("parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    await assert_refused(SimCluster(), op(**parameters), code, said)


async def test_a_name_cannot_be_the_uuid_of_another() -> None:
    cluster = SimCluster()
    uuid = cluster.view.group("default").uuid
    await assert_refused(cluster, op(group_name=uuid), ECode.EXISTS, uuid)


async def test_a_policy_that_is_inherited_is_not_judged() -> None:
    cluster = SimCluster()
    await cluster.run(make_op(OpClusterSetParams, ipolicy={"disk-templates": ["file", "drbd"]}))
    await cluster.run(op(ipolicy={"vcpu-ratio": 2}))


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(SimCluster, op(**SETTINGS))
