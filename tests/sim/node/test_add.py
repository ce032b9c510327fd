"""OP_NODE_ADD."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.node import OpNodeAdd
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, make_op

OP = OpNodeAdd(node_name="node4")


def prepared() -> SimCluster:
    """Three nodes and a machine that may join."""
    cluster = SimCluster()
    cluster.prepare_node("node4", "192.0.2.4")
    return cluster


def with_hosts_file() -> SimCluster:
    """The same where the master's hosts file is managed."""
    cluster = SimCluster(options={"modify_etc_hosts": True})
    cluster.prepare_node("node4", "192.0.2.4")
    return cluster


def coming_back() -> SimCluster:
    """``node3`` is marked offline, lost its role, and has a new certificate."""
    cluster = SimCluster()
    cluster.set_node("node3", offline=True, master_candidate=False)
    return cluster


async def test_the_node_becomes_a_member() -> None:
    cluster = prepared()
    await cluster.run(OP)
    node, machine = cluster.view.node("node4"), cluster.nodes["node4"]
    assert node.uuid == machine.uuid
    assert node.primary_ip == node.secondary_ip == "192.0.2.4"
    assert node.master_candidate
    assert cluster.view.cluster.candidate_certs[node.uuid] == machine.digest
    assert cluster.view.group_of(node).name == "default"


async def test_all_nodes_know_it_when_the_job_ends() -> None:
    cluster = prepared()
    await cluster.run(OP)
    for node in cluster.nodes.values():
        assert (node.ssconf("node_list") or "").split() == ["node1", "node2", "node3", "node4"]


async def test_it_gets_the_database_as_a_candidate() -> None:
    cluster = prepared()
    await cluster.run(OP)
    await cluster.replicated()
    assert cluster.nodes["node4"].backend.dump().contents == cluster.backend.dump().contents


async def test_no_more_candidates_than_the_pool_wants() -> None:
    cluster = SimCluster(options={"candidate_pool_size": 3})
    cluster.prepare_node("node4", "192.0.2.4")
    await cluster.run(OP)
    assert not cluster.view.node("node4").master_candidate
    assert cluster.nodes["node4"].uuid not in cluster.view.cluster.candidate_certs


async def test_takes_group_roles_and_parameters_asked_for() -> None:
    cluster = prepared()
    op = OpNodeAdd(
        node_name="node4",
        group="default",
        master_capable=False,
        vm_capable=False,
        ndparams={"spindle_count": 4},
    )
    await cluster.run(op)
    node = cluster.view.node("node4")
    assert (node.master_capable, node.vm_capable, node.master_candidate) == (False, False, False)
    assert node.ndparams == {"spindle_count": 4}


async def test_hooks_run_on_the_new_node_afterwards() -> None:
    cluster = prepared()
    for name in ("node1", "node4"):
        cluster.nodes[name].put_hook("node-add-pre.d/10-log")
        cluster.nodes[name].put_hook("node-add-post.d/10-log")
    await cluster.run(OP)
    ran = {
        name: [path.split("/")[-2] for path in cluster.nodes[name].programs.paths()]
        for name in ("node1", "node4")
    }
    assert ran == {"node1": ["node-add-pre.d", "node-add-post.d"], "node4": ["node-add-post.d"]}


async def test_a_node_comes_back() -> None:
    cluster = coming_back()
    await cluster.run(OpNodeAdd(node_name="node3", readd=True))
    node = cluster.view.node("node3")
    assert not node.offline
    assert node.master_candidate
    assert cluster.view.cluster.candidate_certs[node.uuid] == cluster.nodes["node3"].digest


REFUSALS = [
    ({"node_name": "node2"}, ECode.EXISTS, "node2"),
    ({"node_name": "node9", "readd": True}, ECode.NOENT, "node9"),
    ({"node_name": "node9"}, ECode.RESOLVER, "node9"),
    ({"node_name": "node 9"}, ECode.INVAL, "node 9"),
    ({"node_name": "node4", "primary_ip": "192.0.2.2"}, ECode.NOTUNIQUE, "node2"),
    ({"node_name": "node4", "primary_ip": "192.0.2.250"}, ECode.NOTUNIQUE, "cluster"),
    ({"node_name": "node4", "secondary_ip": "198.51.100.4"}, ECode.INVAL, "secondary"),
    ({"node_name": "node4", "primary_ip": "2001:db8::4"}, ECode.INVAL, "no IPv4 address"),
    ({"node_name": "node4", "group": "missing"}, ECode.NOENT, "missing"),
    ({"node_name": "node4", "ndparams": {"unknown": 1}}, ECode.INVAL, "unknown"),
]


@pytest.mark.parametrize(("parameters", "code", "said"), REFUSALS)
async def test_refuses_before_any_change(
    parameters: dict[str, object], code: ECode, said: str
) -> None:
    await assert_refused(prepared(), make_op(OpNodeAdd, **parameters), code, said)


async def test_refuses_a_machine_that_does_not_answer() -> None:
    cluster = prepared()
    cluster.nodes["node4"].reachable = False
    await assert_refused(cluster, OP, ECode.ENVIRON, "node4")


async def test_refuses_a_node_whose_certificate_is_for_another() -> None:
    cluster = coming_back()
    cluster.nodes["node3"].install_certificate(cluster.ids.uuid())
    op = OpNodeAdd(node_name="node3", readd=True)
    await assert_refused(cluster, op, ECode.STATE, "certificate")


async def test_names_the_nodes_that_could_not_be_told() -> None:
    cluster = prepared()
    cluster.nodes["node3"].reachable = False
    job = cluster.submit(OP)
    await cluster.finished(job)
    assert any("node3" in line for line in cluster.log(await job))


async def test_writes_the_masters_hosts_file_where_that_is_wanted() -> None:
    cluster = with_hosts_file()
    await cluster.run(OP)
    assert cluster.footprint()["node1/hosts/node4"] == "192.0.2.4"


async def test_two_at_once_make_one_node() -> None:
    cluster = prepared()
    first, second = cluster.submit(OP), cluster.submit(OP)
    await cluster.finished(first)
    with pytest.raises(Exception, match="already in the cluster"):
        await cluster.finished(second)


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(with_hosts_file, OP)


async def test_coming_back_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(coming_back, OpNodeAdd(node_name="node3", readd=True))
