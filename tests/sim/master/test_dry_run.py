"""``--dry-run``: refuses as the real thing does, changes nothing, says what it leaves undone."""

import msgspec
import pytest

from pyganeti.model.enums import RebootType, TagKind
from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import (
    OpClusterRedistConf,
    OpClusterSetParams,
    OpClusterVerify,
)
from pyganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceGrowDisk,
    OpInstanceReboot,
    OpInstanceReinstall,
    OpInstanceRemove,
    OpInstanceShutdown,
    OpInstanceStartup,
)
from pyganeti.opcodes.node import OpNodeRemove
from pyganeti.opcodes.tags import OpTagsDel, OpTagsSet
from pyganeti.opcodes.test import OpTestDelay
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create, running, stopped

CASES: list[tuple[Opcode, list[str]]] = [
    (
        create("web2", disks=[{"size": 1024}]),
        [
            "create disk/0 (file, 1024 MiB) on node1",
            "add instance web2 to the configuration",
            "install noop+default",
            "start web2 on node1",
        ],
    ),
    (OpClusterRedistConf(), ["send 3 nodes the files that follow from the configuration"]),
    (OpClusterSetParams(candidate_pool_size=7), ["set candidate_pool_size"]),
    (OpInstanceActivateDisks(instance_name="web1"), ["activate the disks of web1"]),
    (
        OpInstanceGrowDisk(instance_name="web1", disk=0, amount=512),
        ["grow disk/0 of web1 from 1024 to 1536 MiB"],
    ),
    (
        OpInstanceReinstall(instance_name="web1"),
        ["install noop+default on the disks of web1, which are overwritten"],
    ),
    (
        OpInstanceRemove(instance_name="web1"),
        [
            "stop web1 on node1",
            "remove disk/0 (1024 MiB)",
            "remove instance web1 from the configuration",
        ],
    ),
    (
        OpInstanceStartup(instance_name="web1"),
        ["record that web1 should be up", "activate the disks of web1", "start web1 on node1"],
    ),
    (
        OpNodeRemove(node_name="node3"),
        [
            "remove node node3 from the configuration",
            "let node3 remove its cluster files and stop its daemon",
        ],
    ),
    (OpTagsSet(kind=TagKind.CLUSTER, tags=("a",)), ["add tag a"]),
    (
        OpTestDelay(duration=5.0, on_nodes=("node2",)),
        ["wait 5 s on the master", "wait 5 s on node2"],
    ),
]


async def outline(cluster: SimCluster, op: Opcode) -> list[str]:
    """What a dry run of ``op`` says; it changes nothing."""
    await cluster.master()
    cluster.rpc_changes.clear()
    before = cluster.footprint()
    job = cluster.submit(msgspec.structs.replace(op, dry_run=True))
    await cluster.finished(job)
    assert cluster.footprint() == before
    assert cluster.rpc_changes == []
    said = cluster.log(await job)
    assert all(line.startswith("Dry run: would ") for line in said)
    return [line.removeprefix("Dry run: would ") for line in said]


@pytest.mark.parametrize(("op", "said"), CASES, ids=lambda case: getattr(case, "OP_ID", ""))
async def test_says_what_it_would_do(op: Opcode, said: list[str]) -> None:
    assert await outline(stopped(), op) == said


async def test_of_a_running_guest() -> None:
    cluster = await running()
    reboot = OpInstanceReboot(instance_name="web1", reboot_type=RebootType.FULL)
    assert await outline(cluster, reboot) == ["stop web1 on node1", "start web1 on node1"]
    assert await outline(cluster, OpInstanceShutdown(instance_name="web1")) == [
        "record that web1 should be down",
        "stop web1 on node1",
    ]
    start = OpInstanceStartup(instance_name="web1")
    assert await outline(cluster, start) == ["change nothing"]


async def test_of_what_makes_jobs_makes_none() -> None:
    cluster = SimCluster()
    said = await outline(cluster, OpClusterVerify())
    assert said[0] == "submit a job of CLUSTER_VERIFY_CONFIG"
    assert (await cluster.master()).queue.serial == 1


async def test_refuses_as_the_real_thing_does() -> None:
    op = OpTagsDel(kind=TagKind.CLUSTER, tags=("none",), dry_run=True)
    await assert_refused(SimCluster(), op, ECode.NOENT, "none")


async def test_shows_no_secrets() -> None:
    secret = {"message": "sesame"}
    said = await outline(SimCluster(), create(osparams_secret=secret, osparams_private=secret))
    assert "sesame" not in " ".join(said)
