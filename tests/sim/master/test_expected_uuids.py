"""Opcodes that give UUIDs beside names."""

from typing import Any

import msgspec
import pytest

from pyganeti.model.errors import ECode
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.group import OpGroupAssignNodes
from pyganeti.opcodes.instance import OpInstanceMove, OpInstanceShutdown
from pyganeti.opcodes.registry import OPCODES
from tests.sim.asserting import assert_refused, make_op
from tests.sim.instance.make import create, running, stopped

OTHER = "00000000-0000-4000-8000-000000000000"


async def test_what_the_names_mean_is_as_expected() -> None:
    cluster = await running()
    web1, node1 = cluster.instance("web1"), cluster.view.node("node1")
    assert web1.primary_node == node1.uuid
    await cluster.run(OpInstanceShutdown(instance_name="web1", instance_uuid=web1.uuid))
    assert cluster.guest_states("web1") == {}


@pytest.mark.parametrize(
    ("cls", "parameters", "said"),
    [
        (OpInstanceShutdown, {"instance_uuid": OTHER}, "instance_name: web1"),
        (OpInstanceMove, {"target_node": "node2", "target_node_uuid": OTHER}, "target_node: node2"),
    ],
)
async def test_another_object_of_the_name_is_left_alone(
    cls: type[Opcode],
    parameters: dict[str, Any],  # Any: opcode parameters
    said: str,
) -> None:
    op = make_op(cls, instance_name="web1", **parameters)
    await assert_refused(await running(), op, ECode.STATE, said, OTHER)


async def test_lists_are_compared_one_by_one() -> None:
    cluster = stopped()
    uuids = [cluster.view.node(name).uuid for name in ("node1", "node2")]
    fields: dict[str, Any] = {"group_name": "default", "nodes": ["node1", "node2"]}
    turned = make_op(OpGroupAssignNodes, node_uuids=uuids[::-1], **fields)
    await assert_refused(cluster, turned, ECode.STATE, "nodes: node1", uuids[1])
    short = make_op(OpGroupAssignNodes, node_uuids=uuids[:1], **fields)
    await assert_refused(cluster, short, ECode.INVAL, "node_uuids has 1 UUIDs, nodes has 2 names")


async def test_a_uuid_without_its_name_is_refused() -> None:
    op = create("web2", snode_uuid=OTHER)
    await assert_refused(stopped(), op, ECode.INVAL, "snode_uuid has 1 UUIDs, snode has 0 names")


def test_every_uuid_of_an_opcode_has_a_name_beside_it() -> None:
    without = [
        (cls.op_id(), field.name)
        for cls in OPCODES
        for field in msgspec.structs.fields(cls)
        if field.name.endswith(("_uuid", "_uuids")) and not _has_name(cls, field.name)
    ]
    assert without == []


def _has_name(cls: type[Opcode], field: str) -> bool:
    stem = field.removesuffix("s").removesuffix("_uuid")
    return any(hasattr(cls, f"{stem}{ending}") for ending in ("", "s", "_name", "_names"))
