"""OP_INSTANCE_QUERY_DATA."""

from pyganeti.model.errors import ECode
from pyganeti.opcodes.instance import OpInstanceQueryData
from tests.sim.asserting import assert_refused, changes
from tests.sim.instance.make import (
    create,
    empty,
    offline,
    on_offline_node,
    on_silent_node,
    running,
    stopped,
)


async def test_describes_a_running_instance() -> None:
    cluster = await running()
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",)))
    found = answer["web1"]
    assert found["run_state"] == "up"
    assert found["config_state"] == "up"
    assert found["pnode"] == "node1"
    assert found["disks"][0]["pstatus"][0] == "/srv/ganeti/file-storage/web1/0"
    assert found["nics"][0][4:6] == ["bridged", "br0"]
    assert changes(cluster) == []


async def test_static_asks_no_node() -> None:
    cluster = on_silent_node()
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",), static=True))
    assert answer["web1"]["run_state"] is None
    assert answer["web1"]["disks"][0]["pstatus"] is None


async def test_says_that_a_node_is_down() -> None:
    answer = await on_silent_node().run(OpInstanceQueryData())
    assert answer["web1"]["run_state"] == "(node down)"


async def test_says_down_for_a_stopped_one() -> None:
    answer = await stopped().run(OpInstanceQueryData(use_locking=True))
    assert answer["web1"]["run_state"] == "down"


async def test_says_offline_for_one_that_is_marked_so() -> None:
    answer = await (await offline()).run(OpInstanceQueryData())
    assert answer["web1"]["run_state"] == "offline"


async def test_asks_no_offline_node_and_says_so() -> None:
    cluster = on_offline_node()
    job = cluster.submit(OpInstanceQueryData())
    answer = await cluster.finished(job)
    assert (answer["web1"]["run_state"], answer["web1"]["disks"][0]["pstatus"]) == (None, None)
    (warning,) = cluster.log(await job)
    assert "node2" in warning
    assert "web1" in warning


async def test_gives_memory_its_old_name_too() -> None:
    answer = await stopped().run(OpInstanceQueryData())
    assert answer["web1"]["be_actual"]["memory"] == answer["web1"]["be_actual"]["maxmem"]


async def test_shows_no_private_value() -> None:
    cluster = empty()
    await cluster.run(create(osparams_private={"message": "sesame"}))
    answer = await cluster.run(OpInstanceQueryData())
    assert answer["web1"]["os_instance"] == {"message": "<redacted>"}
    assert "sesame" not in str(answer)


async def test_refuses_an_unknown_instance() -> None:
    op = OpInstanceQueryData(instances=("web9",))
    await assert_refused(stopped(), op, ECode.NOENT, "web9")
