"""What queries ask of nodes: once each, all at once, only what is needed, and not for ever."""

import asyncio
import os
from collections import Counter
from typing import Any

import pytest

from pyganeti.master.luxi import LuxiMethods
from pyganeti.master.query.live import LIMIT_S
from pyganeti.model.enums import AdminState
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.testing.cluster import SimCluster

NODE_FIELDS = ["name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt"]
INSTANCE_FIELDS = ["name", "hypervisor", "os", "pnode", "status", "oper_ram"]


async def asked(
    cluster: SimCluster, *args: Any
) -> tuple[list[list[Any]], Counter[tuple[str, str]]]:
    """Rows of a query, and how often each node was asked what."""
    methods = LuxiMethods(await cluster.master())
    # What the starting master asks is none of this.
    await asyncio.sleep(60)
    cluster.rpc_reads.clear()
    answer = await methods.handle("Query", list(args))
    return answer["data"], Counter(cluster.rpc_reads)


def with_instances() -> SimCluster:
    cluster = SimCluster(4)
    for number in range(1, 7):
        cluster.add_instance(f"web{number}", node=f"node{number % 3 + 1}")
    return cluster


async def test_a_node_list_is_a_call_a_node() -> None:
    _, calls = await asked(SimCluster(4), "node", NODE_FIELDS, None)
    assert calls == {(f"node{number}", "node_info"): 1 for number in range(1, 5)}


async def test_an_instance_list_is_a_call_a_node_that_has_some() -> None:
    _, calls = await asked(with_instances(), "instance", INSTANCE_FIELDS, None)
    assert calls == {(f"node{number}", "all_instances_info"): 1 for number in range(1, 4)}


@pytest.mark.parametrize(
    ("what", "fields", "qfilter"),
    [
        ("node", ["name", "pinst_cnt", "role"], None),
        ("node", ["name"], ["?", "master_candidate"]),
        ("instance", ["name", "pnode", "be/vcpus", "disk.sizes"], None),
        ("instance", ["name"], ["=~", "name", "^web"]),
        ("group", ["name", "pinst_list", "ipolicy"], None),
        ("job", ["id", "status"], None),
    ],
)
async def test_what_the_configuration_knows_is_asked_of_no_node(
    what: str, fields: list[str], qfilter: object
) -> None:
    rows, calls = await asked(with_instances(), what, fields, qfilter)
    assert (len(rows) > 0 or what == "job", calls) == (True, Counter())


async def test_consoles_are_a_second_call_a_node_for_the_guests_that_run() -> None:
    cluster = with_instances()
    for name in ("web1", "web4", "web2"):
        await cluster.run(OpInstanceStartup(instance_name=name))
    rows, calls = await asked(cluster, "instance", ["name", "console"], None)
    assert [row[0][1] for row in rows if row[1][0] == 0] == ["web1", "web2", "web4"]
    consoles = {node: count for (node, call), count in calls.items() if "console" in call}
    assert consoles == {"node2": 1, "node3": 1}


async def test_a_filter_by_the_configuration_spares_the_nodes_of_the_others() -> None:
    qfilter = ["==", "pnode", "node2"]
    rows, calls = await asked(with_instances(), "instance", INSTANCE_FIELDS, qfilter)
    assert (len(rows), calls) == (2, {("node2", "all_instances_info"): 1})


async def test_a_filter_and_a_column_share_a_call() -> None:
    qfilter = ["==", "status", "ADMIN_down"]
    rows, calls = await asked(with_instances(), "instance", INSTANCE_FIELDS, qfilter)
    assert (len(rows), set(calls.values())) == (6, {1})


async def test_offline_nodes_are_not_asked() -> None:
    cluster = SimCluster()
    cluster.set_node("node3", offline=True)
    rows, calls = await asked(cluster, "node", ["mfree"], None)
    assert rows[2] == [[4, None]]
    assert ("node3", "node_info") not in calls


@pytest.mark.parametrize(
    ("what", "fields", "procedure"),
    [
        ("node", ["name", "mfree"], "node_info"),
        ("instance", ["name", "oper_ram"], "all_instances_info"),
        ("export", ["node", "export"], "export_list"),
    ],
)
async def test_a_node_that_hangs_costs_its_own_values_and_the_limit(
    what: str, fields: list[str], procedure: str
) -> None:
    cluster = SimCluster()
    for node in cluster.nodes:
        cluster.add_instance(f"on-{node}", node=node, admin_state=AdminState.DOWN)
    methods = LuxiMethods(await cluster.master())
    for node in cluster.nodes:
        await cluster.run(OpInstanceStartup(instance_name=f"on-{node}"))
        path = f"{cluster.nodes[node].paths.export_dir}/old"
        await asyncio.to_thread(os.mkdir, path)
    begin = cluster.clock.monotonic()
    async with cluster.held_up("node2", procedure):
        rows = (await methods.handle("Query", [what, fields, None]))["data"]
        took = cluster.clock.monotonic() - begin
    states = {row[0][1].removeprefix("on-"): row[1][0] for row in rows}
    assert states == {"node1": 0, "node2": 2, "node3": 0}
    assert took == pytest.approx(LIMIT_S, abs=0.1)


async def test_all_nodes_that_hang_cost_the_limit_once() -> None:
    cluster = SimCluster(4)
    methods = LuxiMethods(await cluster.master())
    begin = cluster.clock.monotonic()
    async with (
        cluster.held_up("node2", "node_info"),
        cluster.held_up("node3", "node_info"),
        cluster.held_up("node4", "node_info"),
    ):
        rows = (await methods.handle("Query", ["node", ["mfree"], None]))["data"]
        took = cluster.clock.monotonic() - begin
    assert [status for ((status, _),) in rows] == [0, 2, 2, 2]
    assert took == pytest.approx(LIMIT_S, abs=0.1)


async def test_exports_by_the_older_call() -> None:
    cluster = SimCluster()
    export_dir = cluster.nodes["node1"].paths.export_dir
    for name in ("web2", "web1", ".hidden"):
        await asyncio.to_thread(os.mkdir, f"{export_dir}/{name}")
    methods = LuxiMethods(await cluster.master())
    assert await methods.handle("QueryExports", [["node1"], False]) == [
        ["node1", "web1"],
        ["node1", "web2"],
    ]
