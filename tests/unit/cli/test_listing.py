"""Lists: alignment, units, states of values, fields, filters, exit code 14."""

import time
from typing import Any

import pytest

from pyganeti.cli.table import Column, lines

from .fake_master import FakeMaster, named_rows, query_answer, run

ANSWER = query_answer(
    [
        ("name", "Instance", "text"),
        ("oper_ram", "Memory", "unit"),
        ("auto", "Auto", "bool"),
        ("disk.sizes", "Disk_sizes", "other"),
        ("nic.names", "NIC_Names", "other"),
        ("tags", "Tags", "other"),
    ],
    [
        ["web1", 128, True, [1024, 512], ["a", None], ["x", "y"]],
        ["database", 2048, False, [], [], []],
        ["old", (3, None), (2, None), (4, None), (1, None), []],
    ],
)


def listed(words: str) -> list[str]:
    ran = run(f"gnt-instance list {words}", FakeMaster(answers={"Query": ANSWER}))
    return ran.out.splitlines()


def test_columns_are_aligned_and_the_last_is_not_padded() -> None:
    assert listed("") == [
        "Instance Memory Auto Disk_sizes NIC_Names   Tags",
        "web1       128M Y    1024,512   ['a', None] x,y",
        "database   2.0G N               []          ",
        "old           - ?    *          ??          ",
    ]


def test_verbose_words() -> None:
    line = listed("-v --no-headers --separator=:")[2]
    assert line == "old:(unavail):(nodata):(offline):(unknown):"


def test_a_separator_prints_mebibytes() -> None:
    assert listed("--separator=:")[1] == "web1:128:Y:1024,512:['a', None]:x,y"


def test_units() -> None:
    assert listed("--units m --no-headers")[1].split()[1] == "2048"
    assert listed("--units g --separator : --no-headers")[1].split(":")[1] == "2.0"


def test_an_empty_table_has_its_titles() -> None:
    assert lines([Column("A"), Column("B", True)], [], headers=True, separator=None) == ["A B"]
    assert lines([Column("A")], [], headers=False, separator=None) == []


@pytest.mark.parametrize(
    ("line", "what", "fields"),
    [
        ("gnt-instance list", "instance", "name,hypervisor,os,pnode,status,oper_ram"),
        ("gnt-node list", "node", "name,dtotal,dfree,mtotal,mnode,mfree,pinst_cnt,sinst_cnt"),
        ("gnt-group list", "group", "name,node_cnt,pinst_cnt,alloc_policy,ndparams"),
        ("gnt-job list", "job", "id,status,summary"),
        ("gnt-network list", "network", "name,network,gateway,mac_prefix,group_list,tags"),
        ("gnt-debug locks", "lock", "name,mode,owner,pending"),
        ("gnt-debug waits", "wait", "id,kind,on,mode,since,holders,ahead"),
        ("gnt-node list -o +tags", "node",
         "name,dtotal,dfree,mtotal,mnode,mfree,pinst_cnt,sinst_cnt,tags"),
        ("gnt-node list -o name,tags", "node", "name,tags"),
    ],
)  # fmt: skip
def test_fields_asked(line: str, what: str, fields: str) -> None:
    master = FakeMaster(answers={"Query": query_answer([], [])})
    run(line, master)
    assert master.of("Query") == [[what, fields.split(","), None]]


@pytest.mark.parametrize(
    ("line", "qfilter"),
    [
        ("gnt-node list n1 n2", ["|", ["==", "name", "n1"], ["==", "name", "n2"]]),
        ("gnt-node list n*", ["|", ["=~", "name", r"^n[^.]*(\..*)?$"]]),
        ("gnt-job list 4", ["|", ["==", "id", 4]]),
        ("gnt-job list --error", ["|", ["==", "status", "error"]]),
        ("gnt-job list --running 4",
         ["&", ["|", ["==", "id", 4]], ["|", ["==", "status", "running"]]]),
    ],
)  # fmt: skip
def test_names_become_filters(line: str, qfilter: object) -> None:
    master = FakeMaster(answers={"Query": query_answer([], [])})
    run(line, master)
    assert master.of("Query")[0][2] == qfilter


@pytest.mark.parametrize(
    ("words", "qfilter"),
    [
        (["name == 'n1'"], ["==", "name", "n1"]),
        (["-F", "drained"], ["?", "drained"]),
        (["not drained"], ["!", ["?", "drained"]]),
        (["be/vcpus"], ["?", "be/vcpus"]),
        (["a b", "c"], ["|", ["==", "name", "a b"], ["==", "name", "c"]]),
    ],
)
def test_a_single_argument_may_be_a_filter(words: list[str], qfilter: object) -> None:
    master = FakeMaster(answers={"Query": query_answer([], [])})
    run(["gnt-node", "list", *words], master)
    assert master.of("Query")[0][2] == qfilter


def test_a_broken_filter_shows_its_place_and_asks_nothing() -> None:
    master = FakeMaster()
    ran = run(["gnt-node", "list", "name == n1"], master)
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "Error while parsing query filter: expected a number or a text in quotes, found 'n1'"
        " (line 1, column 9)",
        "name == n1",
        "        ^",
    ]
    assert not master.calls


@pytest.mark.parametrize("names", [[], ["a", "b"]])
def test_a_forced_filter_is_one_argument(names: list[str]) -> None:
    ran = run(["gnt-node", "list", "-F", *names], FakeMaster())
    assert ran.code == 1
    assert ran.err.endswith("wrong_input, error details:\nExactly one argument must be given as a "
                            "filter\n")  # fmt: skip


def test_an_unknown_field_exits_14() -> None:
    answer = query_answer([("x", "x", "unknown")], [[(1, None)]])
    ran = run("gnt-node list -o x", FakeMaster(answers={"Query": answer}))
    assert (ran.code, ran.out) == (14, "x\n??\n")
    assert ran.err == "Warning: Queried for unknown fields x\n"


def test_list_fields() -> None:
    fields = [{"name": "dfree", "title": "DFree", "kind": "unit", "doc": "free"}]
    master = FakeMaster(answers={"QueryFields": {"fields": fields}})
    ran = run("gnt-node list-fields dfree", master)
    assert ran.out.splitlines() == [
        "Name  Type         Title Description",
        "dfree Storage size DFree free",
    ]
    assert master.of("QueryFields") == [["node", ["dfree"]]]


def test_list_fields_of_an_unknown_one_exits_14() -> None:
    fields = [{"name": "x", "title": "x", "kind": "unknown", "doc": ""}]
    assert (
        run("gnt-node list-fields x", FakeMaster(answers={"QueryFields": {"fields": fields}})).code
        == 14
    )


def test_locks() -> None:
    rows: list[list[Any]] = [
        ["BGL", "shared", ["job1"], None],
        ["node/n1", None, None, [["exclusive", ["job2"]]]],
        ["node/n2", "shared", ["job3", "job4"], [["exclusive", ["job5"]], ["shared", ["job6"]]]],
    ]
    fields = [(name, name.title(), "other") for name in ("name", "mode", "owner", "pending")]
    ran = run("gnt-debug locks", FakeMaster(answers={"Query": query_answer(fields, rows)}))
    assert ran.out.splitlines()[1:] == [
        "BGL     shared job1      -",
        "node/n1 -      -         exclusive:job2",
        "node/n2 shared job3,job4 exclusive:job5,shared:job6",
    ]


@pytest.mark.parametrize("command", ["locks", "waits"])
def test_repeats_what_changes_until_something_is_wrong(command: str) -> None:
    asked: list[object] = []

    def answer(*args: object) -> Any:
        asked.append(args)
        kind = "text" if len(asked) == 1 else "unknown"
        return query_answer([("name", "Name", kind)], [["a"]])

    ran = run(f"gnt-debug {command} --interval 1", FakeMaster(answers={"Query": answer}))
    assert (ran.code, len(asked)) == (14, 2)
    assert ran.out == "Name\na\n\nName\na\n"


def test_an_interval_is_not_negative() -> None:
    ran = run("gnt-debug locks --interval=-1", FakeMaster())
    assert (ran.code, ran.out) == (1, "")
    assert "-1 seconds" in ran.err


def test_waits() -> None:
    rows: list[list[Any]] = [
        [12, "lock", "node/node1", "exclusive", [1_700_000_000, 5], [10], [11, 9]],
        [13, "dependency", "job 12", (3, None), (3, None), [12], []],
    ]
    names = [("id", "number"), ("kind", "text"), ("on", "text"), ("mode", "text")]
    names += [("since", "other"), ("holders", "other"), ("ahead", "other")]
    answer = query_answer([(name, name.upper(), kind) for name, kind in names], rows)
    master = FakeMaster(answers={"Query": answer})
    ran = run("gnt-debug waits --separator=; 12 13", master)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1_700_000_000))
    assert ran.out.splitlines() == [
        "ID;KIND;ON;MODE;SINCE;HOLDERS;AHEAD",
        f"12;lock;node/node1;exclusive;{since}.000005;10;11,9",
        "13;dependency;job 12;-;-;12;-",
    ]
    ((what, fields, qfilter),) = master.of("Query")
    assert (what, fields) == ("wait", [name for name, _ in names])
    assert qfilter == ["|", ["==", "id", 12], ["==", "id", 13]]


def test_groups_and_networks() -> None:
    group = {"name": "g", "node_cnt": 1, "pinst_cnt": 0, "alloc_policy": "preferred"}
    row = named_rows({**group, "ndparams": {"b": 2, "a": 1}})
    ran = run("gnt-group list --separator=;", FakeMaster(answers={"Query": row}))
    assert ran.out.splitlines()[1] == "g;1;0;preferred;b=2, a=1"
    net: dict[str, Any] = {
        "name": "n",
        "network": "192.0.2.0/24",
        "gateway": None,
        "mac_prefix": None,
        "tags": [],
    }
    row = named_rows({**net, "group_list": [["g", "bridged", "br0", ""]]})
    ran = run("gnt-network list --no-headers --separator=;", FakeMaster(answers={"Query": row}))
    assert ran.out == "n;192.0.2.0/24;None;None;g (bridged, br0, );\n"


def test_job_times() -> None:
    row = query_answer([("opstart", "S", "other"), ("end_ts", "E", "other")], [[[None], [5, 6]]])
    ran = run("gnt-job list -o opstart,end_ts --no-headers", FakeMaster(answers={"Query": row}))
    assert ran.out == "['?'] [5, 6]\n"
