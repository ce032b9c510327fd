"""OP_TEST_ALLOCATOR."""

import json
from typing import Any

import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.test import OpTestAllocator
from pyganeti.testing.cluster import SimCluster
from tests.sim.asserting import assert_refused, changes, fails, make_op

NEW = {
    "name": "web9",
    "memory": 128,
    "vcpus": 1,
    "disks": [{"size": 100}, {"size": "1g", "mode": "ro"}],
    "disk_template": "plain",
    "os": "noop",
    "nics": [{"mac": "aa:00:00:00:00:01", "bridge": "br7"}],
}


def op(**parameters: Any) -> OpTestAllocator:  # Any: opcode parameters
    """Show the request."""
    return make_op(OpTestAllocator, **{"direction": "in", "name": "web1", **parameters})


def cluster() -> SimCluster:
    made = SimCluster()
    made.add_instance("web1")
    made.nodes["node1"].put_allocator("mine", "anything")
    return made


async def asked(**parameters: Any) -> dict[str, Any]:
    """The request in what an allocator is told."""
    made = cluster()
    told: dict[str, Any] = json.loads(await made.run(op(**parameters)))
    assert set(told["nodes"]) == {"node1", "node2", "node3"}
    assert "free_memory" in told["nodes"]["node1"]
    assert changes(made) == []
    request: dict[str, Any] = told["request"]
    return request


async def test_shows_requests_for_new_instances() -> None:
    one = await asked(mode="allocate", **NEW)
    assert (one["name"], one["required_nodes"], one["disk_space_total"]) == ("web9", 1, 1124)
    assert one["nics"][0]["bridge"] == "br7"
    many = await asked(mode="multi-allocate", count=3, **NEW)
    assert [each["name"] for each in many["instances"]] == ["web90", "web91", "web92"]


async def test_shows_requests_about_instances() -> None:
    assert (await asked(mode="relocate"))["relocate_from"] == ["node1"]
    assert await asked(mode="allocate-secondary") == {"type": "allocate-secondary", "name": "web1"}
    evacuate = await asked(mode="node-evacuate", instances=["web1"], evac_mode="primary-only")
    assert (evacuate["instances"], evacuate["evac_mode"]) == (["web1"], "primary-only")
    group = await asked(mode="change-group", target_groups=["default"])
    assert (group["instances"], len(group["target_groups"])) == (["web1"], 1)


async def test_shows_what_an_allocator_says_whatever_it_is() -> None:
    said = await cluster().run(op(mode="relocate", direction="out", iallocator="mine"))
    assert said == "anything"


async def test_names_an_allocator_that_does_not_work() -> None:
    error = await fails(cluster(), op(mode="relocate", direction="out", iallocator="other"))
    assert "there is no allocator 'other'" in str(error)


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"mode": "allocate", **NEW, "name": "web1"}, ECode.EXISTS, "web1"),
        ({"mode": "allocate", **NEW, "memory": None}, ECode.INVAL, "memory"),
        ({"mode": "multi-allocate", **NEW, "nics": None}, ECode.INVAL, "nics"),
        ({"mode": "relocate", "name": "web9"}, ECode.NOENT, "web9"),
        ({"mode": "change-group", "target_groups": ["rack9"]}, ECode.NOENT, "rack9"),
        ({"mode": "relocate", "direction": "out"}, ECode.INVAL, "-I"),
    ],
)
async def test_refuses_wrong_requests(parameters: dict[str, Any], code: ECode, said: str) -> None:
    await assert_refused(cluster(), op(**parameters), code, said)
