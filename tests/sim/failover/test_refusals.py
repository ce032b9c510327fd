"""What a takeover refuses, before it changes anything."""

from collections.abc import Callable

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.master.distribution import DELAY_S
from pyganeti.master.failover.known import read_known
from pyganeti.master.failover.takeover import Wishes
from pyganeti.model.errors import ECode, NotClusterError, OpExecError, OpPrereqError
from pyganeti.testing.cluster import SimCluster
from tests.sim.failover.make import Command, founded, tag

READS = {"master_node_name", "store_state"}


def silence(*names: str) -> Callable[[SimCluster], None]:
    def prepare(cluster: SimCluster) -> None:
        for name in names:
            cluster.nodes[name].reachable = False

    return prepare


def believe(master: str, *names: str) -> Callable[[SimCluster], None]:
    def prepare(cluster: SimCluster) -> None:
        for name in names:
            path = cluster.nodes[name].paths.ssconf("master_node")
            write_atomic(path, f"{master}\n".encode(), mode=0o444)

    return prepare


def candidates(*names: str) -> Callable[[SimCluster], None]:
    """Only these are candidates, as far as node2 knows."""

    def prepare(cluster: SimCluster) -> None:
        path = cluster.nodes["node2"].paths.ssconf("master_candidates")
        write_atomic(path, "\n".join(names).encode(), mode=0o444)

    return prepare


@pytest.mark.parametrize(
    ("node", "prepare", "text", "code"),
    [
        ("node1", silence(), "node1 is already the master", ECode.INVAL),
        ("node2", candidates("node1", "node3"), r"not a master candidate.*\nnode3$", ECode.STATE),
        ("node2", candidates("node1"), r"not a master candidate.*\n\(none\)$", ECode.STATE),
        ("node2", silence("node1", "node3", "node4"), r"only 2 of 5 nodes answer", ECode.ENVIRON),
        ("node2", silence("node2"), "own daemon does not answer", ECode.ENVIRON),
        (
            "node2",
            believe("node4", "node1", "node3", "node4"),
            "believes that node1 is the master, but 3 of 5 nodes say that it is node4",
            ECode.STATE,
        ),
        (
            "node2",
            believe("node4", "node2"),
            "believes that node4 is the master, but 4 of 5 nodes say that it is node1",
            ECode.STATE,
        ),
    ],
)
async def test_nothing_is_changed(
    node: str, prepare: Callable[[SimCluster], None], text: str, code: ECode
) -> None:
    cluster = await founded(5)
    epochs = [one.epoch for one in cluster.nodes.values()]
    prepare(cluster)
    command = Command(cluster, node)
    with pytest.raises(OpPrereqError, match=f"(?s){text}") as refused:
        await command.run()
    assert refused.value.args[1] == code
    assert set(command.client.procedures()) <= READS
    assert [one.epoch for one in cluster.nodes.values()] == epochs
    silence()(cluster)
    for one in cluster.nodes.values():
        one.reachable = True
    await cluster.run(tag("goes-on"))


async def test_too_few_candidates_are_refused_though_most_nodes_answer() -> None:
    cluster = await founded(5)
    for name in ("node4", "node5"):
        await cluster.mark_node(name, master_candidate=False)
    await cluster.clock.sleep(DELAY_S * 4)
    silence("node1", "node3")(cluster)
    command = Command(cluster)
    with pytest.raises(OpPrereqError, match="only 1 of 3 master candidates") as refused:
        await command.run()
    assert refused.value.args[1] == ECode.ENVIRON
    assert "node3" in str(refused.value)
    assert set(command.client.procedures()) <= READS


async def test_half_of_the_candidates_is_enough() -> None:
    cluster = await founded(3)
    await cluster.mark_node("node3", master_candidate=False)
    await cluster.run(tag("second"))
    await cluster.clock.sleep(DELAY_S * 4)
    silence("node1")(cluster)
    new = await Command(cluster).run()
    assert new.config.view.cluster.tags == ("first", "second")


async def test_a_candidate_by_its_own_files_only_is_refused_and_the_old_master_goes_on() -> None:
    cluster = await founded()
    cluster.nodes["node2"].reachable = False
    await cluster.mark_node("node2", master_candidate=False)
    await cluster.clock.sleep(DELAY_S * 4)
    cluster.nodes["node2"].reachable = True
    command = Command(cluster)
    with pytest.raises(OpExecError, match="not a master candidate any more"):
        await command.run()
    assert command.client.made[-1] == ("node_start_master_daemons", "node1")
    await cluster.run(tag("goes-on"))


@pytest.mark.parametrize("ignored", [True, False])
async def test_offline_nodes_count_only_if_they_are_asked_to(*, ignored: bool) -> None:
    cluster = await founded(5)
    for name in ("node4", "node5"):
        cluster.nodes[name].reachable = False
        await cluster.mark_node(name, offline=True, master_candidate=False)
    await cluster.clock.sleep(DELAY_S * 4)
    silence("node1")(cluster)
    command = Command(cluster, wishes=Wishes(ignore_offline=ignored))
    if not ignored:
        with pytest.raises(OpPrereqError, match="only 2 of 5 nodes answer"):
            await command.run()
        assert set(command.client.procedures()) <= READS
        return
    await command.run()
    assert not {"node4", "node5"} & {
        node for procedure, node in command.client.made if procedure == "master_node_name"
    }
    # Two of five could not win a vote.
    assert command.voting is False


def test_a_machine_without_a_cluster_knows_nothing(tmp_path: str) -> None:
    with pytest.raises(NotClusterError):
        read_known(Paths(str(tmp_path), "node1"), "node1")
