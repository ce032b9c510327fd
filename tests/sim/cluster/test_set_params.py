"""OP_CLUSTER_SET_PARAMS."""

from typing import Any

import pytest

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import create, stopped

SPEC = dict.fromkeys(
    ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use"), 4
)
OP = OpClusterSetParams(max_running_jobs=7, beparams={"vcpus": 2})


async def test_sets_plain_values() -> None:
    cluster = SimCluster()
    await cluster.run(
        make_op(
            OpClusterSetParams,
            candidate_pool_size=5,
            max_running_jobs=7,
            prealloc_wipe_disks=True,
            mac_prefix="aa:bb:cc",
            enabled_user_shutdown=True,
            default_iallocator="hail",
        )
    )
    found = cluster.view.cluster
    assert (found.candidate_pool_size, found.max_running_jobs) == (5, 7)
    assert (found.prealloc_wipe_disks, found.enabled_user_shutdown) == (True, True)
    assert (found.mac_prefix, found.default_iallocator) == ("aa:bb:cc", "hail")
    assert changes(cluster) == []


async def test_states_are_laid_over_and_given_back() -> None:
    cluster = SimCluster(options={"hv_state": {"fake": {"mem_total": 1024, "cpu_total": 4}}})
    op = OpClusterSetParams(
        hv_state={"fake": {"mem_total": "default", "mem_node": 512}},
        disk_state={"plain": {"xenvg": {"disk_reserved": 64}}},
    )
    await cluster.run(op)
    found = cluster.view.cluster
    assert found.hv_state_static == {"fake": {"cpu_total": 4, "mem_node": 512}}
    assert found.disk_state_static == {"plain": {"xenvg": {"disk_reserved": 64}}}
    node = cluster.view.node("node2")
    assert cluster.view.hv_state(node)["fake"]["cpu_total"] == 4


async def test_changes_single_parameters_and_gives_them_back() -> None:
    cluster = SimCluster()
    op = make_op(
        OpClusterSetParams,
        beparams={"vcpus": 2},
        nicparams={"link": "br1"},
        ndparams={"spindle_count": 3},
        osparams={"noop": {"message": "hello"}},
        ipolicy={"spindle-ratio": 8.0},
        hvparams={"fake": {}},
    )
    await cluster.run(op)
    found = cluster.view.cluster
    assert found.beparams["default"]["vcpus"] == 2
    assert found.nicparams["default"]["link"] == "br1"
    assert found.nicparams["default"]["mode"] == "bridged"
    assert found.ndparams["spindle_count"] == 3
    assert found.osparams["noop"] == {"message": "hello"}
    await cluster.run(make_op(OpClusterSetParams, beparams={"vcpus": "default"}))
    assert "vcpus" not in cluster.view.cluster.beparams["default"]


async def test_enables_and_disables_hypervisors() -> None:
    cluster = SimCluster()
    for wanted in ((Hypervisor.KVM, Hypervisor.FAKE), (Hypervisor.KVM,)):
        await cluster.run(make_op(OpClusterSetParams, enabled_hypervisors=wanted))
        assert cluster.view.cluster.enabled_hypervisors == wanted


async def test_keeps_a_pool_of_user_ids() -> None:
    cluster = SimCluster()
    steps: list[tuple[dict[str, Any], object]] = [
        ({"uid_pool": [[20, 29], [5, 5]]}, ((5, 5), (20, 29))),
        ({"add_uids": [[7, 7], [5, 5]], "remove_uids": [[20, 29]]}, ((5, 5), (7, 7))),
        ({"uid_pool": []}, ()),
    ]
    for parameters, wanted in steps:
        await cluster.run(make_op(OpClusterSetParams, **parameters))
        assert cluster.view.cluster.uid_pool == wanted


async def test_setting_what_is_so_commits_nothing() -> None:
    cluster = SimCluster()
    await cluster.run(OP)
    serial = cluster.view.serial
    await cluster.run(OP)
    assert cluster.view.serial == serial


REFUSALS = [
    ({"hv_state": {"vmware": {}}}, ECode.INVAL, "vmware"),
    ({"disk_state": {"plain": {"xenvg": {"disk_total": -1}}}}, ECode.INVAL, "disk_total"),
    ({"enabled_hypervisors": ["kvm"]}, ECode.STATE, "web1"),
    ({"uid_pool": [[0, 5]]}, ECode.INVAL, "user ids 0-5"),
    ({"add_uids": [[9, 5]]}, ECode.INVAL, "user ids 9-5"),
    ({"remove_uids": [[5, 9]]}, ECode.NOENT, "user ids 5-9"),
    ({"enabled_disk_templates": ["diskless"]}, ECode.STATE, "web1"),
    ({"enabled_hypervisors": []}, ECode.INVAL, "hypervisor"),
    ({"enabled_disk_templates": []}, ECode.INVAL, "disk template"),
    ({"beparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
    ({"beparams": {"vcpus": "many"}}, ECode.INVAL, "many"),
    ({"hvparams": {"kvm": {"unknown": 1}}}, ECode.INVAL, "unknown"),
    ({"hvparams": {"qemu": {}}}, ECode.INVAL, "qemu"),
    ({"nicparams": {"mode": "other"}}, ECode.INVAL, "other"),
    ({"ndparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
    ({"ipolicy": {"minmax": [{"min": SPEC, "max": SPEC}]}}, ECode.INVAL, "lies in no range"),
    ({"mac_prefix": "nonsense"}, ECode.INVAL, "nonsense"),
]


@pytest.mark.parametrize(("parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    parameters: dict[str, object], code: ECode, said: str
) -> None:
    op = make_op(OpClusterSetParams, **parameters)
    await assert_refused(stopped(), op, code, said)


async def test_two_at_once_both_count() -> None:
    cluster = SimCluster()
    jobs = [
        cluster.submit(make_op(OpClusterSetParams, beparams={"vcpus": 2})),
        cluster.submit(make_op(OpClusterSetParams, beparams={"maxmem": 256})),
    ]
    for job in jobs:
        await cluster.finished(job)
    found = cluster.view.cluster.beparams["default"]
    assert (found["vcpus"], found["maxmem"]) == (2, 256)


async def test_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(SimCluster, OP)


async def test_what_holds_for_an_os() -> None:
    cluster = SimCluster()
    op = make_op(
        OpClusterSetParams,
        os_hvp={"noop": {"kvm": {"acpi": False}}},
        osparams={"later": {"message": "hello", "colour": "red"}},
        osparams_private_cluster={"noop": {"message": "hush"}},
        hidden_os=[["add", "noop"], ["add", "noop"]],
        blacklisted_os=[["add", "noop"], ["add", "old"], ["remove", "noop"], ["remove", "none"]],
    )
    await cluster.run(op)
    found = cluster.view.cluster
    assert found.os_hvp == {"noop": {"kvm": {"acpi": False}}}
    assert found.osparams_private_cluster == {"noop": {"message": "hush"}}
    assert (found.hidden_os, found.blacklisted_os) == (("noop",), ("old",))
    await cluster.run(make_op(OpClusterSetParams, osparams={"later": {"colour": None}}))
    assert cluster.view.cluster.osparams == {"later": {"message": "hello"}}
    await cluster.run(make_op(OpClusterSetParams, osparams={"later": {"message": None}}))
    assert cluster.view.cluster.osparams == {}


@pytest.mark.parametrize("kind", ["osparams", "osparams_private_cluster"])
async def test_parameters_that_an_os_lacks_are_refused(kind: str) -> None:
    op = make_op(OpClusterSetParams, **{kind: {"noop": {"nope": "1"}}})
    await assert_refused(SimCluster(), op, ECode.INVAL, "nope", "node1")


async def test_parameters_wait_for_an_os_that_is_not_there() -> None:
    cluster = SimCluster()
    await cluster.run(make_op(OpClusterSetParams, osparams={"later": {"nope": "1"}}))
    assert cluster.view.cluster.osparams == {"later": {"nope": "1"}}


async def test_private_parameters_are_not_shown() -> None:
    cluster = SimCluster()
    op = make_op(OpClusterSetParams, osparams_private_cluster={"noop": {"key": "hush"}})
    job_id = await cluster.submit(op)
    (answer,) = await LuxiMethods(await cluster.master()).handle(
        "QueryJobs", [[job_id], ["ops", "status"]]
    )
    assert "redacted" in repr(answer)
    assert "hush" not in repr(answer)


async def test_a_blacklisted_os_is_not_for_new_instances() -> None:
    cluster = SimCluster()
    await cluster.run(make_op(OpClusterSetParams, blacklisted_os=[["add", "noop"]]))
    await assert_refused(cluster, create(), ECode.INVAL, "noop+default is blacklisted")


async def test_disk_parameters() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["plain"]})
    await cluster.run(make_op(OpClusterSetParams, diskparams={"plain": {"stripes": 2}}))
    group = cluster.view.group("default")
    assert cluster.view.diskparams(group)[DiskTemplate.PLAIN] == {"stripes": 2}
    await cluster.run(create(disk_template="plain"))
    disk = cluster.view.disks_of(cluster.instance("web1"))[0]
    assert disk_spec(disk, cluster.view).params == {"stripes": 2}


@pytest.mark.parametrize(
    ("diskparams", "said"),
    [
        ({"plain": {"stripes": 0}}, "stripes"),
        ({"drbd": {"dynamic-resync": True, "c-min-rate": 9, "c-max-rate": 1}}, "c-min-rate"),
    ],
)
async def test_refuses_disk_parameters(diskparams: dict[str, object], said: str) -> None:
    op = make_op(OpClusterSetParams, diskparams=diskparams)
    assert said in str(await fails(SimCluster(), op))
