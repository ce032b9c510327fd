"""What only candidates may have: others are told to remove it."""

import os

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.master.distribution import DELAY_S, RETRY_S
from pyganeti.master.nodes import NodeWriter
from pyganeti.model.errors import OpExecError
from pyganeti.opcodes.cluster import OpClusterRedistConf
from pyganeti.testing.cluster import SimCluster
from pyganeti.wire.noderpc.store import NodeDemoteFromMcCall
from tests.sim.asserting import candidate_files

EVERYTHING = {"ca.key", "config.data", "database", "queue"}


async def equipped() -> SimCluster:
    """Three candidates that have all they need, exported files included."""
    cluster = SimCluster()
    await cluster.replicated()
    await cluster.clock.sleep(DELAY_S + 1.0)
    for node in cluster.nodes.values():
        os.makedirs(f"{node.paths.archive_dir}/0", exist_ok=True)
        for path in (node.paths.config_file, f"{node.paths.archive_dir}/0/job-1"):
            write_atomic(path, b"{}", mode=0o600)
    return cluster


async def test_a_demoted_node_loses_what_it_had_as_a_candidate() -> None:
    cluster = await equipped()
    assert candidate_files(cluster.nodes["node3"]) == EVERYTHING
    await cluster.mark_node("node3", master_candidate=False)
    await cluster.clock.sleep(DELAY_S + 1.0)
    assert candidate_files(cluster.nodes["node3"]) == set()
    assert candidate_files(cluster.nodes["node2"]) == EVERYTHING


async def test_a_node_that_is_promoted_again_gets_it_again() -> None:
    cluster = await equipped()
    for candidate in (False, True):
        await cluster.mark_node("node3", master_candidate=candidate)
        await cluster.clock.sleep(DELAY_S + 1.0)
    await cluster.replicated()
    assert candidate_files(cluster.nodes["node3"]) >= {"ca.key", "database"}
    assert cluster.nodes["node3"].backend.dump().contents == cluster.backend.dump().contents


async def test_a_node_that_is_demoted_again_loses_it_again() -> None:
    cluster = await equipped()
    for candidate in (False, True, False):
        await cluster.replicated()
        await cluster.mark_node("node3", master_candidate=candidate)
        await cluster.clock.sleep(RETRY_S * 2)
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_a_candidate_that_was_offline_gets_all_of_it_again() -> None:
    cluster = await equipped()
    await cluster.mark_node("node3", offline=True)
    await cluster.clock.sleep(DELAY_S + 1.0)
    # It was installed anew meanwhile.
    os.unlink(cluster.nodes["node3"].paths.ca_key)
    await cluster.mark_node("node3", offline=False)
    await cluster.clock.sleep(DELAY_S + 1.0)
    assert cluster.nodes["node3"].has_authority_key


async def test_one_that_is_offline_is_told_when_it_is_back() -> None:
    cluster = await equipped()
    await cluster.mark_node("node3", master_candidate=False, offline=True)
    await cluster.clock.sleep(RETRY_S * 3)
    assert candidate_files(cluster.nodes["node3"]) == EVERYTHING
    await cluster.mark_node("node3", offline=False)
    await cluster.clock.sleep(DELAY_S + 1.0)
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_one_that_was_missed_is_told_again() -> None:
    cluster = await equipped()
    cluster.nodes["node3"].reachable = False
    await cluster.mark_node("node3", master_candidate=False)
    await cluster.clock.sleep(RETRY_S)
    cluster.nodes["node3"].reachable = True
    await cluster.clock.sleep(RETRY_S * 2)
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_a_master_that_starts_tells_all_of_them() -> None:
    cluster = await equipped()
    await cluster.mark_node("node3", master_candidate=False)
    await cluster.kill_master()
    await cluster.replicated()
    await cluster.clock.sleep(RETRY_S * 2)
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_redist_conf_tells_all_of_them() -> None:
    cluster = await equipped()
    await cluster.mark_node("node3", master_candidate=False)
    await cluster.clock.sleep(DELAY_S + 1.0)
    write_atomic(cluster.nodes["node3"].paths.ca_key, b"put back by somebody", mode=0o400)
    await cluster.run(OpClusterRedistConf())
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_the_copy_stays_while_most_candidates_lack_changes() -> None:
    cluster = await equipped()
    cluster.nodes["node2"].reachable = False
    await cluster.mark_node("node3", master_candidate=False)
    await cluster.clock.sleep(RETRY_S * 3)
    assert candidate_files(cluster.nodes["node3"]) == EVERYTHING
    cluster.nodes["node2"].reachable = True
    await cluster.replicated()
    await cluster.clock.sleep(RETRY_S * 2)
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_the_copy_stays_until_the_one_in_its_place_has_all() -> None:
    cluster = SimCluster()
    cluster.set_node("node2", master_candidate=False)
    await cluster.replicated()
    async with cluster.held_up("node2", "store_load"):
        await cluster.mark_node("node2", master_candidate=True)
        await cluster.mark_node("node3", master_candidate=False)
        await cluster.clock.sleep(RETRY_S * 2)
        assert "database" in candidate_files(cluster.nodes["node3"])
    await cluster.replicated()
    await cluster.clock.sleep(RETRY_S * 2)
    assert candidate_files(cluster.nodes["node3"]) == set()


async def test_a_node_that_knows_itself_as_the_master_keeps_all() -> None:
    cluster = await equipped()
    master = await cluster.master()
    had = candidate_files(cluster.nodes["node1"])
    with pytest.raises(OpExecError, match="knows itself as the master"):
        await NodeWriter(master.access).call(
            cluster.view.node("node1").uuid, NodeDemoteFromMcCall()
        )
    assert {"ca.key", "config.data"} <= had
    assert candidate_files(cluster.nodes["node1"]) == had
