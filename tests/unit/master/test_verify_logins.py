"""Who is to log in where for ``gnt-cluster verify``: enough to see, and no more."""

from pyganeti.master.lu.cluster.verify_question import Questions
from pyganeti.opcodes.cluster import OpClusterVerifyGroup
from pyganeti.testing.cluster import SimCluster

OP = OpClusterVerifyGroup(group_name="default")


def linked(nodes: int) -> SimCluster:
    return SimCluster(nodes, options={"modify_ssh_setup": True})


def logins(cluster: SimCluster, name: str) -> dict[str, int]:
    view = cluster.view
    node = view.node(name)
    return Questions(view, OP, node.group).of(node).logins


def test_a_candidate_tries_all_others_of_its_group() -> None:
    assert logins(linked(3), "node2") == {"node1": 22, "node3": 22}


def test_a_node_that_is_no_candidate_tries_none() -> None:
    cluster = linked(3)
    cluster.set_node("node2", master_candidate=False)
    assert logins(cluster, "node2") == {}
    assert "node2" in logins(cluster, "node1")


def test_where_ssh_is_not_ours_nobody_tries() -> None:
    assert logins(SimCluster(3, options={"modify_ssh_setup": False}), "node1") == {}


def test_one_that_is_offline_is_left_alone() -> None:
    cluster = linked(3)
    cluster.set_node("node3", offline=True, master_candidate=False)
    assert logins(cluster, "node1") == {"node2": 22}


def test_of_each_other_group_it_is_one_and_they_take_turns() -> None:
    cluster = linked(5)
    other = cluster.add_group("other")
    for name in ("node3", "node4", "node5"):
        cluster.set_node(name, group=other)
    assert logins(cluster, "node1") == {"node2": 22, "node3": 22}
    assert logins(cluster, "node2") == {"node1": 22, "node4": 22}
    assert logins(cluster, "node3") == {"node4": 22, "node5": 22, "node1": 22}


def test_a_node_with_another_port_is_tried_there() -> None:
    cluster = linked(2)
    cluster.set_node("node2", ndparams={"ssh_port": 2222})
    assert logins(cluster, "node1") == {"node2": 2222}
