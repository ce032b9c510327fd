"""OP_NODE_SET_PARAMS: roles, flags and parameters. Addresses: test_secondary_ip.py."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pyganeti.master.distribution import DELAY_S
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.node import OpNodeSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, candidate_files, make_op
from tests.sim.instance.make import create

REGULAR = {"master_candidate": False}
OOB = {"ndparams": {"oob_program": "/usr/local/sbin/oob"}}


def op(name: str = "node3", /, **parameters: Any) -> OpNodeSetParams:  # Any: of many types
    return make_op(OpNodeSetParams, node_name=name, **parameters)


def cluster_of(**node3: object) -> SimCluster:
    """Three nodes, of which the third is as given."""
    cluster = SimCluster()
    cluster.set_node("node3", **node3)
    return cluster


def short() -> SimCluster:
    """Four nodes, a pool of three, all taken: the fourth is regular, the fifth is not capable."""
    cluster = SimCluster(5, options={"candidate_pool_size": 3})
    cluster.set_node("node4", master_candidate=False)
    cluster.set_node("node5", master_candidate=False, master_capable=False)
    return cluster


def roles(view: ClusterView) -> str:
    return "".join(str(view.node_role(node)) for node in view.all_nodes())


@pytest.mark.parametrize(
    ("before", "parameters", "wanted", "result"),
    [
        ({}, {"drained": True}, "MCD", [["master_candidate", "False"], ["drained", "True"]]),
        ({}, {"offline": True}, "MCO", [["master_candidate", "False"], ["offline", "True"]]),
        ({}, {"master_candidate": False}, "MCR", [["master_candidate", "False"]]),
        (REGULAR, {"master_candidate": True}, "MCC", [["master_candidate", "True"]]),
        (
            {**REGULAR, "offline": True},
            {"offline": False},
            "MCC",
            [["master_candidate", "True"], ["offline", "False"]],
        ),
        (
            {},
            {"master_capable": False},
            "MCR",
            [["master_capable", "False"], ["master_candidate", "False"]],
        ),
        ({}, {"vm_capable": False}, "MCC", [["vm_capable", "False"]]),
        ({}, {"drained": False}, "MCC", []),
    ],
)
async def test_changes_roles_and_flags(
    before: dict[str, object], parameters: dict[str, object], wanted: str, result: object
) -> None:
    cluster = cluster_of(**before)
    assert await cluster.run(op(**parameters)) == result
    assert roles(cluster.view) == wanted


async def test_all_nodes_know_it_when_the_job_ends() -> None:
    cluster = SimCluster()
    await cluster.run(op(offline=True))
    for name in ("node1", "node2"):
        assert (cluster.nodes[name].ssconf("offline_nodes") or "").split() == ["node3"]
        certs = cluster.nodes[name].ssconf("master_candidates_certs") or ""
        assert cluster.nodes["node3"].digest not in certs


async def test_an_offline_node_is_called_by_nothing() -> None:
    cluster = SimCluster()
    await cluster.run(op(offline=True))
    cluster.rpc_reads.clear()
    cluster.rpc_changes.clear()
    await cluster.run(OpClusterSetParams(candidate_pool_size=5))
    await cluster.clock.sleep(120.0)
    called = {name for name, _ in (*cluster.rpc_reads, *cluster.rpc_changes)}
    assert "node3" not in called
    assert cluster.nodes["node3"].ssconf("offline_nodes") is None


async def test_a_demoted_node_has_nothing_of_a_candidate_when_the_job_ends() -> None:
    cluster = SimCluster()
    await cluster.replicated()
    await cluster.clock.sleep(DELAY_S + 1.0)
    assert candidate_files(cluster.nodes["node3"]) == {"ca.key", "database"}
    await cluster.run(op(master_candidate=False))
    assert candidate_files(cluster.nodes["node3"]) == set()
    assert cluster.view.node("node3").uuid not in cluster.view.cluster.candidate_certs


async def test_a_promoted_node_gets_all_of_a_candidate() -> None:
    cluster = cluster_of(**REGULAR)
    await cluster.run(op(master_candidate=True))
    assert cluster.nodes["node3"].has_authority_key
    node = cluster.view.node("node3")
    assert cluster.view.cluster.candidate_certs[node.uuid] == cluster.nodes["node3"].digest
    await cluster.replicated()
    assert cluster.nodes["node3"].backend.dump().contents == cluster.backend.dump().contents


async def test_a_drained_node_gets_no_new_instances() -> None:
    cluster = SimCluster()
    await cluster.run(op(drained=True))
    await assert_refused(cluster, create(pnode="node3"), ECode.STATE, "node3 is drained")


async def test_a_node_that_is_not_vm_capable_gets_no_instances() -> None:
    cluster = SimCluster()
    await cluster.run(op(vm_capable=False))
    await assert_refused(cluster, create(pnode="node3"), ECode.STATE, "node3", "vm_capable")


async def test_a_candidate_that_is_needed_is_replaced_where_that_is_asked() -> None:
    cluster = short()
    await assert_refused(cluster, op("node2", offline=True), ECode.STATE, "--auto-promote")
    await cluster.run(op("node2", offline=True, auto_promote=True))
    assert roles(cluster.view) == "MOCCR"
    digest = cluster.nodes["node4"].digest
    assert cluster.view.cluster.candidate_certs[cluster.view.node("node4").uuid] == digest


@pytest.mark.parametrize("promotes", [False, True])
async def test_others_are_locked_only_if_they_may_be_promoted(promotes: bool) -> None:
    cluster = SimCluster(4, options={"candidate_pool_size": 3})
    wanted = op("node2", master_candidate=False, auto_promote=promotes)
    async with cluster.lock_held("node4"):
        job = cluster.submit(wanted)
        await cluster.clock.sleep(5.0)
        assert (roles(cluster.view) == "MRCC") is not promotes
    await cluster.finished(job)


async def test_nobody_is_promoted_for_one_that_stays() -> None:
    cluster = short()
    await cluster.run(op("node2", vm_capable=False, auto_promote=True))
    assert roles(cluster.view) == "MCCRR"


async def test_one_that_does_not_answer_is_not_promoted() -> None:
    cluster = short()
    cluster.set_node("node5", master_candidate=False, master_capable=True)
    cluster.nodes["node4"].reachable = False
    await cluster.run(op("node2", offline=True, auto_promote=True))
    assert roles(cluster.view) == "MOCRC"


async def test_parameters_and_states_are_recorded_and_inherited_again() -> None:
    cluster = SimCluster()
    given = {
        "ndparams": {"ssh_port": 2222, "spindle_count": 4},
        "hv_state": {"kvm": {"mem_total": 1024}},
        "disk_state": {"plain": {"xenvg": {"disk_reserved": 512}}},
    }
    assert await cluster.run(op(**given)) == []
    node = cluster.view.node("node3")
    assert cluster.view.filled_ndparams(node).ssh_port == 2222
    assert cluster.view.hv_state(node)["kvm"]["mem_total"] == 1024
    assert cluster.view.disk_state(node)["plain"]["xenvg"]["disk_reserved"] == 512
    assert "node3=2222" in (cluster.nodes["node1"].ssconf("ssh_ports") or "")
    await cluster.run(op(ndparams={"ssh_port": "default"}))
    assert cluster.view.node("node3").ndparams == {"spindle_count": 4}


async def test_what_concerns_no_file_is_sent_to_nobody() -> None:
    cluster = SimCluster()
    await cluster.master()
    await cluster.clock.sleep(DELAY_S + 1.0)
    for node in cluster.nodes.values():
        node.ssconf_written.clear()
    await cluster.run(op(ndparams={"spindle_count": 4}))
    assert [node.ssconf_written for node in cluster.nodes.values()] == [[], [], []]


REFUSALS: list[tuple[dict[str, object], dict[str, object], ECode, str]] = [
    ({}, {}, ECode.INVAL, "nothing was given"),
    ({}, {"node_name": "node9", "offline": True}, ECode.NOENT, "node9"),
    ({}, {"node_name": "node1", "offline": True}, ECode.INVAL, "master-failover"),
    ({}, {"drained": True, "offline": True}, ECode.INVAL, "only one"),
    ({}, {"ndparams": {"exclusive_storage": True}}, ECode.INVAL, "exclusive_storage"),
    ({}, {"ndparams": {"ssh_port": 70000}}, ECode.INVAL, "ssh_port"),
    ({}, {"ndparams": {"colour": "red"}}, ECode.INVAL, "colour"),
    ({}, {"hv_state": {"vmware": {}}}, ECode.INVAL, "vmware"),
    ({}, {"hv_state": {"kvm": {"mem_total": -1}}}, ECode.INVAL, "mem_total"),
    ({}, {"disk_state": {"file": {"x": {}}}}, ECode.INVAL, "file"),
    ({}, {"powered": False}, ECode.STATE, "out-of-band"),
    (
        {**REGULAR, "offline": True, "powered": False, **OOB},
        {"offline": False},
        ECode.STATE,
        "switched off",
    ),
]


@pytest.mark.parametrize(("before", "parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    before: dict[str, object], parameters: dict[str, object], code: ECode, said: str
) -> None:
    wanted = make_op(OpNodeSetParams, **{"node_name": "node3", **parameters})
    await assert_refused(cluster_of(**before), wanted, code, said)


async def test_refuses_to_clear_vm_capable_under_instances() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1", node="node3", admin_state=AdminState.DOWN)
    await assert_refused(cluster, op(vm_capable=False), ECode.STATE, "has instances")


@pytest.mark.parametrize(
    ("before", "parameters"),
    [
        ({**REGULAR, "offline": True}, {"offline": False}),
        ({**REGULAR, "offline": True}, {"drained": True}),
        (REGULAR, {"master_candidate": True}),
    ],
)
async def test_a_node_that_joins_has_to_answer(
    before: dict[str, object], parameters: dict[str, object]
) -> None:
    cluster = cluster_of(**before)
    cluster.nodes["node3"].reachable = False
    await assert_refused(cluster, op(**parameters), ECode.STATE, "node3 does not answer")


async def test_a_node_with_anothers_certificate_has_to_be_added_again() -> None:
    cluster = cluster_of(**REGULAR, offline=True)
    cluster.nodes["node3"].install_certificate(cluster.ids.uuid())
    await assert_refused(cluster, op(offline=False), ECode.STATE, "--readd")


async def test_the_log_says_what_was_not_asked_for() -> None:
    cluster = cluster_of(**REGULAR, offline=True)
    job = cluster.submit(op(offline=False, drained=False))
    await cluster.finished(job)
    log = "\n".join(cluster.log(await job))
    assert "drained is not set on node3" in log
    assert "node3 becomes a master candidate: the pool is not full" in log
    assert "without being added again (--readd)" in log


async def test_hooks_know_what_was_decided() -> None:
    cluster = cluster_of(**REGULAR, offline=True)
    for name in ("node1", "node2", "node3"):
        for phase in ("pre", "post"):
            cluster.nodes[name].put_hook(f"node-modify-{phase}.d/10-log")
    await cluster.run(op(offline=False))
    ran = {name: len(cluster.nodes[name].programs.paths()) for name in cluster.nodes}
    # Not before it is online again.
    assert ran == {"node1": 2, "node2": 0, "node3": 1}
    env = cluster.nodes["node1"].programs.ran[0].env or {}
    wanted = {
        "MASTER_CANDIDATE": "True",
        "OFFLINE": "False",
        "DRAINED": "None",
        "MASTER_CAPABLE": "None",
        "VM_CAPABLE": "None",
        "OP_TARGET": "node3",
        "OBJECT_TYPE": "NODE",
    }
    assert {key: env[f"GANETI_{key}"] for key in wanted} == wanted


async def test_two_candidates_do_not_leave_at_once() -> None:
    cluster = SimCluster(4, options={"candidate_pool_size": 3})
    jobs = [cluster.submit(op(name, master_candidate=False)) for name in ("node2", "node3")]
    ends = await asyncio.gather(*map(cluster.finished, jobs), return_exceptions=True)
    assert [isinstance(end, OpPrereqError) for end in ends] == [False, True], ends
    assert roles(cluster.view) == "MRCC"


async def test_names_nodes_that_could_not_be_told() -> None:
    cluster = SimCluster()
    await cluster.replicated()
    cluster.nodes["node2"].reachable = False
    job = cluster.submit(op(master_candidate=False))
    await cluster.finished(job)
    assert any("node2 could not be told" in line for line in cluster.log(await job))


def regular() -> SimCluster:
    return cluster_of(**REGULAR)


def offline() -> SimCluster:
    return cluster_of(**REGULAR, offline=True)


FAULTS = [
    (short, op("node2", master_candidate=False, auto_promote=True)),
    (short, op("node2", offline=True, auto_promote=True)),
    (regular, op(master_candidate=True)),
    (offline, op(offline=False)),
    (SimCluster, op(drained=True)),
    (SimCluster, op(ndparams={"ssh_port": 23}, vm_capable=False)),
]


@pytest.mark.parametrize(("make", "wanted"), FAULTS)
async def test_unwinds_from_every_fault_point(
    make: Callable[[], SimCluster], wanted: OpNodeSetParams
) -> None:
    await assert_unwinds(make, wanted)
