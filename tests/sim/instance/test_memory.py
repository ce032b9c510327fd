"""Memory of a node is given out once, however many want it at the same time."""

import asyncio

from pyganeti.kit.files import write_atomic
from pyganeti.model.errors import ECode, GenericError
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import MEMORY_MIB
from tests.sim.asserting import assert_refused
from tests.sim.instance.make import create

EACH_MIB = MEMORY_MIB // 4 + 1


def large(number: int) -> OpInstanceCreate:
    return create(f"web{number}", beparams={"minmem": EACH_MIB, "maxmem": EACH_MIB})


async def test_creations_at_once_do_not_take_the_same_memory() -> None:
    cluster = SimCluster()
    await cluster.master()
    jobs = [cluster.submit(large(number)) for number in range(5)]
    ends = await asyncio.gather(*map(cluster.finished, jobs), return_exceptions=True)
    refused = [end for end in ends if isinstance(end, GenericError)]
    assert len(refused) == 2
    assert all("not enough memory" in str(error) for error in refused)
    running = [number for number in range(5) if cluster.guest_states(f"web{number}")]
    assert len(running) == 3 == len(cluster.view.instances)


async def test_a_node_that_does_not_allow_the_directory_is_refused_before_any_change() -> None:
    cluster = SimCluster()
    await cluster.master()
    write_atomic(cluster.nodes["node1"].paths.file_storage_paths, b"", durable=False)
    await assert_refused(cluster, create(), ECode.ENVIRON, "node1")
    assert cluster.rpc_changes == []
