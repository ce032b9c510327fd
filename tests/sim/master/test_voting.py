"""Who may be the master: the votes of all nodes, and what a former master finds."""

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.master.term import VOTING_S
from pyganeti.model.errors import ConfigurationError, NotMasterError
from pyganeti.testing.cluster import SimCluster


def names(cluster: SimCluster, voter: str, master: str, *, epoch: int = 0) -> None:
    """Let ``voter`` believe that ``master`` is the master, in a term."""
    paths = cluster.nodes[voter].paths
    write_atomic(paths.ssconf("master_node"), f"{master}\n".encode(), mode=0o444)
    write_atomic(paths.epoch_file, b"%d\n" % epoch, mode=0o600)


def epochs(cluster: SimCluster) -> list[int]:
    return [node.epoch for node in cluster.nodes.values()]


async def test_offline_nodes_vote_where_they_answer() -> None:
    cluster = SimCluster()
    for name in ("node2", "node3"):
        cluster.set_node(name, offline=True)
    cluster.nodes["node3"].reachable = False
    assert (await cluster.master()).epoch == 1
    assert cluster.nodes["node2"].epoch == 1


async def test_offline_nodes_that_do_not_answer_are_missing_votes() -> None:
    cluster = SimCluster()
    for name in ("node2", "node3"):
        cluster.set_node(name, offline=True)
        cluster.nodes[name].reachable = False
    before = cluster.clock.monotonic()
    with pytest.raises(ConfigurationError, match="1 of 3 nodes"):
        await cluster.master()
    assert cluster.clock.monotonic() - before >= VOTING_S


async def test_half_of_the_nodes_is_no_majority() -> None:
    cluster = SimCluster(4)
    names(cluster, "node3", "node2.example.com")
    names(cluster, "node4", "node2.example.com")
    with pytest.raises(
        ConfigurationError, match=r"2 of 4 nodes.*node3: says that node2"
    ) as refused:
        await cluster.master()
    assert "node4" in str(refused.value)
    assert epochs(cluster) == [0, 0, 0, 0]


async def test_a_master_whom_most_nodes_do_not_name_takes_no_term() -> None:
    cluster = SimCluster()
    for name in ("node2", "node3"):
        names(cluster, name, "node2.example.com")
    with pytest.raises(NotMasterError, match="2 of 3 nodes say that node2"):
        await cluster.master()
    assert epochs(cluster) == [0, 0, 0]


async def test_a_former_master_of_two_nodes_ends_at_once() -> None:
    cluster = SimCluster(2)
    names(cluster, "node2", "node2.example.com", epoch=7)
    before = cluster.clock.monotonic()
    with pytest.raises(NotMasterError, match="1 of 2 nodes say that node2"):
        await cluster.master()
    assert cluster.clock.monotonic() - before < VOTING_S
    assert epochs(cluster) == [0, 7]


async def test_one_that_has_not_heard_of_the_master_yet_does_not_keep_it_from_starting() -> None:
    cluster = SimCluster()
    names(cluster, "node3", "node2.example.com", epoch=7)
    assert (await cluster.master()).epoch == 8
    await cluster.replicated()
    assert epochs(cluster) == [8, 8, 8]


async def test_without_voting_nobody_is_heeded() -> None:
    cluster = SimCluster(voting=False)
    for name in ("node2", "node3"):
        names(cluster, name, "node2.example.com", epoch=7)
    assert (await cluster.master()).epoch == 8


async def test_a_node_that_hangs_does_not_hold_up_the_vote() -> None:
    cluster = SimCluster()
    async with cluster.held_up("node3", "master_node_name"):
        before = cluster.clock.monotonic()
        await cluster.master()
        assert cluster.clock.monotonic() - before < VOTING_S
