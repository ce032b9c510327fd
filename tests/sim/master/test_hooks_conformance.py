"""Every operation's hooks against the facts: names of variables, and nodes, before and after.

Those of node groups and networks are compared in ``tests/sim/group/test_hooks.py``.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pyganeti.master.lu.registry import LOGICAL_UNITS
from pyganeti.opcodes.backup import OpBackupExport
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import (
    OpClusterDestroy,
    OpClusterPostInit,
    OpClusterRename,
    OpClusterSetParams,
    OpClusterVerifyGroup,
)
from pyganeti.opcodes.group import OpGroupAdd, OpGroupAssignNodes
from pyganeti.opcodes.instance import (
    OpInstanceChangeGroup,
    OpInstanceFailover,
    OpInstanceGrowDisk,
    OpInstanceMigrate,
    OpInstanceMove,
    OpInstanceReboot,
    OpInstanceRecreateDisks,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceReplaceDisks,
    OpInstanceSetParams,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.opcodes.network import OpNetworkAdd, OpNetworkConnect
from pyganeti.opcodes.node import OpNodeAdd, OpNodeMigrate, OpNodeRemove, OpNodeSetParams
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import make_op
from tests.sim.group.test_hooks import CASES as OF_GROUPS
from tests.sim.instance.make_drbd import mirrored

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "hooks.json").read_text(encoding="utf-8")
)
OPERATIONS: dict[str, Any] = FACTS["operations"]
NODES = {"node1", "node2", "node3", "node4"}
# The object's name is given to all hooks, whether the facts list it or not.
COMMON = {*FACTS["_meta"]["common_env"], "GANETI_OP_TARGET"}
# What the facts call nodes: ``web1`` is on node2, mirrored on node3; node1 is the master.
ROLES = {
    "master": {"node1"},
    "master (run locally while destroying)": {"node1"},
    "primary": {"node2"},
    "old primary": {"node2"},
    "secondaries": {"node3"},
    "all nodes": NODES,
    "existing nodes": NODES,
    "nodes of the group": NODES,
}

Make = Callable[[], Awaitable[SimCluster]]


def fresh() -> SimCluster:
    """Four nodes with volumes and files, and a fifth machine."""
    templates = ["drbd", "plain", "file"]
    cluster = SimCluster(4, options={"enabled_disk_templates": templates})
    cluster.prepare_node("node5", "192.0.2.5")
    cluster.hosts["other"] = "192.0.2.77"
    return cluster


async def running(**parameters: Any) -> SimCluster:  # Any: opcode parameters
    """With ``web1``, which has a NIC in a network."""
    cluster = fresh()
    network = {"network_name": "blue", "network": "198.51.100.0/28"}
    link = {"group_name": "default", "network_mode": "bridged", "network_link": "br0"}
    await cluster.run(
        make_op(OpNetworkAdd, **network, gateway="198.51.100.1", network6="2001:db8::/64",
                gateway6="2001:db8::1", mac_prefix="aa:bb:cc", tags=["t"])
    )  # fmt: skip
    await cluster.run(make_op(OpNetworkConnect, network_name="blue", **link))
    nics = [{"network": "blue", "ip": "pool", "name": "eth"}]
    where = {"pnode": "node2", "snode": "node3", "nics": nics, **parameters}
    await cluster.run(mirrored(**where))
    return cluster


async def stopped() -> SimCluster:
    """The same, and ``web1`` does not run."""
    return await running(start=False)


async def on_volumes() -> SimCluster:
    """The same without a mirror."""
    return await running(start=False, disk_template="plain", snode=None)


async def exportable() -> SimCluster:
    """The same with an export script that writes something."""
    cluster = await stopped()
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = b"content"
    return cluster


async def lost() -> SimCluster:
    """The same, and its disks are gone."""
    cluster = await stopped()
    for name in ("node2", "node3"):
        cluster.nodes[name].volumes.disks.clear()
    return cluster


async def empty() -> SimCluster:
    """Without instances."""
    return fresh()


async def alone() -> SimCluster:
    """A single node."""
    return SimCluster(1)


async def grouped() -> SimCluster:
    """The same, and ``mine`` advises to move it to another group."""
    cluster = await running()
    await cluster.run(OpGroupAdd(group_name="rack2"))
    await cluster.run(OpGroupAssignNodes(group_name="rack2", nodes=("node4",)))
    answer = [[["web1", "rack2", ["node4"]]], [], [[]]]
    good = {"success": True, "info": "Request successful", "result": answer}
    cluster.nodes["node1"].put_allocator("mine", good)
    return cluster


def of(kind: type[Opcode], **parameters: Any) -> Opcode:  # Any: opcode parameters
    """An operation on ``web1``."""
    return make_op(kind, instance_name="web1", **parameters)


@dataclass(frozen=True, slots=True)
class Case:
    """An operation, a cluster for it, and whom the facts' words mean beyond :data:`ROLES`.

    Attributes:
        absent: variables that are given only where something else is asked for.
    """

    op: Opcode
    make: Make = running
    roles: dict[str, set[str]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()


IMPORTED = frozenset({"SRC_IMAGES", "SRC_NODE", "SRC_PATH"})
NEW_NODE = {"new node": {"node5"}}
NOT_REMOVED = {
    "all nodes but the removed one": NODES - {"node4"},
    "removed node (run early, before removal)": {"node4"},
}
CASES = [
    Case(of(OpBackupExport, target_node="node4"), exportable,
         {"export node (local mode)": {"node4"}}),
    Case(OpClusterDestroy(), alone),
    Case(OpClusterPostInit(), empty),
    Case(OpClusterRename(name="other"), empty),
    Case(make_op(OpClusterSetParams, max_running_jobs=5), empty),
    Case(OpClusterVerifyGroup(group_name="default"), empty),
    Case(of(OpInstanceChangeGroup, iallocator="mine", target_groups=["rack2"]), grouped),
    Case(mirrored(instance_name="web2", pnode="node2", snode="node3", nics=[]), empty,
         absent=IMPORTED),
    Case(of(OpInstanceFailover), roles={"target": {"node3"}}),
    Case(of(OpInstanceGrowDisk, disk=0, amount=1)),
    Case(of(OpInstanceMigrate), roles={"target": {"node3"}}),
    Case(of(OpInstanceMove, target_node="node4"), on_volumes, {"target": {"node4"}}),
    Case(of(OpInstanceReboot, reboot_type="hard")),
    Case(of(OpInstanceRecreateDisks), lost),
    Case(of(OpInstanceReinstall), stopped),
    Case(of(OpInstanceRemove), stopped),
    Case(of(OpInstanceRename, new_name="www", ip_check=False, name_check=False), stopped),
    Case(of(OpInstanceReplaceDisks, mode="replace_new_secondary", remote_node="node4",
            ignore_ipolicy=True), roles={"new secondary": {"node4"}}),
    Case(of(OpInstanceSetParams, runtime_mem=128), absent=frozenset({"NEW_DISK_TEMPLATE"})),
    Case(of(OpInstanceSetParams, disk_template="plain"), stopped,
         absent=frozenset({"RUNTIME_MEMORY"})),
    Case(of(OpInstanceShutdown)),
    Case(of(OpInstanceStartup), stopped),
    Case(OpNodeAdd(node_name="node5"), empty, NEW_NODE),
    Case(OpNodeMigrate(node_name="node2"), empty),
    Case(OpNodeRemove(node_name="node4"), empty, NOT_REMOVED),
    Case(OpNodeSetParams(node_name="node4", drained=True), empty, {"target node": {"node4"}}),
]  # fmt: skip


def test_every_operation_of_the_facts_is_compared() -> None:
    compared = {case.op.op_id() for case in CASES} | {op.op_id() for op, _, _ in OF_GROUPS}
    assert compared == OPERATIONS.keys()
    built = {op.op_id() for op, lu in LOGICAL_UNITS.items() if lu.hooks_path}
    assert built == OPERATIONS.keys()


def put_hooks(cluster: SimCluster, directory: str) -> None:
    """A script in both directories of an operation, on every machine."""
    for node in cluster.nodes.values():
        for phase in ("pre", "post"):
            node.put_hook(f"{directory}-{phase}.d/10-look")


def ran(cluster: SimCluster, directory: str, phase: str) -> dict[str, list[dict[str, str]]]:
    """By node, the environments with which a script ran there."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, node in cluster.nodes.items():
        for command in node.programs.ran:
            if command.argv[0].endswith(f"/{directory}-{phase}.d/10-look"):
                found.setdefault(name, []).append(dict(command.env or {}))
    return found


def instance_forms() -> list[str]:
    """Expressions that the variables of an instance match."""
    names = FACTS["instance_env"]
    return [re.sub(r"<\w+>", r"\\w+", name.replace("%d", r"\d+")) for name in names]


def check_names(env: dict[str, str], case: Case, phase: str) -> None:
    """All variables are there that the facts name, and no others."""
    facts = OPERATIONS[case.op.op_id()]
    assert env.keys() >= COMMON, sorted(COMMON - env.keys())
    own = {name.removeprefix("GANETI_") for name in env.keys() - COMMON}
    after = {name for name in own if name.startswith("POST_")}
    assert phase == "post" or not after
    wanted = {name for name in facts["env"] if "<" not in name} - case.absent - {"OP_TARGET"}
    forms = [re.sub(r"<\w+>", r"\\S+", name) for name in facts["env"] if "<" in name]
    if facts["instance_env"]:
        forms += instance_forms()
        plain = {name for name in FACTS["instance_env"] if "%" not in name and "<" not in name}
        wanted |= plain - {"OP_TARGET"}
    named = own - after
    assert wanted <= named, sorted(wanted - named)
    for name in (*(named - wanted), *(one.removeprefix("POST_") for one in after - wanted)):
        known = name in wanted | {"OP_TARGET"}
        assert known or any(re.fullmatch(form, name) for form in forms), name


@pytest.mark.parametrize("case", CASES, ids=[case.op.summary() for case in CASES])
async def test_an_operations_hooks_are_as_the_facts_say(case: Case) -> None:
    facts = OPERATIONS[case.op.op_id()]
    cluster = await case.make()
    put_hooks(cluster, facts["dir"])
    await cluster.run(case.op)
    roles = {**ROLES, **case.roles}
    if len(cluster.view.nodes) == 1:
        roles |= {"all nodes": {"node1"}}
    for phase in ("pre", "post"):
        found = ran(cluster, facts["dir"], phase)
        assert found.keys() == set().union(*(roles[word] for word in facts[f"{phase}_nodes"]))
        assert {len(environments) for environments in found.values()} <= {1}
        for (env,) in found.values():
            check_names(env, case, phase)
            assert env["GANETI_OBJECT_TYPE"] == facts["object_type"]
            assert env["GANETI_HOOKS_PHASE"] == phase
            assert env["GANETI_HOOKS_PATH"] == facts["dir"]
            assert env["GANETI_HOOKS_VERSION"] == str(FACTS["_meta"]["version"])
            assert env["GANETI_OP_CODE"] == case.op.op_id()
            assert env["PATH"] == FACTS["_meta"]["path"]
            assert env["GANETI_CLUSTER"] in ("cluster", "other")
            assert env["GANETI_MASTER"] == "node1"


async def test_all_that_is_known_of_an_instance_is_given() -> None:
    cluster = await stopped()
    put_hooks(cluster, "instance-start")
    await cluster.run(of(OpInstanceStartup))
    (env,) = ran(cluster, "instance-start", "pre")["node2"]
    unmet = [
        form
        for form in instance_forms()
        if not any(re.fullmatch(f"GANETI_{form}", name) for name in env)
    ]
    assert unmet == []
    assert env["GANETI_INSTANCE_NIC0_NETWORK_NAME"] == "blue"
    assert env["GANETI_INSTANCE_SECONDARIES"] == "node3"
