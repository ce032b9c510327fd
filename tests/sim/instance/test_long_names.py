"""Instances with names of the length that names may have."""

from pyganeti.master.instances.name import MAX_INSTANCE_NAME
from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceRemove, OpInstanceRename
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, make_op
from tests.sim.instance.make import create, stopped

LONGEST = ".".join(["x" * 63] * 4)[:MAX_INSTANCE_NAME]
TOO_LONG = f"{LONGEST}y"
SAID = f"{MAX_INSTANCE_NAME} characters at most"


async def test_the_longest_name_is_taken() -> None:
    cluster = SimCluster()
    await cluster.run(create(LONGEST))
    assert cluster.guest_states(LONGEST) == {"node1": "running"}
    await cluster.run(OpInstanceRemove(instance_name=LONGEST))
    assert cluster.view.instances == {}


async def test_a_longer_one_is_refused_with_the_limit() -> None:
    await assert_refused(SimCluster(), create(TOO_LONG), ECode.INVAL, SAID)
    op = make_op(OpInstanceRename, instance_name="web1", new_name=TOO_LONG, name_check=False)
    await assert_refused(stopped(), op, ECode.INVAL, SAID)


async def test_renaming_to_the_longest_and_back() -> None:
    cluster = stopped()
    there = make_op(OpInstanceRename, instance_name="web1", new_name=LONGEST, name_check=False)
    back = make_op(OpInstanceRename, instance_name=LONGEST, new_name="web1", name_check=False)
    await cluster.run(there)
    await cluster.run(back)
    assert cluster.instance("web1").name == "web1"
