"""The master's address and its own hooks: ``master-ip-turnup`` and ``master-ip-turndown``."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterActivateMasterIp, OpClusterDeactivateMasterIp
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import fails
from tests.sim.master.test_hooks_conformance import put_hooks, ran

SPECIAL: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "spec" / "hooks.json").read_text(encoding="utf-8")
)["special"]
CASES: list[tuple[Opcode, str]] = [
    (OpClusterActivateMasterIp(), "master-ip-turnup"),
    (OpClusterDeactivateMasterIp(), "master-ip-turndown"),
]


async def hooked(path: str) -> SimCluster:
    """The master's scripts of this name, which have not run since it started."""
    cluster = SimCluster()
    await cluster.master()
    await cluster.clock.sleep(10.0)
    put_hooks(cluster, path)
    return cluster


@pytest.mark.parametrize(("op", "path"), CASES, ids=[path for _, path in CASES])
async def test_they_run_on_the_master_before_and_after(op: Opcode, path: str) -> None:
    facts = SPECIAL[path]
    cluster = await hooked(path)
    await cluster.run(op)
    for phase in ("pre", "post"):
        found = ran(cluster, path, phase)
        assert found.keys() == {"node1"}
        (env,) = found["node1"]
        assert {f"GANETI_{name}" for name in facts["env"]} <= env.keys()
        assert env["GANETI_OP_CODE"] == facts["opcode"]
        assert env["GANETI_HOOKS_PHASE"] == phase
        assert env["GANETI_HOOKS_PATH"] == path
        assert env["GANETI_MASTER_IP"] == "192.0.2.250"
        assert env["GANETI_CLUSTER_IP_VERSION"] == "4"
        assert env["GANETI_CLUSTER"] == "cluster"
        assert env["GANETI_MASTER"] == "node1"


async def test_one_that_fails_before_keeps_the_address_as_it_is() -> None:
    cluster = await hooked("master-ip-turnup")
    cluster.nodes["node1"].programs.failing["turnup-pre.d/10-look"] = "not today"
    error = await fails(cluster, OpClusterActivateMasterIp())
    assert "not today" in str(error)
    assert ran(cluster, "master-ip-turnup", "post") == {}


async def test_one_that_fails_afterwards_does_not_matter() -> None:
    cluster = await hooked("master-ip-turndown")
    cluster.nodes["node1"].programs.failing["turndown-post.d/10-look"] = "not today"
    await cluster.run(OpClusterDeactivateMasterIp())
