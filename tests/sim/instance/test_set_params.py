"""OP_INSTANCE_SET_PARAMS: parameters, states, operating system, primary node."""

from typing import Any

import pytest

from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import (
    create,
    offline,
    on_offline_node,
    on_silent_node,
    running,
    stopped,
)


def modify(**parameters: Any) -> OpInstanceSetParams:  # Any: opcode parameters
    return make_op(OpInstanceSetParams, instance_name="web1", **parameters)


async def log_of(cluster: SimCluster, op: OpInstanceSetParams) -> str:
    """What a job says that does ``op``."""
    submitted = cluster.submit(op)
    await cluster.finished(submitted)
    return "\n".join(cluster.log(await submitted))


async def test_changes_backend_parameters() -> None:
    cluster = stopped()
    result = await cluster.run(modify(beparams={"memory": 256, "vcpus": "2"}))
    assert result == [["be/vcpus", "2"], ["be/maxmem", 256], ["be/minmem", 256]]
    assert cluster.instance("web1").beparams == {"maxmem": 256, "minmem": 256, "vcpus": 2}
    await cluster.run(modify(beparams={"vcpus": "default"}))
    assert cluster.instance("web1").beparams == {"maxmem": 256, "minmem": 256}
    assert changes(cluster) == []


async def test_changes_os_and_its_parameters_and_shows_no_private_one() -> None:
    cluster = stopped()
    op = modify(
        os_name="noop+minimal", osparams={"message": "hi"}, osparams_private={"message": "secret"}
    )
    assert await cluster.run(op) == [
        ["os", "noop+minimal"],
        ["os/message", "hi"],
        ["os_private/message", "<redacted>"],
    ]
    instance = cluster.instance("web1")
    assert (instance.os, instance.osparams) == ("noop+minimal", {"message": "hi"})
    assert instance.osparams_private == {"message": "secret"}
    await cluster.run(modify(osparams={"message": "default"}))
    assert cluster.instance("web1").osparams == {}


async def test_an_unknown_os_is_taken_by_force_only() -> None:
    cluster = stopped()
    await assert_refused(cluster, modify(os_name="nix"), ECode.INVAL, "nix", "node1")
    await assert_refused(cluster, modify(os_name="noop+odd"), ECode.INVAL, "odd")
    assert "nix" in await log_of(cluster, modify(os_name="nix", force=True))
    await cluster.run(modify(os_name="noop+odd", force_variant=True))
    assert cluster.instance("web1").os == "noop+odd"


async def test_marks_offline_and_online_again() -> None:
    cluster = stopped()
    assert await cluster.run(modify(offline=True)) == [["admin_state", "offline"]]
    assert cluster.instance("web1").admin_state is AdminState.OFFLINE
    assert await cluster.run(modify(offline=False)) == [["admin_state", "down"]]
    assert cluster.instance("web1").admin_state is AdminState.DOWN


async def test_only_a_stopped_instance_becomes_offline_and_an_offline_one_online() -> None:
    await assert_refused(await running(), modify(offline=True), ECode.STATE, "web1", "up")
    await assert_refused(stopped(), modify(offline=False), ECode.STATE, "web1", "down")


async def test_a_guest_that_runs_though_it_should_not_is_not_marked_offline() -> None:
    cluster = await running()
    await cluster.set_admin_state("web1", AdminState.DOWN)
    await assert_refused(cluster, modify(offline=True), ECode.STATE, "web1", "is running")


async def test_says_that_a_running_instance_must_be_started_again() -> None:
    cluster = await running()
    log = await log_of(cluster, modify(beparams={"vcpus": 2}))
    assert "its new backend parameters count from its next start" in log


async def test_more_memory_must_be_there() -> None:
    cluster = await running()
    op = modify(beparams={"maxmem": 17000}, ignore_ipolicy=True)
    # 128 MiB of its own count as free.
    await assert_refused(cluster, op, ECode.NORES, "node1", "616 MiB are missing")
    await cluster.run(modify(beparams={"maxmem": 17000}, ignore_ipolicy=True, force=True))
    await cluster.run(modify(beparams={"maxmem": 16384}))


async def test_without_an_answer_memory_is_not_looked_at() -> None:
    for cluster in (on_silent_node(), on_offline_node()):
        log = await log_of(cluster, modify(beparams={"maxmem": 17000}, ignore_ipolicy=True))
        assert "node2" in log
        assert cluster.instance("web1").beparams == {"maxmem": 17000}


async def test_gives_the_instance_another_primary_node() -> None:
    cluster = stopped()
    assert await cluster.run(modify(pnode="node2")) == [["primary_node", "node2"]]
    node2 = cluster.view.node("node2").uuid
    assert cluster.instance("web1").primary_node == node2
    assert [disk.nodes for disk in cluster.view.disks.values()] == [(node2,)]


async def test_a_running_instance_moves_by_force_only() -> None:
    cluster = await running()
    await assert_refused(cluster, modify(pnode="node2"), ECode.STATE, "running", "node1")
    await cluster.run(modify(pnode="node2", force=True))


@pytest.mark.parametrize("flag", ["drained", "offline"])
async def test_a_node_that_takes_no_instances_does_not_become_primary(flag: str) -> None:
    cluster = stopped()
    cluster.set_node("node2", **{flag: True})
    await assert_refused(cluster, modify(pnode="node2"), ECode.STATE, "node2", flag)


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({}, ECode.INVAL, "nothing is to be changed"),
        ({"beparams": {"vcpu": 2}}, ECode.INVAL, "vcpu"),
        ({"beparams": {"maxmem": 64}}, ECode.INVAL, "minmem (128 MiB)"),
        ({"beparams": {"vcpus": 100}}, ECode.INVAL, "policy"),
        ({"hvparams": {"acpi": True}}, ECode.INVAL, "acpi"),
        ({"osparams": {"nope": "x"}}, ECode.INVAL, "nope"),
        ({"pnode": "node9"}, ECode.NOENT, "node9"),
    ],
)
async def test_refuses(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(stopped(), modify(**parameters), code, said)


async def test_refuses_an_instance_that_does_not_exist() -> None:
    await assert_refused(SimCluster(), modify(offline=True), ECode.NOENT, "web1")


async def test_what_policy_does_not_admit_is_taken_when_it_is_ignored() -> None:
    cluster = stopped()
    await cluster.run(modify(beparams={"vcpus": 100}, ignore_ipolicy=True))
    # What is not changed is not judged anew.
    await cluster.run(modify(osparams={"message": "x"}))


async def test_tells_a_dry_run_what_it_would_do() -> None:
    cluster = stopped()
    op = modify(beparams={"vcpus": 2}, osparams_private={"message": "secret"}, dry_run=True)
    log = await log_of(cluster, op)
    assert "set be/vcpus to 2" in log
    assert "secret" not in log
    assert cluster.instance("web1").beparams == {}


async def test_hooks_get_the_instance_as_it_will_be() -> None:
    cluster = stopped()
    cluster.nodes["node1"].put_hook("instance-modify-pre.d/50-check")
    await cluster.run(modify(beparams={"vcpus": 3}))
    (ran,) = cluster.nodes["node1"].programs.ran
    assert ran.env is not None
    assert ran.env["GANETI_INSTANCE_VCPUS"] == "3"


async def test_unwinds_from_every_fault_point() -> None:
    op = modify(beparams={"vcpus": 2}, osparams={"message": "x"}, pnode="node2")
    await assert_unwinds(stopped, op)


async def test_an_interrupted_change_of_a_private_parameter_stays() -> None:
    keeps = {"instances/web1/osparams_private": "it cannot stand in the journal"}
    op = modify(osparams_private={"message": "x"}, offline=True)
    await assert_unwinds(stopped, op, keeps=keeps)


async def test_follows_what_changed_while_it_waited() -> None:
    cluster = await offline()
    async with cluster.instance_held("web1"):
        job = cluster.submit(modify(offline=False, beparams={"vcpus": 2}))
        await cluster.move("web1", to="node2")
    await cluster.finished(job)
    instance = cluster.instance("web1")
    assert instance.primary_node == cluster.view.node("node2").uuid
    assert (instance.admin_state, instance.beparams) == (AdminState.DOWN, {"vcpus": 2})


async def test_an_instance_made_by_a_command_can_be_changed() -> None:
    cluster = SimCluster()
    await cluster.run(create())
    await cluster.run(modify(beparams={"always_failover": True}))
    assert cluster.instance("web1").beparams == {"always_failover": True}
