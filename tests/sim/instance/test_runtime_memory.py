"""OP_INSTANCE_SET_PARAMS: memory of a running guest."""

from typing import Any

import msgspec
import pytest

from pyganeti.model.errors import ECode, HypervisorError
from pyganeti.opcodes.instance import OpInstanceSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import START, running, stopped


def modify(**parameters: Any) -> OpInstanceSetParams:  # Any: opcode parameters
    return make_op(OpInstanceSetParams, instance_name="web1", **parameters)


MEMORY = {"minmem": 128, "maxmem": 512}


async def with_memory() -> SimCluster:
    """``web1`` runs with 512 MiB and may have 128."""
    cluster = stopped()
    await cluster.run(modify(beparams=MEMORY))
    await cluster.run(START)
    cluster.rpc_changes.clear()
    return cluster


def memory_of(cluster: SimCluster) -> int:
    record = cluster.nodes["node1"].guests.get("web1")
    assert record is not None
    return record.memory


async def test_a_guest_gives_up_memory_and_gets_it_back() -> None:
    cluster = await with_memory()
    serial = cluster.view.serial
    assert await cluster.run(modify(runtime_mem=200)) == [["runtime_memory", 200]]
    assert memory_of(cluster) == 200
    assert await cluster.run(modify(runtime_mem=512)) == [["runtime_memory", 512]]
    assert memory_of(cluster) == 512
    assert {call for _, call in changes(cluster)} == {"instance_balloon_memory"}
    # Nothing of it stands in the configuration.
    assert cluster.view.serial == serial


async def test_together_with_parameters() -> None:
    cluster = await with_memory()
    op = modify(runtime_mem=100, beparams={"minmem": 64})
    assert await cluster.run(op) == [["be/minmem", 64], ["runtime_memory", 100]]
    assert memory_of(cluster) == 100


@pytest.mark.parametrize("wanted", [127, 513])
async def test_other_sizes_need_force(wanted: int) -> None:
    cluster = await with_memory()
    op = modify(runtime_mem=wanted)
    await assert_refused(cluster, op, ECode.INVAL, "from 128 to 512 MiB", str(wanted))


async def test_less_than_there_should_be_is_taken_by_force() -> None:
    cluster = await with_memory()
    await cluster.run(modify(runtime_mem=64, force=True))
    assert memory_of(cluster) == 64


async def test_more_than_it_was_started_with_fails_and_changes_nothing() -> None:
    cluster = await with_memory()
    op = modify(runtime_mem=1024, beparams={"maxmem": 1024})
    error = await fails(cluster, op)
    assert "web1 was started with 512 MiB" in str(error)
    assert isinstance(error, HypervisorError)
    assert cluster.instance("web1").beparams == MEMORY
    assert memory_of(cluster) == 512


async def test_refuses_one_that_does_not_run() -> None:
    await assert_refused(stopped(), modify(runtime_mem=128), ECode.STATE, "web1", "not running")


async def test_more_memory_must_be_there() -> None:
    cluster = await with_memory()
    await cluster.run(modify(runtime_mem=128))
    books = cluster.nodes["node1"].guests
    record = books.get("web1")
    assert record is not None
    books.put(msgspec.structs.replace(record, name="other", memory=16200, started_with=0))
    await assert_refused(
        cluster, modify(runtime_mem=512), ECode.NORES, "node1", "384 MiB more, free "
    )


async def test_tells_a_dry_run_what_it_would_do() -> None:
    cluster = await with_memory()
    job = cluster.submit(modify(runtime_mem=200, dry_run=True))
    await cluster.finished(job)
    said = "\n".join(cluster.log(await job))
    assert "change the memory of its guest from 512 to 200 MiB" in said
    assert memory_of(cluster) == 512


async def test_unwinds_from_every_fault_point() -> None:
    op = modify(runtime_mem=200, beparams={"vcpus": 2})
    after = [modify(beparams=MEMORY), START]
    keeps = {"instances/web1/serial_no": "counts changes", "instances/web1/mtime": "as above"}
    await assert_unwinds(stopped, op, after=after, keeps=keeps)


async def test_a_guest_that_ended_meanwhile_needs_no_memory_back() -> None:
    cluster = await running()
    cluster.nodes["node1"].guests.remove("web1")
    await assert_refused(cluster, modify(runtime_mem=128), ECode.STATE, "not running")
