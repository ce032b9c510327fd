"""The pool of candidates is kept full: a node leaves for good, or more are wanted."""

from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.opcodes.node import OpNodeRemove
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused
from tests.sim.node.test_set_params import roles

REMOVE = OpNodeRemove(node_name="node2")
MORE = OpClusterSetParams(candidate_pool_size=5)


def pool_of_three() -> SimCluster:
    """Six nodes: three candidates, one that is drained, one that is not capable, one regular."""
    cluster = SimCluster(6, options={"candidate_pool_size": 3})
    cluster.set_node("node4", master_candidate=False, drained=True)
    cluster.set_node("node5", master_candidate=False, master_capable=False)
    cluster.set_node("node6", master_candidate=False)
    return cluster


async def test_another_comes_in_for_a_candidate_that_is_removed() -> None:
    cluster = pool_of_three()
    await cluster.run(REMOVE)
    assert roles(cluster.view) == "MCDRC"
    found = cluster.view.node("node6")
    assert cluster.view.cluster.candidate_certs[found.uuid] == cluster.nodes["node6"].digest
    assert cluster.nodes["node6"].has_authority_key


async def test_nobody_comes_in_for_one_that_was_none() -> None:
    cluster = pool_of_three()
    await cluster.run(OpNodeRemove(node_name="node5"))
    assert roles(cluster.view) == "MCCDR"


async def test_more_are_promoted_when_more_are_wanted() -> None:
    cluster = pool_of_three()
    job = cluster.submit(MORE)
    await cluster.finished(job)
    assert roles(cluster.view) == "MCCDRC"
    assert "Node node6 becomes a master candidate" in cluster.log(await job)


async def test_none_is_demoted_when_fewer_are_wanted() -> None:
    cluster = pool_of_three()
    await cluster.run(OpClusterSetParams(candidate_pool_size=1))
    assert roles(cluster.view) == "MCCDRR"


async def test_one_that_does_not_answer_is_passed_over() -> None:
    cluster = pool_of_three()
    cluster.nodes["node6"].reachable = False
    await cluster.run(MORE)
    assert roles(cluster.view) == "MCCDRR"


async def test_the_next_one_comes_in_for_one_that_does_not_answer() -> None:
    cluster = SimCluster(5, options={"candidate_pool_size": 3})
    for name in ("node4", "node5"):
        cluster.set_node(name, master_candidate=False)
    cluster.nodes["node4"].reachable = False
    await cluster.run(REMOVE)
    assert roles(cluster.view) == "MCRC"


async def test_one_that_is_offline_is_not_asked_even_if_it_answers() -> None:
    cluster = pool_of_three()
    cluster.set_node("node4", drained=False, offline=True)
    await cluster.run(MORE)
    assert roles(cluster.view) == "MCCORC"


async def test_other_settings_promote_nobody() -> None:
    cluster = pool_of_three()
    await cluster.run(OpClusterSetParams(candidate_pool_size=3))
    await cluster.run(OpClusterSetParams(max_running_jobs=7))
    assert roles(cluster.view) == "MCCDRR"


async def test_a_refused_change_promotes_nobody() -> None:
    op = OpClusterSetParams(candidate_pool_size=5, mac_prefix="zz")
    await assert_refused(pool_of_three(), op, ECode.INVAL, "zz")


async def test_a_removal_can_be_repeated_after_any_fault() -> None:
    await assert_repeatable(pool_of_three, REMOVE)


async def test_a_larger_pool_can_be_asked_for_again_after_any_fault() -> None:
    await assert_repeatable(pool_of_three, MORE)
