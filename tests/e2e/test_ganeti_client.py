"""Ganeti's own client library and programs talk to our master, over both sockets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.ganeti_client import GanetiClient, run_program
from tests.e2e.prepare import GANETI_PACKAGES
from tests.e2e.test_golden import FILES, unexpected
from tests.e2e.vcluster import Cluster
from tools.golden import answer
from tools.machine import CHECKOUT
from tools.transcript import parse

pytestmark = pytest.mark.skipif(
    not (GANETI_PACKAGES / "done").exists(),
    reason="'make prepare' could not fetch Ganeti's client library",
)

_PROTOCOLS: Final = CHECKOUT / "tests" / "spec" / "protocols.json"
# Where the library's methods have other names than the protocol's.
_NAMES: Final = {"SetQueueDrainFlag": "SetDrainFlag", "WaitForJobChangeOnce": "WaitForJobChange"}
_DELAY: Final = {"OP_ID": "OP_TEST_DELAY", "duration": 0.0, "on_master": True}
# A job that a filter of the cluster holds back.
_HELD: Final = 36
# Programs take a fifth of a second to start: of each transcript, so many commands are typed.
_TYPED: Final = 6


# Others change the cluster, which the tests below know as it is at first.
_READING: Final = [path for path in FILES if not path.stem.endswith("-changes")]


@pytest.mark.parametrize("path", _READING, ids=lambda path: path.stem)
def test_its_programs_print_what_they_print_with_ganeti(
    golden_cluster: Cluster, path: Path
) -> None:
    wrong = []
    for theirs in parse(path.read_text("utf-8")).exchanges[:_TYPED]:
        ours = answer(lambda words: run_program(golden_cluster, words), theirs)
        found = unexpected(theirs, ours)
        wrong += [f"$ {theirs.command}", *found] if found else []
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def client(golden_cluster: Cluster) -> Iterator[GanetiClient]:
    """Ganeti's library, as the master node of the cluster."""
    with GanetiClient(golden_cluster) as made:
        yield made


def test_jobs(client: GanetiClient) -> None:
    job = client.get("SubmitJob", [_DELAY], socket="master")
    info: Any = None
    while info != ["success"]:
        info, _ = client.get("WaitForJobChange", job, ["status"], info, None)
    rows = client.get("QueryJobs", [job, 99999], ["id", "status", "opresult"])
    assert rows == [[job, "success", [None]], [99999, None, None]]
    answers = client.get("SubmitManyJobs", [[_DELAY], [_DELAY, _DELAY]])
    assert answers == [[True, job + 1], [True, job + 2]]
    assert client.call("PickupJob", job)[0] != "ok"


def test_jobs_that_wait(client: GanetiClient) -> None:
    same = client.get("WaitForJobChangeOnce", _HELD, ["status"], ["queued"], -1, 1)
    assert same == "nochange"
    assert client.get("ChangeJobPriority", _HELD, 10)[0] is True
    assert client.get("QueryJobs", [_HELD], ["status", "oppriority"]) == [["queued", [10]]]
    assert client.get("CancelJob", _HELD)[0] is True
    assert client.get("QueryJobs", [_HELD], ["status"]) == [["canceled"]]
    assert client.get("ArchiveJob", _HELD) is True
    assert client.get("ArchiveJob", _HELD) is False
    for method, args in (("CancelJob", [False]), ("ChangeJobPriority", [0])):
        assert client.get(method, 99999, *args)[0] is False
    archived, left = client.get("AutoArchiveJobs", -1)
    assert archived > 30
    assert left == 0


def test_a_drained_queue(client: GanetiClient) -> None:
    assert client.get("SetQueueDrainFlag", True) is True
    assert client.get("QueryConfigValues", ["drain_flag"]) == [True]
    assert client.call("SubmitJob", [_DELAY])[0] == "JobQueueDrainError"
    assert client.get("SubmitJobToDrainedQueue", [_DELAY]) > _HELD
    assert client.get("SetQueueDrainFlag", False) is True
    assert client.get("SetWatcherPause", None) is None


@pytest.mark.parametrize("socket", ["query", "master"])
def test_queries(client: GanetiClient, socket: str) -> None:
    def get(method: str, *args: object) -> Any:
        return client.get(method, *args, socket=socket)

    found = get("Query", "node", ["name", "offline"], ["|", ["=", "name", "node4"]])
    assert found["data"] == [[[0, "node4.example.com"], [0, True]]]
    fields = get("QueryFields", "group", ["name"])["fields"]
    assert [field["title"] for field in fields] == ["Group"]
    names = ["node3", "nosuch", "node1", "node3"]
    assert get("QueryNodes", names, ["name", "role"], False) == [
        ["node1.example.com", "M"],
        ["node3.example.com", "D"],
    ]
    assert get("QueryInstances", ["inst3"], ["status"], False) == [["running"]]
    assert get("QueryGroups", [], ["name"], False) == [["default"], ["rack2"], ["spare"]]
    assert get("QueryNetworks", [], ["name"], False) == [["back"], ["front"]]
    assert get("QueryExports", ["node1"], False) == [["node1.example.com", "inst1.example.com"]]
    assert get("QueryTags", "node", "node2") == ["disk:ssd", "rack:1"]
    assert get("QueryConfigValues", ["cluster_name"]) == ["cluster.example.com"]
    assert get("QueryClusterInfo")["master"] == "node1.example.com"


def test_filters(client: GanetiClient) -> None:
    rule = [["jobid", ["=", "id", 999999]]]
    uuid = client.get("ReplaceFilter", None, 7, rule, "REJECT", [])
    fields = ["priority", "action"]
    assert client.get("QueryFilters", [uuid], fields) == [[7, "REJECT"]]
    client.get("DeleteFilter", uuid)
    assert client.get("QueryFilters", [uuid], fields) == []


def test_errors_are_those_that_the_library_knows(client: GanetiClient) -> None:
    kind, args = client.call("Query", "node", ["name"], ["=", "name", "nosuch"])
    assert (kind, args[1:]) == ("OpPrereqError", ["unknown_entity"])
    assert client.call("CallMethod", "NoSuchMethod", [])[0] != "ok"
    assert client.call("QueryJobs", ["x"], ["id"])[0] == "OpPrereqError"
    start = {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "nosuch"}
    job = client.get("SubmitJob", [start])
    info: Any = None
    while info != ["error"]:
        info, _ = client.get("WaitForJobChange", job, ["status"], info, None)
    ((result,),) = client.get("QueryJobs", [job], ["opresult"])[0]
    assert (result[0], result[1][1]) == ("OpPrereqError", "unknown_entity")
    # The connection has survived all of it.
    assert client.get("QueryTags", "cluster", "")


def test_every_method_of_the_protocol_is_used_here() -> None:
    text = Path(__file__).read_text("utf-8")
    protocol = json.loads(_PROTOCOLS.read_text("utf-8"))
    methods = {entry["method"] for entry in protocol["luxi"]["methods"]}
    library = {name: name for name in methods} | {v: k for k, v in _NAMES.items()}
    assert len(methods) == 25
    assert [name for name in sorted(methods) if f'"{library[name]}"' not in text] == []
