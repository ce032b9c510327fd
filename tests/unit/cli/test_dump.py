"""Answers for programs: what a JSON, YAML or CSV reader gets of them."""

import csv
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyganeti.cli.dump import dump, objects

from .fake_master import FakeMaster, Job, named_rows, query_answer, run

ROWS = query_answer(
    [("name", "Instance", "text"), ("oper_ram", "Memory", "unit"), ("tags", "Tags", "other")],
    [["web1", 128, ["a", "b"]], ["web,2", (4, None), []]],
)


def listed(words: str) -> Any:
    return run(f"gnt-instance list {words}", FakeMaster(answers={"Query": ROWS}))


def test_a_list_as_json_has_a_line_an_object() -> None:
    ran = listed("--format json")
    assert ran.out == (
        "[\n"
        '  {"name": "web1", "oper_ram": 128, "tags": ["a", "b"]},\n'
        '  {"name": "web,2", "oper_ram": null, "tags": []}\n'
        "]\n"
    )


def test_a_list_as_yaml() -> None:
    assert listed("--format yaml").out.splitlines() == [
        "---",
        "- name: web1",
        "  oper_ram: 128",
        "  tags:",
        "    - a",
        "    - b",
        '- name: "web,2"',
        "  oper_ram: null",
        "  tags: []",
    ]


def test_a_list_as_csv() -> None:
    rows = 'web1,128,"[""a"", ""b""]"\r\n"web,2",,[]\r\n'
    assert listed("--format csv").out == "name,oper_ram,tags\r\n" + rows
    assert listed("--format=csv --no-headers").out == rows


@pytest.mark.parametrize(
    ("line", "titles"),
    [
        ("gnt-instance list -o name,os", "name,os"),
        ("gnt-node info", "name,pip,"),
        ("gnt-job info 9", "id,status,received_ts,"),
        ("gnt-filter info", "uuid,watermark,"),
        ("gnt-cluster list-tags", "tag"),
        ("gnt-os list", "name"),
        ("gnt-os diagnose", "name,valid,"),
    ],
)
def test_csv_without_objects_has_its_titles(line: str, titles: str) -> None:
    def answer(what: str, fields: list[str], qfilter: object) -> Any:
        return query_answer([(name, name, "other") for name in fields], [])

    none: dict[str, Any] = {"Query": answer, "QueryFilters": [], "QueryTags": []}
    if line.startswith("gnt-job"):
        none["QueryJobs"] = [[9, *11 * [None]]]
    tool, command, *rest = line.split(" ")
    words = " ".join([tool, command, "--format=csv", *rest])
    out = run(words, FakeMaster(jobs=[Job(result=[])], answers=none)).out
    assert out.startswith(titles)
    assert out.endswith("\r\n")
    assert out.count("\n") == 1
    words = words.replace("csv", "json")
    assert run(words, FakeMaster(jobs=[Job(result=[])], answers=none)).out == "[]\n"


def test_verbose_says_how_each_value_is() -> None:
    objects = json.loads(listed("-v --format json").out)
    assert objects[0]["oper_ram"] == {"status": "normal", "value": 128}
    assert objects[1]["oper_ram"] == {"status": "offline", "value": None}
    assert listed("-v --format csv --no-headers").out.splitlines()[1] == '"web,2",(offline),[]'


def test_a_table_is_the_default() -> None:
    assert listed("--format table") == listed("")


@pytest.mark.parametrize(
    "line",
    [
        "gnt-instance list --separator=: --format json",
        "gnt-instance list --units m --format csv",
        "gnt-cluster info --roman --format yaml",
        "gnt-node list-fields --separator=: --format json",
    ],
)
def test_options_for_tables_are_refused_before_anything_is_asked(line: str) -> None:
    master = FakeMaster()
    ran = run(line, master)
    assert (ran.code, master.calls) == (1, [])
    assert "is for tables and cannot be used with --format" in ran.err


def test_an_unknown_field_is_null_and_exits_14() -> None:
    answer = query_answer([("x", "x", "unknown")], [[(1, None)]])
    ran = run("gnt-node list -o x --format json", FakeMaster(answers={"Query": answer}))
    assert (ran.code, json.loads(ran.out)) == (14, [{"x": None}])
    ran = run("gnt-node list -o x -v --format json", FakeMaster(answers={"Query": answer}))
    assert json.loads(ran.out) == [{"x": {"status": "unknown", "value": None}}]


FIELD = {"name": "dfree", "title": "DFree", "kind": "unit", "doc": "free"}
CLUSTER = {"name": "c", "tags": ["x"], "hvparams": {"kvm": {"acpi": True}}}
OS = ["micro", True, False, False, [], [], [20], {"n1": []}, {}, {}, True]
JOB = [7, "success", [1, 2], None, None, [], [], [], [], [], [], []]


ANSWERS: dict[str, Any] = {
    "Query": named_rows({"name": "cluster/BGL"}),
    "QueryClusterInfo": CLUSTER,
    "QueryFields": {"fields": [FIELD]},
    "QueryTags": ["b", "a"],
}


@pytest.mark.parametrize(
    ("line", "result", "found"),
    [
        ("gnt-node list-fields --format {}", None, [FIELD]),
        ("gnt-cluster info --format {}", None, CLUSTER),
        ("gnt-cluster list-tags --format {}", None, [{"tag": "a"}, {"tag": "b"}]),
        ("gnt-cluster search-tags --format {} a", [["/nodes/n1", "a"]],
         [{"path": "/nodes/n1", "tag": "a"}]),
        ("gnt-instance info --format {} web1", {"web1": {"name": "web1"}}, [{"name": "web1"}]),
        ("gnt-os list --format {}", [OS], [{"name": "micro"}]),
        ("gnt-debug locks -o name --format {}", None, [{"name": "cluster/BGL"}]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_each_command_gives_what_the_master_said(
    line: str, result: object, found: object, form: str
) -> None:
    master = FakeMaster(jobs=[Job(result=result)], answers=ANSWERS)
    ran = run(line.format(form), master)
    assert ran.code == 0
    assert (json.loads if form == "json" else yaml.safe_load)(ran.out) == found


@pytest.mark.parametrize("tool", ["node", "group", "network"])
def test_info_of_a_query_has_its_fields(tool: str) -> None:
    def answer(what: str, fields: list[str], qfilter: object) -> Any:
        return query_answer([(name, name, "other") for name in fields], [[None] * len(fields)])

    ran = run(f"gnt-{tool} info --format json", FakeMaster(answers={"Query": answer}))
    (found,) = json.loads(ran.out)
    assert {"name", "ndparams" if tool != "network" else "map"} <= found.keys()


def test_info_of_jobs_and_oses_has_their_fields() -> None:
    ran = run("gnt-job info --format json 7", FakeMaster(answers={"QueryJobs": [JOB]}))
    (job,) = json.loads(ran.out)
    assert (job["id"], job["received_ts"], job["end_ts"]) == (7, [1, 2], None)
    for command in ("info", "diagnose"):
        ran = run(f"gnt-os {command} --format json", FakeMaster(jobs=[Job(result=[OS])]))
        (found,) = json.loads(ran.out)
        assert (found["name"], found["node_status"]) == ("micro", {"n1": []})


def test_a_job_s_log_does_not_stand_in_the_answer() -> None:
    job = Job(result=[OS], log=[("message", "a node does not answer")])
    ran = run("gnt-os list --format json", FakeMaster(jobs=[job]))
    assert json.loads(ran.out) == [{"name": "micro"}]
    assert "a node does not answer" in ran.err


# --- whatever the values are, a reader gets them back

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["yes", "No", "null", "~", "1:30", "0x1f", "1e3", "- a", "a: b", "a #b", "'",
                     '"', "=", "<<", "*a", "&a", "", " a ", "a\nb", "\U0001f600", "2001-01-01"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
DATA = st.lists(st.dictionaries(st.text(min_size=1, max_size=6), VALUES, max_size=4), max_size=3)


@given(data=DATA)
def test_json_and_yaml_read_as_they_were(data: list[dict[str, Any]]) -> None:
    assert json.loads(dump("json", data)) == data
    assert yaml.safe_load(dump("yaml", data)) == data
    for item in data:
        assert json.loads(dump("json", item)) == item
        assert yaml.safe_load(dump("yaml", item)) == item


@given(
    rows=st.lists(
        st.fixed_dictionaries({"a": st.text(max_size=9), "b,": st.text(max_size=9)}), min_size=1
    )
)
def test_csv_reads_as_it_was(rows: list[dict[str, str]]) -> None:
    text = io.StringIO(dump("csv", rows), newline="")
    assert list(csv.DictReader(text)) == rows


def test_statuses_have_names() -> None:
    rows = [[[status, None] for status in range(5)]]
    (found,) = objects("abcde", rows, "json", verbose=True)
    names = [value["status"] for value in found.values()]
    assert names == ["normal", "unknown", "nodata", "unavail", "offline"]
