"""OP_NETWORK_RENAME."""

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.network import OpNetworkRename
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, make_op
from tests.sim.instance.make import create
from tests.sim.network.make import networked

OP = OpNetworkRename(network_name="blue", new_name="green")


async def test_a_network_gets_another_name_and_keeps_its_nics() -> None:
    cluster = networked()
    before = cluster.view.network("blue")
    await cluster.run(create(nics=[{"network": "blue", "ip": "pool"}]))
    assert await cluster.run(OP) == "green"
    after = cluster.view.network("green")
    assert (after.uuid, after.reservations) == (before.uuid, "01000000")
    assert [one.name for one in cluster.view.instances_of_network(after.uuid)] == ["web1"]
    assert [change for change in changes(cluster) if "network" in change[1]] == []


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("red", "green", ECode.NOENT, "red"),
        ("blue", "blue", ECode.EXISTS, "blue"),
        ("blue", " green", ECode.INVAL, "blanks"),
    ],
)
async def test_refuses_before_any_change(old: str, new: str, code: ECode, said: str) -> None:
    op = make_op(OpNetworkRename, network_name=old, new_name=new)
    await assert_refused(networked(), op, code, said)


async def test_a_dry_run_says_what_it_would_do() -> None:
    cluster = networked()
    job = cluster.submit(OpNetworkRename(network_name="blue", new_name="green", dry_run=True))
    await cluster.finished(job)
    assert cluster.log(await job) == ["Dry run: would rename network blue to green"]


async def test_unwinds_from_every_fault_point() -> None:
    await assert_unwinds(networked, OP)
