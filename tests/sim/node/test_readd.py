"""OP_NODE_ADD: what else is recorded of a new node, and of one that comes back."""

from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.node import OpNodeAdd
from pyganeti.store.interface import Put, Table, Transaction
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, candidate_files, make_op
from tests.sim.node.test_add import prepared

GIVEN: dict[str, Any] = {
    "ndparams": {"ssh_port": 2222},
    "hv_state": {"kvm": {"cpu_total": 8}},
    "disk_state": {"plain": {"xenvg": {"disk_total": 2048}}},
}


def away(**fields: object) -> SimCluster:
    """``node3`` was drained, is marked offline, and has parameters of its own."""
    cluster = SimCluster(options={"candidate_pool_size": 2})
    cluster.set_node(
        "node3", **{"offline": True, "master_candidate": False, "powered": False, **fields}
    )
    return cluster


def back(**parameters: Any) -> OpNodeAdd:  # Any: opcode parameters
    return make_op(OpNodeAdd, node_name="node3", readd=True, **parameters)


async def test_states_and_parameters_of_a_new_node_are_recorded() -> None:
    cluster = prepared()
    await cluster.run(make_op(OpNodeAdd, node_name="node4", **GIVEN))
    node = cluster.view.node("node4")
    assert node.ndparams == {"ssh_port": 2222}
    assert node.hv_state_static == {"kvm": {"cpu_total": 8}}
    assert node.disk_state_static == {"plain": {"xenvg": {"disk_total": 2048}}}


async def test_one_that_comes_back_keeps_what_is_not_given() -> None:
    cluster = away(ndparams={"spindle_count": 3}, hv_state_static={"kvm": {"mem_node": 512}})
    await cluster.run(back(**GIVEN, vm_capable=False))
    node = cluster.view.node("node3")
    assert (node.offline, node.powered, node.vm_capable) == (False, True, False)
    assert node.ndparams == {"spindle_count": 3, "ssh_port": 2222}
    assert node.hv_state_static == {"kvm": {"mem_node": 512, "cpu_total": 8}}
    assert not node.master_candidate


async def test_one_that_comes_back_as_no_candidate_has_nothing_of_one() -> None:
    cluster = away()
    node = cluster.nodes["node3"]
    node.backend.apply(Transaction(1, (Put(Table.CONFIG, "node/u", b"{}"),)))
    assert candidate_files(node) == {"database"}
    await cluster.run(back())
    assert candidate_files(node) == set()


async def test_one_that_may_not_be_a_candidate_any_more_is_none() -> None:
    cluster = away(master_candidate=True, offline=False)
    await cluster.run(back(master_capable=False))
    node = cluster.view.node("node3")
    assert (node.master_candidate, node.master_capable) == (False, False)
    assert node.uuid not in cluster.view.cluster.candidate_certs


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"group": "default"}, ECode.INVAL, "in its group already"),
        ({"secondary_ip": "not.an.address"}, ECode.INVAL, "not.an.address"),
        ({"hv_state": {"kvm": {"colour": 1}}}, ECode.INVAL, "colour"),
        ({"disk_state": {"file": {"x": {}}}}, ECode.INVAL, "file"),
        ({"ndparams": {"exclusive_storage": True}}, ECode.INVAL, "exclusive_storage"),
        ({"vm_capable": False}, ECode.STATE, "has instances"),
    ],
)
async def test_refuses_before_any_change(
    parameters: dict[str, Any], code: ECode, said: str
) -> None:
    cluster = away()
    cluster.add_instance("web1", node="node3")
    await assert_refused(cluster, back(**parameters), code, said)
