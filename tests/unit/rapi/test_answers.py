"""What resources answer that ask the master."""

from typing import Any

import pytest

from pyganeti.model.errors import JobLost
from pyganeti.rapi.instances import INSTANCES
from pyganeti.rapi.nodes import NODES
from pyganeti.rapi.status import RapiError

from .fake_master import FakeMaster, request


@pytest.mark.parametrize(
    ("path", "answer"), [("/", None), ("/2", None), ("/version", 2)]
)  # fmt: skip
async def test_what_needs_no_master(path: str, answer: object) -> None:
    master = FakeMaster()
    assert await request(master, "GET", path) == answer
    assert master.asked == []


async def test_features() -> None:
    assert await request(FakeMaster(), "GET", "/2/features") == [
        "instance-create-reqv1", "node-migrate-reqv1", "instance-reinstall-reqv1", "node-evac-res1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("noun", "luxi", "key"),
    [
        ("nodes", "QueryNodes", "id"),
        ("instances", "QueryInstances", "id"),
        ("groups", "QueryGroups", "name"),
        ("networks", "QueryNetworks", "name"),
        ("filters", "QueryFilters", "uuid"),
    ],
)
async def test_lists(noun: str, luxi: str, key: str) -> None:
    master = FakeMaster(**{luxi: [["b"], ["a"]]})
    assert await request(master, "GET", f"/2/{noun}") == [
        {key: "b", "uri": f"/2/{noun}/b"},
        {key: "a", "uri": f"/2/{noun}/a"},
    ]
    for empty in ("0", "1"):
        master = FakeMaster(**{luxi: []})
        assert await request(master, "GET", f"/2/{noun}", query={"bulk": empty}) == []


@pytest.mark.parametrize("noun", ["nodes", "instances", "groups", "networks", "filters"])
async def test_one_that_is_unknown(noun: str) -> None:
    luxi = f"Query{noun.capitalize()}"
    with pytest.raises(RapiError) as refused:
        await request(FakeMaster(**{luxi: []}), "GET", f"/2/{noun}/nosuch")
    assert refused.value.status == 404


async def test_all_fields_of_one_and_of_all() -> None:
    row = list(range(len(INSTANCES.fields)))
    master = FakeMaster(QueryInstances=[row])
    wanted = dict(zip(INSTANCES.fields, row, strict=True))
    assert await request(master, "GET", "/2/instances/web1") == wanted
    assert await request(master, "GET", "/2/instances", query={"bulk": "1"}) == [wanted]
    assert [asked[1] for asked in master.asked] == [["web1"], []]
    assert {"nic.ips", "disk.sizes", "oper_ram", "oper_vcpus", "custom_osparams"} <= wanted.keys()


async def test_memory_has_its_old_name_too() -> None:
    row: list[Any] = [None] * len(INSTANCES.fields)
    row[list(INSTANCES.fields).index("beparams")] = {"minmem": 1, "maxmem": 2}
    master = FakeMaster(QueryInstances=[row])
    wanted = {"minmem": 1, "maxmem": 2, "memory": 2}
    assert (await request(master, "GET", "/2/instances/a"))["beparams"] == wanted
    (found,) = await request(master, "GET", "/2/instances", query={"bulk": "1"})
    assert found["beparams"] == wanted


async def test_a_node_has_its_second_address_under_its_old_name_too() -> None:
    row = [f"v-{field}" for field in NODES.fields]
    master = FakeMaster(QueryNodes=[row])
    assert (await request(master, "GET", "/2/nodes/n"))["secondary_ip"] == "v-sip"
    (node,) = await request(master, "GET", "/2/nodes", query={"bulk": "1"})
    assert "secondary_ip" not in node
    assert {"ctotal", "dfree", "dtotal", "mfree", "mtotal", "pinst_cnt", "sinst_cnt"} <= node.keys()


@pytest.mark.parametrize(
    ("letter", "role"),
    [("M", "master"), ("C", "master-candidate"), ("R", "regular"), ("D", "drained"),
     ("O", "offline")],
)  # fmt: skip
async def test_roles(letter: str, role: str) -> None:
    assert await request(FakeMaster(QueryNodes=[[letter]]), "GET", "/2/nodes/n/role") == role


async def test_settings_have_their_old_names_too() -> None:
    info = {"name": "c", "volume_group_name": "vg", "drbd_usermode_helper": "/bin/true"}
    found = await request(FakeMaster(QueryClusterInfo=info), "GET", "/2/info")
    assert found == {**info, "vg_name": "vg", "drbd_helper": "/bin/true"}


async def test_a_job_and_one_that_is_unknown() -> None:
    master = FakeMaster(QueryJobs=lambda ids, fields: [[ids[0], *["x"] * (len(fields) - 1)]])
    job = await request(master, "GET", "/2/jobs/12")
    assert job["id"] == 12
    assert list(job) == [
        "id", "ops", "status", "summary", "opstatus", "received_ts", "start_ts", "end_ts", "oplog",
        "opresult",
    ]  # fmt: skip
    master = FakeMaster(QueryJobs=lambda ids, fields: [[ids[0], *[None] * (len(fields) - 1)]])
    for number in ("12", "0", "x", "-1", "1.5", "9" * 19):
        with pytest.raises(RapiError) as refused:
            await request(master, "GET", f"/2/jobs/{number}")
        assert refused.value.status == 404


async def test_jobs() -> None:
    master = FakeMaster(QueryJobs=[[3], [7]])
    assert await request(master, "GET", "/2/jobs") == [
        {"id": 3, "uri": "/2/jobs/3"},
        {"id": 7, "uri": "/2/jobs/7"},
    ]
    master = FakeMaster(QueryJobs=[list("abcdefgh")])
    (job,) = await request(master, "GET", "/2/jobs", query={"bulk": "1"})
    assert "opresult" not in job


async def test_cancelling() -> None:
    master = FakeMaster(CancelJob=[False, "too late"])
    assert await request(master, "DELETE", "/2/jobs/5") == [False, "too late"]
    assert master.asked == [("CancelJob", 5)]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("nochange", None),
        ([["running"], None], {"job_info": ["running"], "log_entries": []}),
        ([["running"], [[1, [0, 0], "message", "x"]]],
         {"job_info": ["running"], "log_entries": [[1, [0, 0], "message", "x"]]}),
    ],
)  # fmt: skip
async def test_waiting(change: Any, answer: object) -> None:
    master = FakeMaster(WaitForJobChange=change)
    body = {"fields": ["status"], "previous_job_info": ["queued"], "previous_log_serial": 4}
    assert await request(master, "GET", "/2/jobs/5/wait", body=body) == answer
    assert master.asked == [("WaitForJobChange", 5, ["status"], ["queued"], 4, 10)]


@pytest.mark.parametrize("body", [None, {}, {"fields": "status"}, {"fields": [1]}, [], "x"])
async def test_waiting_for_nothing_in_particular(body: Any) -> None:
    with pytest.raises(RapiError) as refused:
        await request(FakeMaster(), "GET", "/2/jobs/5/wait", body=body)
    assert refused.value.status == 400


async def test_operating_systems_by_a_job() -> None:
    changes = iter([[["running"], []], "nochange", [["success"], []]])
    result = [["old", []], ["micro", ["a", "b"]]]
    master = FakeMaster(
        WaitForJobChange=lambda *_: next(changes), QueryJobs=[[[result]]], SubmitJob=9
    )
    assert await request(master, "GET", "/2/os") == ["old", "micro+a", "micro+b"]
    (op,) = master.jobs[0]
    assert op["OP_ID"] == "OP_OS_DIAGNOSE"


async def test_operating_systems_by_a_job_that_fails() -> None:
    master = FakeMaster(WaitForJobChange=[["error"], []], QueryJobs=[[["why"]]], SubmitJob=9)
    with pytest.raises(RapiError, match=r"Job 9.* ended as error") as refused:
        await request(master, "GET", "/2/os")
    assert refused.value.status == 500
    master = FakeMaster(WaitForJobChange=JobLost("archived"), SubmitJob=9)
    with pytest.raises(JobLost):
        await request(master, "GET", "/2/os")


@pytest.mark.parametrize(
    ("verb", "query", "body", "asked"),
    [
        ("GET", {"fields": "name,offline"}, None, (["name", "offline"], None)),
        ("PUT", {"fields": "name"}, {"qfilter": ["?", "offline"]}, (["name"], ["?", "offline"])),
        ("PUT", {}, {"fields": ["name"], "filter": ["?", "x"]}, (["name"], ["?", "x"])),
        ("PUT", {"fields": "a"}, {"fields": ["name"], "qfilter": None}, (["name"], None)),
    ],
)
async def test_queries(verb: str, query: dict[str, str], body: Any, asked: Any) -> None:
    master = FakeMaster(Query={"fields": [], "data": [], "more": 1})
    found = await request(master, verb, "/2/query/node", query=query, body=body)
    assert found == {"fields": [], "data": []}
    assert master.asked == [("Query", "node", *asked)]


@pytest.mark.parametrize(
    ("verb", "body"),
    [("GET", None), ("PUT", None), ("PUT", {"fields": "a"}), ("PUT", {"fields": [1]})],
)  # fmt: skip
async def test_queries_of_no_fields(verb: str, body: Any) -> None:
    with pytest.raises(RapiError) as refused:
        await request(FakeMaster(), verb, "/2/query/node", body=body)
    assert refused.value.status == 400


async def test_filters() -> None:
    master = FakeMaster(ReplaceFilter="uuid", QueryFilters=[["u"]], DeleteFilter=None)
    body = {"priority": 3, "action": "PAUSE", "reason": None}
    assert await request(master, "POST", "/2/filters", body=body) == "uuid"
    assert await request(master, "PUT", "/2/filters/u", body={}) == "uuid"
    assert await request(master, "DELETE", "/2/filters/u") is None
    assert master.asked == [
        ("ReplaceFilter", None, 3, [], "PAUSE", []),
        ("ReplaceFilter", "u", 0, [], "CONTINUE", []),
        ("QueryFilters", ["u"], ["uuid"]),
        ("DeleteFilter", "u"),
    ]
    with pytest.raises(RapiError) as refused:
        await request(FakeMaster(QueryFilters=[]), "DELETE", "/2/filters/u")
    assert refused.value.status == 404


async def test_tags_of_an_object() -> None:
    master = FakeMaster(QueryTags=["a"])
    assert await request(master, "GET", "/2/networks/front/tags") == ["a"]
    assert await request(master, "GET", "/2/tags") == ["a"]
    assert master.asked == [("QueryTags", "network", "front"), ("QueryTags", "cluster", "")]


@pytest.mark.parametrize(("rows", "status"), [([], 404), ([[None]], 503)])
async def test_a_console_that_is_not_there(rows: Any, status: int) -> None:
    with pytest.raises(RapiError) as refused:
        await request(FakeMaster(QueryInstances=rows), "GET", "/2/instances/a/console")
    assert refused.value.status == status
