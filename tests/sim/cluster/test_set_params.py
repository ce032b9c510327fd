"""OP_CLUSTER_SET_PARAMS."""

import pytest

from pyganeti.model.enums import Hypervisor
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import stopped

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


async def test_setting_what_is_so_commits_nothing() -> None:
    cluster = SimCluster()
    await cluster.run(OP)
    serial = cluster.view.serial
    await cluster.run(OP)
    assert cluster.view.serial == serial


REFUSALS = [
    ({"enabled_hypervisors": ["kvm"]}, ECode.STATE, "web1"),
    ({"enabled_disk_templates": ["diskless"]}, ECode.STATE, "web1"),
    ({"enabled_hypervisors": []}, ECode.INVAL, "hypervisor"),
    ({"enabled_disk_templates": []}, ECode.INVAL, "disk template"),
    ({"beparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
    ({"beparams": {"vcpus": "many"}}, ECode.INVAL, "many"),
    ({"hvparams": {"kvm": {"unknown": 1}}}, ECode.INVAL, "unknown"),
    ({"hvparams": {"qemu": {}}}, ECode.INVAL, "qemu"),
    ({"nicparams": {"mode": "other"}}, ECode.INVAL, "other"),
    ({"ndparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
    ({"mac_prefix": "nonsense"}, ECode.INVAL, "nonsense"),
    ({"vg_name": "xenvg"}, ECode.STATE, "vg_name"),
    ({"drbd_helper": "/bin/true"}, ECode.STATE, "drbd_helper"),
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
