"""What allocators are asked, and which answers count."""

from typing import Any

import pytest

from pyganeti.master.iallocator.requests import (
    Allocate,
    AllocateSecondary,
    ChangeGroup,
    MultiAllocate,
    NodeEvacuate,
    Relocate,
)
from pyganeti.model.enums import DiskTemplate, EvacMode, Hypervisor
from pyganeti.model.errors import OpExecError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceMigrate
from pyganeti.testing.cluster import SimCluster
from tests.sim.instance.make_drbd import drbd, mirrored


async def known() -> SimCluster:
    """Three nodes, ``web1`` mirrored on the first two, ``web2`` on shared storage."""
    cluster = drbd()
    cluster.add_instance("web2", shared=True)
    await cluster.run(mirrored({"size": 64}, start=False))
    return cluster


def new(name: str = "web3", template: DiskTemplate = DiskTemplate.DRBD, **more: Any) -> Allocate:
    """A new instance. Any: fields of the request."""
    return Allocate(
        name,
        template,
        ({"size": 100, "mode": "rw"}, {"size": 20, "mode": "ro"}),
        (),
        memory=128,
        vcpus=1,
        spindle_use=1,
        os="noop",
        hypervisor=Hypervisor.FAKE,
        **more,
    )


async def view_of() -> ClusterView:
    return (await known()).view


async def test_allocate_asks_for_as_many_nodes_as_the_template_needs() -> None:
    view = await view_of()
    asked = new(among=("node1", "node3"), group="default").asked(view)
    assert (asked["required_nodes"], asked["disk_space_total"]) == (2, 120 + 2 * 128)
    assert asked["restrict-to-nodes"] == ["node1", "node3"]
    plain = new(template=DiskTemplate.PLAIN).asked(view)
    assert (plain["required_nodes"], plain["disk_space_total"]) == (1, 120)
    assert "restrict-to-nodes" not in plain
    assert new(template=DiskTemplate.SHAREDFILE).asked(view)["disk_space_total"] == 0
    assert set(plain) == {
        "type", "name", "disk_template", "group_name", "tags", "os", "vcpus", "memory",
        "spindle_use", "disks", "disk_space_total", "nics", "required_nodes", "hypervisor",
    }  # fmt: skip


async def test_allocate_reads_nodes() -> None:
    view = await view_of()
    assert [node.name for node in new().read(["node2", "node1"], view)] == ["node2", "node1"]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (["node1"], "1 nodes"),
        (["node1", "node1"], "1 nodes"),
        (["node1", "node2", "node3"], "3 nodes"),
        (["node1", "node9"], "node9"),
        (["node1", "node2"], "not to be had"),
        (["node1", 3], "shape"),
        ({"node1": 1}, "shape"),
        (None, "shape"),
        ("node1", "shape"),
    ],
)
async def test_allocate_refuses_other_answers(result: object, said: str) -> None:
    with pytest.raises(OpExecError, match=said):
        new(among=("node1", "node3")).read(result, await view_of())


async def test_relocate_names_the_node_that_is_left() -> None:
    view = await view_of()
    mirror, shared = Relocate(view.instance("web1")), Relocate(view.instance("web2"))
    assert mirror.asked(view) == {
        "type": "relocate",
        "name": "web1",
        "disk_space_total": 64 + 128,
        "required_nodes": 1,
        "relocate_from": ["node2"],
    }
    assert shared.asked(view)["relocate_from"] == ["node1"]
    assert mirror.read(["node3"], view).name == "node3"
    for result in (["node1"], ["node2"], ["node1", "node3"], []):
        with pytest.raises(OpExecError):
            mirror.read(result, view)


async def test_relocate_stays_in_the_group() -> None:
    cluster = SimCluster()
    cluster.add_instance("web2", shared=True)
    cluster.set_node("node3", group=cluster.add_group("rack2"))
    request = Relocate(cluster.view.instance("web2"))
    assert request.read(["node2"], cluster.view).name == "node2"
    with pytest.raises(OpExecError, match="another node group"):
        request.read(["node3"], cluster.view)


async def test_a_secondary_is_one_name() -> None:
    view = await view_of()
    request = AllocateSecondary(view.instance("web2"))
    assert request.asked(view) == {"type": "allocate-secondary", "name": "web2"}
    assert request.read("node3", view).name == "node3"
    for result in (["node3"], "node1", "node9", None):
        with pytest.raises(OpExecError):
            request.read(result, view)


async def test_moves_are_read_with_their_jobs() -> None:
    view = await view_of()
    instance = view.instance("web1")
    move = {"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1"}
    result = [[["web1", "rack2", ["node3", "node2"]]], [["web1", None]], [[move], [move, move]]]
    evacuate = NodeEvacuate((instance,), EvacMode.PRIMARY)
    change = ChangeGroup((instance,), tuple(view.groups.values()))
    assert evacuate.asked(view) == {
        "type": "node-evacuate",
        "instances": ["web1"],
        "evac_mode": "primary-only",
    }
    assert change.asked(view)["target_groups"] == list(view.groups)
    for request in (evacuate, change):
        found = request.read(result, view)
        assert found.moved == (("web1", ("node3", "node2")),)
        assert found.failed == (("web1", "no reason given"),)
        assert [len(job) for job in found.jobs] == [1, 2]
        assert isinstance(found.jobs[0][0], OpInstanceMigrate)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "shape"),
        ([[], []], "shape"),
        ([[], [], [{"OP_ID": "OP_INSTANCE_MIGRATE"}]], "shape"),
        ([[["web2", "g", []]], [], []], "web2"),
        ([[], [["web2", "why"]], []], "web2"),
        ([[], [], [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web2"}]]], "web2"),
        ([[], [], [[{"OP_ID": "OP_INSTANCE_REMOVE", "instance_name": "web1"}]]], "REMOVE"),
        ([[], [], [[{"OP_ID": "OP_NONSENSE"}]]], "NONSENSE"),
        ([[], [], [[{"OP_ID": "OP_INSTANCE_MIGRATE", "instance_name": "web1", "x": 1}]]], "x"),
    ],
)
async def test_moves_refuse_other_answers(result: object, said: str) -> None:
    view = await view_of()
    with pytest.raises(OpExecError, match=said):
        ChangeGroup((view.instance("web1"),), ()).read(result, view)


async def test_many_are_read_as_the_protocol_says_and_as_hail_does() -> None:
    view = await view_of()
    request = MultiAllocate((new("a"), new("b"), new("c", DiskTemplate.PLAIN)))
    assert [one["name"] for one in request.asked(view)["instances"]] == ["a", "b", "c"]
    found = request.read([[["a", ["node1", "node2"]]], ["b", ["c", "no memory"]]], view)
    assert [node.name for node in found.placed["a"]] == ["node1", "node2"]
    assert found.failed == {"b": "no reason given", "c": "no memory"}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ([[["a", ["node1", "node2"]]], []], "b"),
        ([[["a", ["node1"]], ["b", ["node1", "node2"]]], []], "1 nodes"),
        ([[["z", ["node1"]]], []], "z"),
        ([[["a", ["node1", "node2"]], ["b", ["node1", "node2"]]], ["b"]], "b"),
        ([[], ["a", "b", "z"]], "z"),
        ([["a"], ["b"]], "shape"),
    ],
)
async def test_many_refuse_other_answers(result: object, said: str) -> None:
    with pytest.raises(OpExecError, match=said):
        MultiAllocate((new("a"), new("b"))).read(result, await view_of())
