"""Rows, statuses, names and what nodes are asked."""

import asyncio

import pytest

from pyganeti.kit import turns
from pyganeti.model.errors import (
    ECode,
    OpPrereqError,
    ParameterError,
    QueryFilterParseError,
)
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestState,
)
from tests.unit.model import make as m

from . import make
from .make import FakeLive, cluster, engine, guest, rows


async def test_result_has_definitions_and_cells() -> None:
    answer = await engine(cluster()).query("instance", ["name", "nonsense"], ["=", "name", "web1"])
    assert answer["fields"][0]["title"] == "Instance"
    assert answer["fields"][1] == {
        "name": "nonsense",
        "title": "nonsense",
        "kind": "unknown",
        "doc": "Unknown field 'nonsense'",
    }
    assert answer["data"] == [[[0, "web1.example.com"], [1, None]]]


async def test_all_objects_come_in_natural_order() -> None:
    found = await rows("instance", ["name"])
    assert found == [["web1.example.com"], ["web2.example.com"], ["web10.example.com"]]


async def test_listed_names_come_as_asked_even_twice() -> None:
    names = ["|", ["=", "name", "web10"], ["==", "name", "web1"], ["=", "name", "web10"]]
    found = await rows("instance", ["name"], names)
    assert found == [["web10.example.com"], ["web1.example.com"], ["web10.example.com"]]
    with pytest.raises(OpPrereqError) as refused:
        await rows("instance", ["name"], ["|", ["=", "name", "web1"], ["=", "name", "web3"]])
    assert refused.value.code is ECode.NOENT


@pytest.mark.parametrize(
    ("qfilter", "names"),
    [
        (["=", "admin_state", "down"], ["web2"]),
        (["!=", "admin_state", "down"], ["web1", "web10"]),
        (["&", ["=", "pnode", "node1"], ["?", "admin_up"]], ["web1"]),
        (["!", ["=", "pnode", "node1"]], ["web10"]),
        (["|", ["=[]", "snodes", "node2"], ["=~", "name", "^web10"]], ["web2", "web10"]),
        # Where there is no value the condition holds, and its negation does not.
        ([">=", "disk.size/0", 1024], ["web1", "web2", "web10"]),
        (["!", [">=", "disk.size/0", 1024]], []),
        (["<", "disk.count", 1], ["web10"]),
        (["=[]", "nic.ips", "192.0.2.9"], ["web1"]),
        (["==", "network_port", 5], ["web1", "web2", "web10"]),
        (["&"], ["web1", "web2", "web10"]),
        (["|"], []),
    ],
)
async def test_filters(qfilter: object, names: list[str]) -> None:
    found = await rows("instance", ["name"], qfilter)
    assert [row[0].partition(".")[0] for row in found] == names


@pytest.mark.parametrize(
    "qfilter",
    [
        [],
        "name",
        ["=", "name"],
        ["~", "name", "x"],
        ["=~", "name", "("],
        ["!", ["=", "name", "a"], ["=", "name", "b"]],
        [["="], "name", "a"],
        ["|", ["=", "name", "a"], "name"],
    ],
)
async def test_broken_filters_are_refused(qfilter: object) -> None:
    with pytest.raises(QueryFilterParseError):
        await rows("instance", ["name"], qfilter)


@pytest.mark.parametrize("name", ["nonsense", ["name"], None])
async def test_a_filter_by_an_unknown_field_is_refused(name: object) -> None:
    with pytest.raises(ParameterError, match="unknown field"):
        await rows("instance", ["name"], ["=", name, "a"])


async def test_a_very_deep_filter_is_refused() -> None:
    qfilter: list[object] = ["?", "admin_up"]
    for _ in range(1000):
        qfilter = ["!", qfilter]
    with pytest.raises(QueryFilterParseError, match="nested"):
        await rows("instance", ["name"], qfilter)


async def test_statuses_say_why_there_is_no_value() -> None:
    live = FakeLive(on_nodes={"node-1": {"web1.example.com": guest("web1.example.com")}})
    fields = ["status", "oper_state", "oper_ram", "oper_vcpus"]
    found = await rows("instance", fields, live=live)
    assert found == [
        ["running", True, 256, 2],
        ["ADMIN_down", False, "(3)", "(3)"],
        ["ERROR_nodeoffline", "(2)", "(4)", "(4)"],
    ]
    assert await rows("instance", fields, ["=", "name", "web1"]) == [
        ["ERROR_nodedown", "(2)", "(2)", "(2)"]
    ]


async def test_a_guest_on_the_wrong_node_is_seen() -> None:
    guests = {"web2.example.com": guest("web2.example.com")}
    live = FakeLive(on_nodes={"node-1": {}, "node-2": guests})
    assert await rows("instance", ["status"], ["=", "name", "web2"], live=live) == [
        ["ERROR_wrongnode"]
    ]
    stopped = {"web2.example.com": guest("web2.example.com", GuestState.SHUTDOWN)}
    live = FakeLive(on_nodes={"node-1": {}, "node-2": stopped})
    assert await rows("instance", ["status"], ["=", "name", "web2"], live=live) == [["ADMIN_down"]]


@pytest.mark.parametrize("what", ["os", "extstorage"])
async def test_definitions_are_looked_for_where_guests_can_be(what: str) -> None:
    view = m.view(m.node(1), m.node(2, vm_capable=False), m.node(3, offline=True), m.node(4))
    live = FakeLive()
    await engine(view, live=live).query(what, ["name"], None)
    ((_, asked),) = live.asked
    assert asked == ("node-1", "node-4")


async def test_rows_are_made_in_turns_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "SLICE_S", -1.0)  # each row takes longer than a turn
    begun = 0

    def other() -> None:
        nonlocal begun
        begun += 1
        loop.call_soon(other)

    loop = asyncio.get_running_loop()
    loop.call_soon(other)
    await rows("group", ["name"])
    alone, begun = begun, 0
    assert len(await rows("instance", ["name"])) == 3
    assert begun > alone + 1


async def test_each_node_is_asked_once_and_only_where_needed() -> None:
    live = FakeLive(on_nodes={"node-1": {}, "node-2": {}})
    await rows("instance", ["name", "pnode"], ["?", "admin_up"], live=live)
    assert live.asked == []
    await rows("instance", ["status", "oper_ram"], ["!=", "status", "running"], live=live)
    assert live.asked == [("guests", ("node-1", "node-2"))]
    live.asked.clear()
    await rows("instance", ["status"], ["=", "disk_template", "file"], live=live)
    assert live.asked == [("guests", ("node-1",))]


async def test_consoles_are_asked_for_running_guests_only() -> None:
    live = FakeLive(
        on_nodes={"node-1": {"web1.example.com": guest("web1.example.com")}},
        console={"web1.example.com": ConsoleInfo(instance="web1.example.com", kind="msg")},
    )
    found = await rows("instance", ["console"], live=live)
    assert found[0][0]["kind"] == "msg"
    assert found[1:] == [["(3)"], ["(4)"]]
    assert live.asked[-1] == ("consoles", ("web1.example.com",))


async def test_devices_and_aliases() -> None:
    fields = ["disk.sizes", "sda_size", "sdb_size", "disk.name/0", "disk_template", "disk_usage"]
    assert await rows("instance", fields) == [
        [[1024], 1024, "(3)", "root", "file", 1024],
        [[1024], 1024, "(3)", "(3)", "drbd", 1152],
        [[], "(3)", "(3)", "(3)", "diskless", 0],
    ]
    fields = ["mac", "ip", "nic.ip/1", "bridge", "nic.bridges", "nic.network.name/1", "nic.modes"]
    assert await rows("instance", fields, ["=", "name", "web1"]) == [
        [
            "aa:00:00:00:00:01",
            "192.0.2.9",
            "(3)",
            "br0",
            ["br0", None],
            "lan",
            ["bridged", "routed"],
        ]
    ]


async def test_parameters_are_filled_and_the_cluster_s_own_left_out() -> None:
    fields = ["be/memory", "vcpus", "hv/acpi", "hv/boot_order", "hv/num_ttys", "osparams"]
    assert await rows("instance", fields, ["=", "name", "web1"]) == [
        [256, 1, False, "network", "(3)", {"a": "os", "b": "variant"}]
    ]
    ((hvparams,),) = await rows("instance", ["hvparams"], ["=", "name", "web1"])
    assert "migration_port" not in hvparams
    assert "kernel_args" in hvparams


async def test_a_forthcoming_instance_has_no_state() -> None:
    view = m.view(m.instance(1, primary_node="", forthcoming=True))
    answer = await engine(view).query("instance", ["status", "oper_state", "pnode"], None)
    assert answer["data"] == [[[3, None], [3, None], [3, None]]]


async def test_nodes() -> None:
    live = FakeLive(info={"node-1": make.INFO})
    fields = ["name", "role", "mtotal", "mfree", "mnode", "dtotal", "dfree", "ctotal", "bootid"]
    assert await rows("node", fields, live=live) == [
        ["node1.example.com", "M", 4096, 3000, 500, 1000, 700, 8, "boot-1"],
        ["node2.example.com", "R", *["(2)"] * 7],
        ["node3.example.com", "O", *["(4)"] * 7],
    ]
    assert live.asked == [("node_info", ("node-1", "node-2"))]
    fields = ["pinst_cnt", "pinst_list", "sinst_cnt", "sinst_list", "powered", "tags", "group"]
    assert await rows("node", fields) == [
        [2, ["web1.example.com", "web2.example.com"], 0, [], "(3)", ["a", "b"], "default"],
        [0, [], 1, ["web2.example.com"], True, [], "default"],
        [1, ["web10.example.com"], 0, [], "(3)", [], "default"],
    ]


async def test_groups_and_networks() -> None:
    fields = ["name", "node_cnt", "pinst_cnt", "alloc_policy", "ndp/ssh_port"]
    assert await rows("group", fields) == [["default", 3, 3, "preferred", 2222]]
    fields = ["name", "free_count", "reserved_count", "map", "external_reservations", "gateway"]
    assert await rows("network", fields) == [["lan", 4, 4, "XX.X...X", "198.51.100.3", "(3)"]]
    assert await rows("network", ["group_list", "inst_list"]) == [
        [[["default", "bridged", "br9", ""]], ["web1.example.com"]]
    ]


async def test_plain_rows_for_the_older_calls() -> None:
    queries = engine(cluster())
    fields = ["name", "network_port"]
    found = await queries.plain("instance", ["web2", "web1"], fields)
    assert found == [["web2.example.com", None], ["web1.example.com", None]]
    assert len(await queries.plain("node", [], ["name"])) == 3
    for query in (queries.plain, queries.listed):
        with pytest.raises(OpPrereqError, match="unknown output fields for node: nonsense"):
            await query("node", [], ["nonsense"])
        with pytest.raises(OpPrereqError, match="no locks"):
            await query("node", [], ["name"], lock=True)


async def test_an_unknown_name_beside_something_else_fits_nothing() -> None:
    queries = engine(cluster())
    nosuch = ["==", "name", "nosuch"]
    for other in (["=~", "name", "^web1[.]"], ["&", ["==", "name", "web1"]]):
        found = await queries.query("instance", ["name"], ["|", other, nosuch])
        assert found["data"] == [[[0, "web1.example.com"]]]
    for names in (["|", ["==", "name", "web1"], nosuch], nosuch):
        with pytest.raises(OpPrereqError, match="nosuch"):
            await queries.query("instance", ["name"], names)


async def test_lists_for_the_older_calls() -> None:
    queries = engine(cluster())
    names = ["web2", "nosuch", "web1.example.com", "web2.example.com"]
    assert await queries.listed("instance", names, ["name"]) == [
        ["web1.example.com"],
        ["web2.example.com"],
    ]
    assert await queries.listed("node", ["nosuch"], ["name"]) == []
    assert len(await queries.listed("node", [], ["name"])) == 3


async def test_fields_are_described_in_natural_order() -> None:
    queries = engine(cluster())
    names = [field["name"] for field in queries.query_fields("instance", None)["fields"]]
    assert names.index("disk.size/2") < names.index("disk.size/10")
    assert len(names) == 294
    (field,) = queries.query_fields("node", ["mfree"])["fields"]
    assert (field["title"], field["kind"]) == ("MFree", "unit")
