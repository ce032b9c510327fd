"""OP_CLUSTER_VERIFY, OP_CLUSTER_VERIFY_CONFIG and OP_CLUSTER_VERIFY_GROUP."""

import os
from collections.abc import Callable

import msgspec
import pytest

from pyganeti.master.replication import RETRY_S
from pyganeti.model.change import Change
from pyganeti.model.enums import AdminState, JobStatus
from pyganeti.model.errors import ECode
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.cluster import (
    OpClusterSetParams,
    OpClusterVerify,
    OpClusterVerifyConfig,
    OpClusterVerifyGroup,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make import running, stopped

CONFIG = OpClusterVerifyConfig(error_codes=True)
GROUP = OpClusterVerifyGroup(group_name="default", error_codes=True)


async def verified(
    cluster: SimCluster, op: OpClusterVerifyConfig | OpClusterVerifyGroup = GROUP
) -> tuple[bool, list[str]]:
    """Whether all was right, and the codes of what was not."""
    job = cluster.submit(op)
    good = await cluster.finished(job)
    lines = [line.strip("- ") for line in cluster.log(await job)]
    return good, [line for line in lines if line.startswith(("ERROR", "WARNING"))]


async def test_a_healthy_cluster_has_no_findings() -> None:
    cluster = await running()
    assert await verified(cluster) == (True, [])
    assert await verified(cluster, CONFIG) == (True, [])
    assert changes(cluster) == []


async def test_names_a_candidate_that_lacks_changes() -> None:
    cluster = await running()
    await cluster.replicated()
    cluster.nodes["node3"].reachable = False
    await cluster.set_admin_state("web1", AdminState.DOWN)
    good, (line,) = await verified(cluster, CONFIG)
    assert good
    assert line.startswith("WARNING:ECLUSTERCFG:")
    assert "master candidate node3 lacks acknowledged changes" in line
    cluster.nodes["node3"].reachable = True
    await cluster.clock.sleep(RETRY_S * 2)
    assert await verified(cluster, CONFIG) == (True, [])


async def test_submits_one_job_for_the_configuration_and_one_a_group() -> None:
    cluster = await running()
    answer = await cluster.run(OpClusterVerify())
    assert [ok for ok, _ in answer["jobs"]] == [True, True]
    queue = (await cluster.master()).queue
    first, second = (queue.get(job_id) for _, job_id in answer["jobs"])
    assert first.ops[0].input["OP_ID"] == "OP_CLUSTER_VERIFY_CONFIG"
    assert second.ops[0].input["OP_ID"] == "OP_CLUSTER_VERIFY_GROUP"
    assert second.ops[0].input["depends"] == [[first.id, []]]
    while second.end_timestamp is None:
        await cluster.clock.sleep(1.0)
    assert second.status is JobStatus.SUCCESS


async def test_of_one_group_only_that_is_checked() -> None:
    cluster = await running()
    answer = await cluster.run(OpClusterVerify(group_name="default"))
    assert len(answer["jobs"]) == 1


async def test_refuses_an_unknown_group() -> None:
    cluster = SimCluster()
    await assert_refused(cluster, OpClusterVerify(group_name="no"), ECode.NOENT, "no")
    await assert_refused(cluster, OpClusterVerifyGroup(group_name="no"), ECode.NOENT, "no")


def _silent(cluster: SimCluster) -> None:
    cluster.nodes["node2"].reachable = False


def _not_running(cluster: SimCluster) -> None:
    cluster.nodes["node1"].guests.remove("web1")


def _elsewhere(cluster: SimCluster) -> None:
    cluster.nodes["node2"].guests.put(Record("web1", 128, 1, 0.0, False))


def _orphan(cluster: SimCluster) -> None:
    cluster.nodes["node2"].guests.put(Record("ghost", 128, 1, 0.0, False))


def _disk_gone(cluster: SimCluster) -> None:
    cluster.nodes["node1"].disks.disks.clear()


def _disk_of_another_size(cluster: SimCluster) -> None:
    disks = cluster.nodes["node1"].disks.disks
    for place, (size, uuid) in disks.items():
        disks[place] = (size + 1, uuid)


def _other_certificate(cluster: SimCluster) -> None:
    cluster.nodes["node3"].install_certificate(cluster.ids.uuid())


def _storage_gone(cluster: SimCluster) -> None:
    os.rmdir(f"{cluster.nodes['node3'].paths.rootdir}/srv/ganeti/file-storage")


FAULTS: list[tuple[Callable[[SimCluster], None], VerifyCode, str]] = [
    (_silent, VerifyCode.ENODERPC, "node2"),
    (_silent, VerifyCode.ENODENET, "node1"),
    (_not_running, VerifyCode.EINSTANCEDOWN, "web1"),
    (_elsewhere, VerifyCode.EINSTANCEWRONGNODE, "web1"),
    (_orphan, VerifyCode.ENODEORPHANINSTANCE, "node2"),
    (_disk_gone, VerifyCode.EINSTANCEMISSINGDISK, "web1"),
    (_disk_of_another_size, VerifyCode.EINSTANCEFAULTYDISK, "web1"),
    (_other_certificate, VerifyCode.ECLUSTERCLIENTCERT, ""),
    (_storage_gone, VerifyCode.ENODEFILESTORAGEPATHUNUSABLE, "node3"),
]


@pytest.mark.parametrize(("break_it", "code", "name"), FAULTS)
async def test_finds_what_is_wrong(
    break_it: Callable[[SimCluster], None], code: VerifyCode, name: str
) -> None:
    cluster = await running()
    break_it(cluster)
    good, findings = await verified(cluster)
    assert not good
    assert any(f"ERROR:{code}:" in line and f":{name}:" in line for line in findings), findings


async def test_an_error_that_is_to_be_ignored_is_a_warning() -> None:
    cluster = await running()
    _orphan(cluster)
    op = OpClusterVerifyGroup(
        group_name="default", error_codes=True, ignore_errors=(VerifyCode.ENODEORPHANINSTANCE,)
    )
    good, findings = await verified(cluster, op)
    assert good
    assert [line.partition(":")[0] for line in findings] == ["WARNING"]


async def test_finds_an_instance_on_an_offline_node() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2", admin_state=AdminState.UP)
    cluster.set_node("node2", offline=True)
    good, findings = await verified(cluster)
    assert not good
    assert any(str(VerifyCode.EINSTANCEBADNODE) in line for line in findings)


async def test_finds_contradictions_in_the_configuration() -> None:
    cluster = stopped()
    config = (await cluster.master()).config
    instance = cluster.instance("web1")
    broken = msgspec.structs.replace(instance, primary_node=cluster.ids.uuid())
    await config.commit(lambda _view: Change(puts=(broken,)))
    good, findings = await verified(cluster, CONFIG)
    assert not good
    assert any("web1" in line for line in findings)


async def test_waits_for_jobs_that_change_what_it_looks_at() -> None:
    cluster = await running()
    async with cluster.instance_held("web1"):
        job = cluster.submit(GROUP)
        await job
        await cluster.clock.sleep(60.0)
        assert cluster.log(await job) == []
    assert await cluster.finished(job)


async def test_submitting_again_after_any_fault_works() -> None:
    for op in (CONFIG, GROUP):
        cluster = await running()
        await cluster.kill_master()
        assert (await verified(cluster, op))[0]


async def test_hooks_of_the_check_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(stopped, GROUP)


async def test_volumes_of_nobody_are_found() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["plain"]})
    cluster.nodes["node2"].volumes.disks["lost"] = (64, "")
    good, found = await verified(cluster)
    assert not good
    (line,) = found
    assert "ENODEORPHANLV" in line
    assert "volume xenvg/lost is unknown" in line
    await cluster.run(OpClusterSetParams(reserved_lvs=("xenvg/lo.*",)))
    assert await verified(cluster) == (True, [])


async def test_a_volume_group_that_is_too_small_is_found() -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["plain"]})
    cluster.nodes["node2"].volumes.capacity = 1024
    good, (line,) = await verified(cluster)
    assert not good
    assert "ENODELVM" in line
    assert "20480 MiB required, 1024 MiB found" in line


async def test_a_pattern_of_volumes_must_be_one() -> None:
    op = OpClusterSetParams(reserved_lvs=("xenvg/(",))
    await assert_refused(SimCluster(), op, ECode.INVAL, "xenvg/(")
