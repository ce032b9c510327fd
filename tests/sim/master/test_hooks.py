"""Hooks: which run, where, in which order, with what, and what their failure does."""

import json
import os
from pathlib import Path
from typing import Any

from pyganeti.master.lu.registry import LOGICAL_UNITS
from pyganeti.model.errors import HooksAbort
from pyganeti.opcodes.instance import (
    OpInstanceGrowDisk,
    OpInstanceMove,
    OpInstanceRemove,
    OpInstanceStartup,
)
from pyganeti.opcodes.node import OpNodeRemove
from pyganeti.opcodes.tags import OpTagsSet
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import fails, make_op
from tests.sim.instance.make import stopped

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "hooks.json").read_text(encoding="utf-8")
)
START = OpInstanceStartup(instance_name="web1")


def hooked(*scripts: str) -> SimCluster:
    """``web1``, stopped, and these hook scripts on every node."""
    cluster = stopped()
    cluster.prepare_node("node4", "192.0.2.4")
    for node in cluster.nodes.values():
        for script in scripts:
            node.put_hook(script)
    return cluster


def scripts_of(cluster: SimCluster, node: str) -> list[str]:
    paths = cluster.nodes[node].programs.paths()
    return [path.partition("/hooks/")[2] for path in paths if "/hooks/" in path]


def environment(cluster: SimCluster, script: str, node: str = "node1") -> dict[str, str]:
    commands = cluster.nodes[node].programs.ran
    (command,) = [command for command in commands if command.argv[0].endswith(script)]
    assert command.env is not None
    return dict(command.env)


def test_every_operation_with_hooks_has_the_directory_of_the_facts() -> None:
    ours = {op.op_id(): lu.hooks_path for op, lu in LOGICAL_UNITS.items() if lu.hooks_path}
    assert ours == {name: entry["dir"] for name, entry in FACTS["operations"].items()}


async def test_they_run_sorted_by_name_on_each_node() -> None:
    names = ("20-b", "10-a", "30-c")
    cluster = hooked(*(f"instance-start-pre.d/{name}" for name in names))
    await cluster.run(START)
    assert scripts_of(cluster, "node1") == [
        f"instance-start-pre.d/{name}" for name in ("10-a", "20-b", "30-c")
    ]
    assert scripts_of(cluster, "node2") == []


async def test_they_run_on_the_master_and_the_instances_nodes() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    for node in cluster.nodes.values():
        node.put_hook("instance-start-post.d/10-log")
    await cluster.run(START)
    ran = {name: len(scripts_of(cluster, name)) for name in cluster.nodes}
    assert ran == {"node1": 1, "node2": 1, "node3": 0}


async def test_what_is_no_program_is_passed_over() -> None:
    cluster = hooked(*(f"instance-start-pre.d/{name}" for name in ("10.sh", "20 b", "30-ok")))
    for node in cluster.nodes.values():
        path = f"{node.paths.hooks_dir}/instance-start-pre.d/40-plain"
        node.put_file(path.removeprefix(node.paths.rootdir), b"#!/bin/sh\n")
        os.makedirs(f"{node.paths.hooks_dir}/instance-start-pre.d/50-directory")
    await cluster.run(START)
    assert scripts_of(cluster, "node1") == ["instance-start-pre.d/30-ok"]


async def test_a_node_that_an_instance_has_left_runs_the_post_hooks_too() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    for node in cluster.nodes.values():
        node.put_hook("instance-move-post.d/10-log")
    op = OpInstanceMove(instance_name="web1", target_node="node3", ignore_ipolicy=True)
    await cluster.run(op)
    ran = {name: len(scripts_of(cluster, name)) for name in cluster.nodes}
    assert ran == {"node1": 1, "node2": 1, "node3": 1}


async def test_a_node_that_is_removed_runs_them_before_it_goes() -> None:
    cluster = hooked("node-remove-pre.d/10-log", "node-remove-post.d/10-log")
    await cluster.run(OpNodeRemove(node_name="node3"))
    ran = {name: scripts_of(cluster, name) for name in ("node1", "node3")}
    assert ran == {
        "node1": ["node-remove-pre.d/10-log", "node-remove-post.d/10-log"],
        "node3": ["node-remove-post.d/10-log"],
    }
    asked = [node for node, call in cluster.rpc_changes if call == "hooks_runner"]
    assert asked == ["node1", "node2", "node3", "node1", "node2"]


async def test_a_refused_removal_lets_the_node_run_nothing() -> None:
    cluster = hooked("node-remove-pre.d/10-no", "node-remove-post.d/10-log")
    await cluster.master()
    cluster.nodes["node2"].programs.failing["10-no"] = "not today"
    await fails(cluster, OpNodeRemove(node_name="node3"))
    assert scripts_of(cluster, "node3") == []


async def test_a_failing_pre_hook_stops_the_operation_with_nothing_changed() -> None:
    cluster = hooked("instance-start-pre.d/10-no", "instance-start-pre.d/20-also")
    await cluster.master()
    before = cluster.footprint()
    cluster.nodes["node1"].programs.failing["10-no"] = "not today"
    error = await fails(cluster, START)
    assert isinstance(error, HooksAbort)
    assert error.args[0] == [["node1", "instance-start-pre.d/10-no", "not today"]]
    assert cluster.footprint() == before
    assert scripts_of(cluster, "node1")[-1] == "instance-start-pre.d/20-also"


async def test_a_failing_post_hook_is_only_told() -> None:
    cluster = hooked("instance-start-post.d/10-no")
    cluster.nodes["node1"].programs.failing["10-no"] = "not today"
    job = cluster.submit(START)
    await cluster.finished(job)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert any("10-no" in line and "not today" in line for line in cluster.log(await job))


async def test_a_silent_node_does_not_stop_the_operation() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node2")
    await cluster.master()
    cluster.nodes["node2"].reachable = False
    op = OpInstanceRemove(instance_name="web1", ignore_failures=True)
    job = cluster.submit(op)
    await cluster.finished(job)
    assert any("hooks" in line and "node2" in line for line in cluster.log(await job))


async def test_post_hooks_see_what_was_and_what_is() -> None:
    cluster = hooked("disk-grow-post.d/10-log")
    await cluster.run(OpInstanceGrowDisk(instance_name="web1", disk=0, amount=512))
    env = environment(cluster, "disk-grow-post.d/10-log")
    assert env["GANETI_INSTANCE_DISK0_SIZE"] == "1024"
    assert env["GANETI_POST_INSTANCE_DISK0_SIZE"] == "1536"


async def test_an_operation_without_hooks_calls_no_node() -> None:
    cluster = stopped()
    await cluster.run(make_op(OpTagsSet, kind="cluster", tags=["blue"]))
    assert cluster.rpc_changes == []
