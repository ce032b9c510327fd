"""OP_OOB_COMMAND, OP_NODE_POWERCYCLE, OP_RESTRICTED_COMMAND."""

import os
from typing import Any

import pytest

from pyganeti.model.enums import OobCommand
from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.node import OpNodePowercycle, OpOobCommand, OpRestrictedCommand
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.definitions import write_program
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op

# Is there on every machine; a simulated node runs none.
PROGRAM = "/bin/true"
OFF, ON = OobCommand.POWER_OFF, OobCommand.POWER_ON
STATUS, HEALTH, CYCLE = OobCommand.POWER_STATUS, OobCommand.HEALTH, OobCommand.POWER_CYCLE


def op(command: OobCommand, *names: str, **parameters: Any) -> OpOobCommand:
    return make_op(OpOobCommand, command=command, node_names=names, **parameters)


def able(**node3: Any) -> SimCluster:  # Any: fields of the node
    """Four nodes; all but the last have an out-of-band program, on the master."""
    cluster = SimCluster(4)
    for name in ("node1", "node2", "node3"):
        fields = node3 if name == "node3" else {}
        cluster.set_node(name, ndparams={"oob_program": PROGRAM}, **fields)
    return cluster


def offline() -> SimCluster:
    return able(offline=True, master_candidate=False)


def says(cluster: SimCluster, text: str) -> None:
    cluster.nodes["node1"].programs.says[PROGRAM] = text


async def test_nodes_are_switched_off_and_on() -> None:
    cluster = offline()
    assert await cluster.run(op(OFF, "node3")) == [[[0, "node3"], [0, None]]]
    assert not cluster.view.node("node3").powered
    await cluster.run(op(ON, "node3"))
    assert cluster.view.node("node3").powered
    ran = [command.argv[1:] for command in cluster.nodes["node1"].programs.ran]
    assert ran == [("power-off", "node3"), ("power-on", "node3")]


async def test_a_cycle_leaves_the_recorded_state() -> None:
    cluster = able()
    assert await cluster.run(op(CYCLE, "node2")) == [[[0, "node2"], [0, None]]]
    assert cluster.view.node("node2").powered


async def test_all_nodes_are_asked_and_those_without_a_program_have_no_answer() -> None:
    cluster = able(powered=False)
    says(cluster, '{"powered": true}')
    job = cluster.submit(op(STATUS))
    assert await cluster.finished(job) == [
        [[0, "node1"], [0, {"powered": True}]],
        [[0, "node2"], [0, {"powered": True}]],
        [[0, "node3"], [0, {"powered": True}]],
        [[0, "node4"], [3, None]],
    ]
    log = cluster.log(await job)
    assert "Warning: node node3 is recorded as off and is on" in log
    assert not any("node2" in line for line in log)
    assert not cluster.view.node("node3").powered


async def test_health_is_told_and_what_is_bad_logged() -> None:
    cluster = able()
    says(cluster, '[["FAN 1", "CRITICAL"], ["PSU", "OK"]]')
    job = cluster.submit(op(HEALTH, "node2"))
    assert await cluster.finished(job) == [
        [[0, "node2"], [0, [["FAN 1", "CRITICAL"], ["PSU", "OK"]]]]
    ]
    assert cluster.log(await job) == ["Warning: FAN 1 of node node2: CRITICAL"]


async def test_a_program_that_fails_keeps_neither_others_nor_the_record() -> None:
    cluster = able()
    cluster.nodes["node1"].programs.failing[PROGRAM] = "wrong password"
    job = cluster.submit(op(ON, "node2", "node3"))
    assert await cluster.finished(job) == [
        [[0, "node2"], [2, None]],
        [[0, "node3"], [2, None]],
    ]
    assert any("power-on of node node2 failed" in line for line in cluster.log(await job))


async def test_nonsense_changes_nothing() -> None:
    cluster = offline()
    says(cluster, '{"done": true}')
    assert await cluster.run(op(OFF, "node3")) == [[[0, "node3"], [2, None]]]
    assert cluster.view.node("node3").powered


async def test_nodes_are_not_switched_on_all_at_once() -> None:
    cluster = able()
    await cluster.master()
    before = cluster.clock.monotonic()
    await cluster.run(op(ON, "node2", "node3", power_delay=7.0))
    assert 7.0 <= cluster.clock.monotonic() - before < 14.0


async def test_of_all_nodes_the_master_stays_on() -> None:
    cluster = able()
    await cluster.run(op(CYCLE))
    ran = [command.argv[2] for command in cluster.nodes["node1"].programs.ran]
    assert ran == ["node2", "node3"]


REFUSALS: list[tuple[Opcode, ECode, str]] = [
    (op(OFF, "node2"), ECode.STATE, "not marked offline"),
    (op(OFF, "node9"), ECode.NOENT, "node9"),
    (op(CYCLE, "node1"), ECode.INVAL, "node1 is the master, power-cycle would end it; run"),
    (op(OFF, "node1", ignore_status=True), ECode.INVAL, "by hand"),
    (op(STATUS, timeout=0), ECode.INVAL, "0 s"),
    (op(ON, power_delay=-1.0), ECode.INVAL, "negative"),
    (OpNodePowercycle(node_name="node1"), ECode.INVAL, "--force"),
    (OpNodePowercycle(node_name="node9"), ECode.NOENT, "node9"),
    (OpRestrictedCommand(command="x", nodes=()), ECode.INVAL, "name the nodes"),
    (OpRestrictedCommand(command="x", nodes=("node9",)), ECode.NOENT, "node9"),
]


@pytest.mark.parametrize(("wanted", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(wanted: Opcode, code: ECode, said: str) -> None:
    await assert_refused(able(), wanted, code, said)


async def test_ignoring_the_status_switches_off_what_is_in_use() -> None:
    cluster = able()
    await cluster.run(op(OFF, "node2", ignore_status=True))
    assert not cluster.view.node("node2").powered


async def test_dry_runs_name_the_program() -> None:
    cluster = able()
    job = cluster.submit(op(CYCLE, "node2", "node4", dry_run=True))
    await cluster.finished(job)
    (line,) = [line for line in cluster.log(await job) if "power-cycle" in line]
    assert line.endswith(f"{PROGRAM} power-cycle node2")
    assert changes(cluster) == []


@pytest.mark.parametrize("wanted", [op(OFF, "node3"), op(ON, "node3")])
async def test_faults_leave_at_most_another_power_state(wanted: OpOobCommand) -> None:
    said = {"nodes/node3/powered": "what became of the machine is not known; it is asked again"}
    await assert_unwinds(offline, wanted, keeps=said, spares=said)


# --- powercycle


async def test_a_node_reboots_although_it_is_offline() -> None:
    cluster = offline()
    said = await cluster.run(OpNodePowercycle(node_name="node3"))
    assert said == "Reboot scheduled in 5 seconds"
    assert [node.is_rebooting for node in cluster.nodes.values()] == [False, False, True, False]


async def test_the_master_reboots_when_it_is_forced() -> None:
    cluster = able()
    await cluster.run(OpNodePowercycle(node_name="node1", force=True))
    assert cluster.nodes["node1"].is_rebooting


async def test_a_reboot_waits_for_no_lock() -> None:
    cluster = able()
    async with cluster.lock_held("node2"):
        await cluster.run(OpNodePowercycle(node_name="node2"))
    assert cluster.nodes["node2"].is_rebooting


async def test_a_silent_node_fails_the_job() -> None:
    cluster = able()
    await cluster.master()
    cluster.nodes["node2"].reachable = False
    assert "node2" in str(await fails(cluster, OpNodePowercycle(node_name="node2")))


async def test_a_reboot_can_be_asked_for_again() -> None:
    await assert_repeatable(able, OpNodePowercycle(node_name="node2"))


# --- restricted commands


def allow(cluster: SimCluster, name: str, node: str) -> None:
    paths = cluster.nodes[node].paths
    os.makedirs(paths.restricted_dir, exist_ok=True)
    write_program(f"{paths.restricted_dir}/{name}")
    cluster.nodes[node].programs.says[f"/{name}"] = f"hello from {node}\n"


async def test_a_restricted_command_runs_where_it_is_allowed() -> None:
    cluster = SimCluster()
    allow(cluster, "hello", "node3")
    found = await cluster.run(OpRestrictedCommand(command="hello", nodes=("node3", "node2")))
    assert found == [
        [True, "hello from node3\n"],
        [False, "command 'hello' on node node2 failed: the command was not run,"
                " the node's log says why"],
    ]  # fmt: skip


@pytest.mark.parametrize("alone", [False, True])
async def test_a_restricted_command_waits_for_others_if_that_is_asked(alone: bool) -> None:
    cluster = SimCluster()
    allow(cluster, "hello", "node3")
    wanted = OpRestrictedCommand(command="hello", nodes=("node3",), use_locking=alone)
    cluster.nodes["node3"].programs.hanging.add("/hello")
    first, second = cluster.submit(wanted), cluster.submit(wanted)
    await cluster.clock.sleep(1.0)
    assert len(cluster.nodes["node3"].programs.ran) == 1
    waits = [job.status for job in (await cluster.master()).queue.jobs.values()]
    assert ("waiting" in waits) is alone
    cluster.nodes["node3"].programs.release()
    for job in (first, second):
        assert (await cluster.finished(job))[0][0] is True
