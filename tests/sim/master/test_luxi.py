"""What LUXI methods answer, as Ganeti's own daemon does."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.errors import GenericError, JobLost, OpPrereqError
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "protocols.json").read_text()
)["luxi"]
SHORT = OpTestDelay(duration=1.0)


# Any: an answer is JSON.
async def ask(cluster: SimCluster, method: str, *args: object) -> Any:
    return await LuxiMethods(await cluster.master()).handle(method, args)


async def test_cluster_info_has_the_keys_of_the_facts() -> None:
    info = await ask(SimCluster(), "QueryClusterInfo")
    assert sorted(info) == sorted(FACTS["query_cluster_info_keys"])
    assert len(info) == 55


async def test_config_values() -> None:
    cluster = SimCluster()
    values = await ask(cluster, "QueryConfigValues", FACTS["config_values"])
    assert len(values) == 7
    assert dict(zip(FACTS["config_values"], values, strict=True)) == {
        "cluster_name": cluster.view.cluster.cluster_name,
        "watcher_pause": None,
        "master_node": "node1",
        "drain_flag": False,
        "modify_ssh_setup": cluster.view.cluster.modify_ssh_setup,
        "ssh_key_type": cluster.view.cluster.ssh_key_type,
        "ssh_key_bits": cluster.view.cluster.ssh_key_bits,
    }
    assert await ask(cluster, "QueryConfigValues", ["nope", "master_node"]) == [None, "node1"]


async def watcher_pause(cluster: SimCluster) -> object:
    (until,) = await ask(cluster, "QueryConfigValues", ["watcher_pause"])
    return until


async def test_the_watcher_pauses_until_its_time_is_over() -> None:
    cluster = SimCluster()
    await cluster.master()
    until = cluster.clock.now() + 100
    assert await ask(cluster, "SetWatcherPause", until) == until
    assert await watcher_pause(cluster) == until
    await cluster.kill_master()
    assert await watcher_pause(cluster) == until
    with pytest.raises(OpPrereqError, match="past"):
        await ask(cluster, "SetWatcherPause", cluster.clock.now() - 1)
    with pytest.raises(OpPrereqError, match=r"1e\+300, which is after the year 9999"):
        await ask(cluster, "SetWatcherPause", 1e300)
    assert await watcher_pause(cluster) == until
    await cluster.clock.sleep(101)
    assert await watcher_pause(cluster) is None
    await ask(cluster, "SetWatcherPause", cluster.clock.now() + 100)
    assert await ask(cluster, "SetWatcherPause", None) is None
    assert await watcher_pause(cluster) is None


async def test_autoarchive_takes_what_is_old_enough_and_has_its_time() -> None:
    cluster = SimCluster()
    await cluster.run(SHORT)
    await cluster.clock.sleep(100)
    await cluster.run(SHORT)
    assert await ask(cluster, "AutoArchiveJobs", 50, 10) == (1, 0)
    assert await ask(cluster, "AutoArchiveJobs", 50, 10) == (0, 0)
    assert await ask(cluster, "AutoArchiveJobs", -1, 10) == (1, 0)
    assert await ask(cluster, "QueryJobs", [], ["id"]) == []
    assert await ask(cluster, "QueryJobs", [1, 2, 3], ["id", "status"]) == [
        [1, "success"],
        [2, "success"],
        [3, None],
    ]


async def test_a_job_that_is_archived_or_not_there_is_answered_as_ganeti_does() -> None:
    cluster = SimCluster()
    await cluster.run(SHORT)
    assert await ask(cluster, "ArchiveJob", "1") is True
    for job in (1, "1", 99):
        assert await ask(cluster, "ArchiveJob", job) is False
        assert (await ask(cluster, "CancelJob", job))[0] is False
        assert (await ask(cluster, "ChangeJobPriority", job, 5))[0] is False
    assert await ask(cluster, "WaitForJobChange", 1, ["id"], None, None, 1) == [[1], []]
    with pytest.raises(JobLost):
        await ask(cluster, "WaitForJobChange", 99, ["id"], None, None, 1)
    with pytest.raises(GenericError, match="internal use only"):
        await ask(cluster, "PickupJob", 1)


@pytest.mark.parametrize("timeout", [-5, 0, 0.5, 60, 10**9])
async def test_a_wait_in_vain_is_nochange_after_a_minute_at_most(timeout: float) -> None:
    cluster = SimCluster()
    job = await cluster.submit(OpTestDelay(duration=1000.0))
    await cluster.clock.sleep(1)
    known = await ask(cluster, "WaitForJobChange", job, ["status"], None, None, 60)
    begin = cluster.clock.now()
    answer = await ask(cluster, "WaitForJobChange", job, ["status"], known[0], 1000, timeout)
    assert answer == "nochange"
    assert cluster.clock.now() - begin == pytest.approx(min(max(timeout, 0), 60), abs=0.01)


async def test_older_queries_leave_out_what_is_not_there() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1")
    assert await ask(cluster, "QueryNodes", ["node2", "x", "node1"], ["name"], False) == [
        ["node1"],
        ["node2"],
    ]
    assert await ask(cluster, "QueryInstances", ["x"], ["name"], False) == []
    assert await ask(cluster, "QueryInstances", ["web1"], ["name"], False) == [["web1"]]
    assert await ask(cluster, "QueryGroups", ["x"], ["name"], False) == []
    assert await ask(cluster, "QueryNetworks", ["x"], ["name"], False) == []
    assert await ask(cluster, "QueryFilters", ["x"], ["uuid"]) == []
    assert await ask(cluster, "QueryExports", ["x"], False) == []
    cluster = SimCluster()
    cluster.set_node("node3", offline=True)
    assert await ask(cluster, "QueryExports", [], False) == [["node3", None]]
    for method in ("QueryNodes", "QueryGroups", "QueryNetworks", "QueryInstances"):
        with pytest.raises(OpPrereqError, match="no locks"):
            await ask(cluster, method, [], ["name"], True)
    with pytest.raises(OpPrereqError, match="no locks"):
        await ask(cluster, "QueryExports", [], True)
