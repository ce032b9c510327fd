"""Hooks of operations on node groups and networks: variables and nodes as in the facts."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.group import (
    OpGroupAdd,
    OpGroupEvacuate,
    OpGroupRemove,
    OpGroupRename,
    OpGroupSetParams,
)
from pyganeti.opcodes.network import (
    OpNetworkAdd,
    OpNetworkConnect,
    OpNetworkDisconnect,
    OpNetworkRemove,
    OpNetworkRename,
    OpNetworkSetParams,
)
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op
from tests.sim.group.make import grouped

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "hooks.json").read_text(encoding="utf-8")
)
# Given to all hooks beside what the facts list as common.
OURS = {"GANETI_OP_TARGET"}

# An operation, its own variables, and the nodes that its hooks run on.
CASES: list[tuple[Opcode, dict[str, str], set[str]]] = [
    (
        make_op(OpGroupEvacuate, group_name="rack2", target_groups=["default"], iallocator="x"),
        {"GROUP_NAME": "rack2", "TARGET_GROUPS": "default"},
        {"node1", "node3"},
    ),
    (OpGroupAdd(group_name="rack9"), {"GROUP_NAME": "rack9"}, {"node1"}),
    (OpGroupRemove(group_name="rack3"), {"GROUP_NAME": "rack3"}, {"node1"}),
    (
        OpGroupRename(group_name="rack2", new_name="rack9"),
        {"OLD_NAME": "rack2", "NEW_NAME": "rack9"},
        {"node1", "node3"},
    ),
    (
        make_op(OpGroupSetParams, group_name="rack2", alloc_policy="unallocable"),
        {"GROUP_NAME": "rack2", "NEW_ALLOC_POLICY": "unallocable"},
        {"node1"},
    ),
    (
        make_op(OpGroupSetParams, group_name="rack2", ndparams={"ovs": True}),
        {"GROUP_NAME": "rack2", "NEW_ALLOC_POLICY": ""},
        {"node1"},
    ),
    (
        make_op(OpNetworkAdd, network_name="red", network="192.0.2.0/29", tags=["a", "b"]),
        {"NETWORK_NAME": "red", "NETWORK_SUBNET": "192.0.2.0/29", "NETWORK_TAGS": "a b"},
        {"node1"},
    ),
    (
        make_op(OpNetworkSetParams, network_name="blue", gateway="198.51.100.1"),
        {"NETWORK_NAME": "blue", "NETWORK_GATEWAY": "198.51.100.1"},
        {"node1"},
    ),
    (OpNetworkRemove(network_name="blue"), {"NETWORK_NAME": "blue"}, {"node1"}),
    (
        OpNetworkRename(network_name="green", new_name="red"),
        {"OLD_NAME": "green", "NEW_NAME": "red"},
        {"node1", "node3"},
    ),
    (
        make_op(
            OpNetworkConnect,
            network_name="blue",
            group_name="rack2",
            network_mode="openvswitch",
            network_link="ovs1",
            network_vlan=".5",
        ),
        {
            "GROUP_NAME": "rack2",
            "GROUP_NETWORK_MODE": "openvswitch",
            "GROUP_NETWORK_LINK": "ovs1",
            "GROUP_NETWORK_VLAN": ".5",
            "NETWORK_NAME": "blue",
        },
        {"node3"},
    ),
    (
        OpNetworkDisconnect(network_name="green", group_name="rack2"),
        {
            "GROUP_NAME": "rack2",
            "GROUP_NETWORK_MODE": "bridged",
            "GROUP_NETWORK_LINK": "br7",
            "GROUP_NETWORK_VLAN": "",
            "NETWORK_NAME": "green",
        },
        {"node3"},
    ),
]
GREEN = make_op(
    OpNetworkConnect,
    network_name="green",
    group_name="rack2",
    network_mode="bridged",
    network_link="br7",
)


async def networked() -> SimCluster:
    """The networks ``blue`` and ``green``, of which ``rack2`` is connected to the latter."""
    cluster = grouped()
    for name, subnet in (("blue", "198.51.100.0/29"), ("green", "203.0.113.0/29")):
        await cluster.run(make_op(OpNetworkAdd, network_name=name, network=subnet))
    await cluster.run(GREEN)
    return cluster


def hooks_of(cluster: SimCluster, script: str) -> dict[str, dict[str, str]]:
    """By node, the environment with which a script ran there."""
    return {
        name: dict(ran.env or {})
        for name, node in cluster.nodes.items()
        for ran in node.programs.ran
        if ran.argv[0].endswith(script)
    }


@pytest.mark.parametrize(
    ("op", "wanted", "nodes"), CASES, ids=[case[0].summary() for case in CASES]
)
async def test_hooks_get_what_the_facts_say_where_they_say(
    op: Opcode, wanted: dict[str, str], nodes: set[str]
) -> None:
    facts = FACTS["operations"][op.op_id()]
    scripts = {phase: f"{facts['dir']}-{phase}.d/10-log" for phase in ("pre", "post")}
    cluster = await networked()
    for node in cluster.nodes.values():
        for script in scripts.values():
            node.put_hook(script)
    await cluster.run(op)
    names = set(facts["env"])
    if facts.get("network_env"):
        names |= set(FACTS["network_env"])
    assert wanted.keys() <= names
    for script in scripts.values():
        found = hooks_of(cluster, script)
        assert found.keys() == nodes
        env = found[min(nodes)]
        own = env.keys() - OURS - set(FACTS["_meta"]["common_env"])
        plain = {name.removeprefix("GANETI_") for name in own if "GANETI_POST_" not in name}
        assert plain == names
        assert {name: env[f"GANETI_{name}"] for name in wanted} == wanted
        assert env["GANETI_OBJECT_TYPE"] == facts["object_type"]
