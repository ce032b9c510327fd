"""Guests that their users shut down: what lists, checks and operations make of them."""

from typing import Any

import msgspec
import pytest

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.enums import AdminState, AdminStateSource, RebootType
from pyganeti.model.errors import ECode
from pyganeti.node.hypervisor.fake.records import Record
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterSetParams, OpClusterVerifyGroup
from pyganeti.opcodes.instance import (
    OpInstanceConsole,
    OpInstanceDeactivateDisks,
    OpInstanceFailover,
    OpInstanceMigrate,
    OpInstanceQueryData,
    OpInstanceReboot,
    OpInstanceRemove,
    OpInstanceRename,
    OpInstanceShutdown,
)
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_repeatable
from tests.sim.asserting import assert_refused, make_op
from tests.sim.instance.make import START, running, shared

BY_USER = OpInstanceShutdown(instance_name="web1", admin_state_source=AdminStateSource.USER)
ALLOW = OpClusterSetParams(enabled_user_shutdown=True)


async def shut_down(cluster: SimCluster | None = None) -> SimCluster:
    """``web1``, which should run, was shut down from inside; the cluster lets users do that."""
    cluster = cluster or await running()
    await cluster.run(ALLOW)
    books = cluster.nodes["node1"].guests
    record = books.get("web1")
    assert record is not None
    books.put(msgspec.structs.replace(record, ended=True))
    cluster.rpc_changes.clear()
    return cluster


async def listed(cluster: SimCluster) -> list[Any]:  # Any: values of fields
    methods = LuxiMethods(await cluster.master())
    fields = ["status", "oper_state", "oper_ram"]
    answer: Any = await methods.handle("Query", ["instance", fields, None])
    return [value for _status, value in msgspec.to_builtins(answer)["data"][0]]


async def is_clean(cluster: SimCluster) -> bool:
    return bool(await cluster.run(OpClusterVerifyGroup(group_name="default")))


async def test_it_is_told_apart_from_one_that_died() -> None:
    cluster = await shut_down()
    assert await listed(cluster) == ["USER_down", False, None]
    assert await is_clean(cluster)
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",)))
    assert answer["web1"]["run_state"] == "user down"
    cluster.nodes["node1"].guests.remove("web1")
    assert await listed(cluster) == ["ERROR_down", False, None]
    assert not await is_clean(cluster)


async def test_where_users_may_not_it_is_an_error() -> None:
    cluster = await shut_down()
    await cluster.run(OpClusterSetParams(enabled_user_shutdown=False))
    assert await listed(cluster) == ["ERROR_down", False, None]
    assert not await is_clean(cluster)
    answer = await cluster.run(OpInstanceQueryData(instances=("web1",)))
    assert answer["web1"]["run_state"] == "down"


async def test_what_follows_records_it_and_gives_up_what_it_held() -> None:
    cluster = await shut_down()
    await cluster.run(BY_USER)
    instance = cluster.instance("web1")
    assert instance.admin_state is AdminState.DOWN
    assert instance.admin_state_source is AdminStateSource.USER
    assert not instance.disks_active
    assert await listed(cluster) == ["USER_down", False, None]
    assert cluster.nodes["node1"].guests.names() == []
    assert await is_clean(cluster)


async def test_what_follows_comes_too_late_once_it_runs_again() -> None:
    cluster = await shut_down()
    await cluster.run(START)
    await assert_refused(cluster, BY_USER, ECode.STATE, "web1 runs")
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_it_is_started_by_its_administrator() -> None:
    cluster = await shut_down()
    await cluster.run(BY_USER)
    await cluster.run(START)
    assert cluster.guest_states("web1") == {"node1": "running"}
    assert cluster.instance("web1").admin_state_source is AdminStateSource.ADMIN
    assert await listed(cluster) == ["running", True, 128]


def shut_down_from_the_start() -> SimCluster:
    """As :func:`shut_down`, without any job before it."""
    cluster = SimCluster(options={"enabled_user_shutdown": True})
    cluster.add_instance("web1", admin_state=AdminState.UP)
    record = Record("web1", memory=128, vcpus=1, started=0.0, ended=True)
    cluster.nodes["node1"].guests.put(record)
    return cluster


async def test_what_follows_may_be_interrupted_anywhere() -> None:
    await assert_repeatable(shut_down_from_the_start, BY_USER)


@pytest.mark.parametrize(
    ("op", "parameters"),
    [
        (OpInstanceRename, {"new_name": "web2", "name_check": False, "ip_check": False}),
        (OpInstanceDeactivateDisks, {}),
        (OpInstanceRemove, {}),
    ],
)
async def test_what_needs_a_stopped_guest_takes_it(
    op: type[Opcode], parameters: dict[str, Any]
) -> None:
    cluster = await shut_down()
    if op is OpInstanceRename:
        await cluster.run(BY_USER)
    await cluster.run(make_op(op, instance_name="web1", **parameters))
    assert await is_clean(cluster)


async def test_a_reboot_starts_it() -> None:
    cluster = await shut_down()
    await cluster.run(OpInstanceReboot(instance_name="web1", reboot_type=RebootType.HARD))
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_it_has_no_console() -> None:
    op = OpInstanceConsole(instance_name="web1")
    await assert_refused(await shut_down(), op, ECode.STATE, "not running")


async def shut_down_on_shared_disks() -> SimCluster:
    cluster = shared()
    await cluster.run(START)
    return await shut_down(cluster)


async def test_it_is_not_migrated() -> None:
    cluster = await shut_down_on_shared_disks()
    op = OpInstanceMigrate(instance_name="web1", target_node="node2")
    await assert_refused(cluster, op, ECode.STATE, "web1")


async def test_failed_over_it_starts_there() -> None:
    cluster = await shut_down_on_shared_disks()
    await cluster.run(OpInstanceFailover(instance_name="web1", target_node="node2"))
    assert cluster.guest_states("web1") == {"node2": "running"}
    assert cluster.nodes["node1"].guests.names() == []
