"""The special hook ``config-update``: on the master, after whatever changed the configuration."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.master.changes import cluster_fields
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.test.delay import DelayPlan, LUTestDelay
from pyganeti.model.enums import TagKind
from pyganeti.model.errors import OpExecError
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import fails
from tests.sim.instance.make import stopped

# Any: facts are JSON.
FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "hooks.json").read_text(encoding="utf-8")
)
SCRIPT = "config-update-post.d/10-log"
TAG = OpTagsSet(kind=TagKind.CLUSTER, tags=("a",))
START = OpInstanceStartup(instance_name="web1")


def hooked(script: str = SCRIPT) -> SimCluster:
    cluster = stopped()
    for node in cluster.nodes.values():
        node.put_hook(script)
    return cluster


def environments(cluster: SimCluster, node: str = "node1") -> list[dict[str, str]]:
    """What each run of the script got."""
    commands = cluster.nodes[node].programs.ran
    return [dict(one.env or {}) for one in commands if one.argv[0].endswith(SCRIPT)]


async def test_it_runs_once_on_the_master_with_what_the_operation_says() -> None:
    cluster = hooked()
    await cluster.run(START)
    (env,) = environments(cluster)
    assert env["GANETI_HOOKS_PATH"] == "config-update"
    assert env["GANETI_HOOKS_PHASE"] == "post"
    assert env["GANETI_OP_CODE"] == "OP_INSTANCE_STARTUP"
    assert env["GANETI_INSTANCE_NAME"] == "web1"
    assert env.keys() >= set(FACTS["_meta"]["common_env"])
    for node in ("node2", "node3"):
        assert environments(cluster, node) == []


async def test_the_directory_and_the_node_are_those_of_the_facts() -> None:
    facts = FACTS["special"]["config-update"]
    assert facts["dir"] == SCRIPT.partition("/")[0]
    assert facts["nodes"] == ["master"]


async def test_an_operation_without_hooks_of_its_own_has_the_common_variables() -> None:
    cluster = hooked()
    await cluster.run(TAG)
    (env,) = environments(cluster)
    assert env["GANETI_OP_CODE"] == "OP_TAGS_SET"
    assert env["GANETI_MASTER"] == "node1"


@pytest.mark.parametrize("op", [TAG, OpTestDelay(duration=0.1)])
async def test_nothing_runs_where_nothing_was_changed(op: Opcode) -> None:
    cluster = hooked()
    await cluster.run(TAG)
    await cluster.run(op)
    assert len(environments(cluster)) == 1


async def test_what_another_job_changes_meanwhile_does_not_count() -> None:
    cluster = hooked()
    waiting = cluster.submit(OpTestDelay(duration=60.0))
    await cluster.clock.sleep(1.0)
    await cluster.run(TAG)
    await cluster.finished(waiting)
    assert [env["GANETI_OP_CODE"] for env in environments(cluster)] == ["OP_TAGS_SET"]


class LUBreaks(LUTestDelay):
    """Changes the configuration, and fails."""

    async def execute(self, run: Run, plan: DelayPlan) -> None:
        """Add a tag, then end."""
        async with run.step("add a tag"):
            await run.config.commit(cluster_fields(tags=("half",)))
        raise OpExecError("it broke")


async def test_it_runs_after_an_operation_that_failed_with_something_changed() -> None:
    cluster = SimCluster(lus={OpTestDelay: LUBreaks()})
    cluster.nodes["node1"].put_hook(SCRIPT)
    await fails(cluster, OpTestDelay(duration=1.0))
    assert len(environments(cluster)) == 1


async def test_its_failure_is_told_and_changes_nothing() -> None:
    cluster = hooked()
    cluster.nodes["node1"].programs.failing["10-log"] = "no space"
    job = cluster.submit(TAG)
    await cluster.finished(job)
    told = "\n".join(cluster.log(await job))
    assert "post-hook config-update-post.d/10-log on node1 failed: no space" in told


async def test_without_such_programs_nobody_is_asked() -> None:
    cluster = hooked("config-update-pre.d/10-log")
    await cluster.run(TAG)
    assert ("node1", "hooks_runner") not in cluster.rpc_changes
