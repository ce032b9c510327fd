"""Every LUXI method of the master over a socket, asked rightly and wrongly."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from pyganeti.master.luxi import LuxiMethods
from pyganeti.model.errors import ERRORS
from pyganeti.testing.cluster import SimCluster
from pyganeti.wire.luxi.message import MAX_REQUEST
from pyganeti.wire.luxi.server import LuxiServer

from .harness import Client, client, request

FACTS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "spec" / "protocols.json").read_text()
)["luxi"]
RULE: Final = "8b53f7de-f8e2-4470-99bd-1efe746e434f"
DELAY: Final = {"OP_ID": "OP_TEST_DELAY", "duration": 1e6, "on_master": True}
LONG: Final = "x" * 2_000_000

TEXT: Final[list[Any]] = [None, True, 5, -0.0, [], {}, ["web1"], LONG, "no\0thing"]
NUMBER: Final[list[Any]] = [None, True, "x", "1.5", "", [], {}, 10**400]
JOB: Final[list[Any]] = [*NUMBER, 1.0, -1.5, "-1", "9" * 5000, "\u0661", LONG]
BOOL: Final[list[Any]] = [None, 0, 1, "true", [], {}]
LIST: Final[list[Any]] = [True, 5, "name", {}, [None], [True], [[]], [{}], ["name", 5], [LONG]]
FILTER: Final[list[Any]] = [
    True, 5, "name", {}, [], [5], [[]], ["?"], ["=", "name"], ["nope", "name", 1],
    ["=~", "name", "("], ["=", "name", None], ["=", ["name"], "x"], ["=", "nope", 1], ["&", 5],
    ["=", LONG, "x"], ["=", "name", LONG],
    ["|", ["=", "name", "node1"], ["=", "name", LONG]], ["=~", "name", LONG], [LONG],
    ["<", "name", 5],
    [LONG, "name", "x"], [LONG, "name", []],
]  # fmt: skip
OPS: Final[list[Any]] = [
    None, True, "x", {}, [], [5], [None], [[]], [{}], ["OP_TEST_DELAY"],
    [{"OP_ID": None}], [{"OP_ID": {}}], [{"OP_ID": []}], [{"OP_ID": LONG}],
    [{**DELAY, LONG: 1}], [{**DELAY, "duration": LONG}], [{**DELAY, "nope": 1}],
    [{**DELAY, "duration": True}], [{**DELAY, "comment": "a\0b"}], [DELAY, 5],
    [{**DELAY, "priority": 1}], [{**DELAY, "depends": [[-1, []]]}],
    [{**DELAY, "depends": [[-1, [LONG]]]}], [{**DELAY, "reason": [LONG]}],
    [{**DELAY, "debug_level": 10**400, "comment": 5}],
]  # fmt: skip
# SubmitManyJobs answers for each job; only what is no list of jobs is refused as a whole.
JOBS: Final[list[Any]] = [None, True, "x", {}, 5, [DELAY], [None], ["x"]]

# For each method: arguments that work, and for each of them what does not.
METHODS: Final[Mapping[str, Sequence[tuple[Any, list[Any]]]]] = {
    "ArchiveJob": [(99, JOB)],
    "AutoArchiveJobs": [(-1, NUMBER), (10, NUMBER)],
    "CancelJob": [(99, JOB), (False, BOOL)],
    "ChangeJobPriority": [(99, JOB), (0, [*NUMBER, 1.0, "0", -21, 20])],
    "DeleteFilter": [(RULE, [*TEXT, "nope"])],
    "PickupJob": [(99, JOB)],
    "Query": [("node", [*TEXT, "nope", "os"]), (["name"], [None, *LIST]), (None, FILTER)],
    "QueryClusterInfo": [],
    "QueryConfigValues": [(["cluster_name"], [None, *LIST])],
    "QueryExports": [([], [None, *LIST]), (False, [True, *BOOL])],
    "QueryFields": [("node", [*TEXT, "nope", "os"]), (["name"], LIST)],
    "QueryFilters": [([], [None, *LIST]), (["uuid"], [None, *LIST, ["nope"]])],
    "QueryGroups": [([], [None, *LIST]), (["name"], [["nope"], *LIST]), (False, [True, *BOOL])],
    "QueryInstances": [([], [None, *LIST]), (["name"], [["nope"], *LIST]), (False, [True, *BOOL])],
    "QueryJobs": [
        ([99], [*LIST[:4], [None], [True], [[]], [1.0], [-1], ["x"], ["-1"], ["9" * 900], [LONG]]),
        (["id"], [None, ["nope"], *LIST]),
    ],
    "QueryMeasures": [],
    "QueryNetworks": [([], [None, *LIST]), (["name"], [["nope"], *LIST]), (False, [True, *BOOL])],
    "QueryNodes": [([], [None, *LIST]), (["name"], [["nope"], *LIST]), (False, [True, *BOOL])],
    "QueryTags": [("cluster", [*TEXT, "nope", "os"]), ("", [True, 5, [], {}, LONG])],
    "ReplaceFilter": [
        (RULE, [True, 5, [], {}, "nope", LONG, RULE.upper()]),
        (1, [*NUMBER, -1, 2**63, 1.0, "1"]),
        ([], [None, True, 5, {}, *([entry] for entry in (5, None, [], ["nope", []], ["jobid"]))]),
        (
            "ACCEPT",
            [
                None,
                True,
                5,
                {},
                [],
                "accept",
                ["RATE_LIMIT"],
                ["RATE_LIMIT", 0],
                ["RATE_LIMIT", 2**63],
                LONG,
            ],
        ),
        (
            [],
            [
                None,
                True,
                5,
                {},
                [5],
                [[]],
                [["a", "b", "c"]],
                [["a", "b", 1.0]],
                [["a", 1, 1]],
                [["a", "b", 1]] * 101,
            ],
        ),
    ],
    "SetDrainFlag": [(False, BOOL)],
    "SetWatcherPause": [(None, [True, "x", [], {}, 10**400, 5, -1.0, 1e300, 253_402_300_800])],
    "SubmitJob": [([DELAY], OPS)],
    "SubmitJobToDrainedQueue": [([DELAY], OPS)],
    "SubmitManyJobs": [([[DELAY]], JOBS)],
    "WaitForEvents": [(0, [*NUMBER, -1, 1.5, 2**63]), (0, [*NUMBER, -1, 1.5, 2**63]), (0, NUMBER)],
    "WaitForJobChange": [
        (1, [*JOB, 99]),
        (["id"], [None, ["nope"], *LIST]),
        (None, []),
        (None, [True, "x", 1.5, [], {}]),
        (0, NUMBER),
    ],
}
OPTIONAL: Final = {"CancelJob": 1}
# Ganeti has no such methods.
OURS: Final = {"QueryMeasures", "WaitForEvents"}
# Refused whatever its argument.
REFUSES: Final = {"PickupJob"}


@asynccontextmanager
async def master(path: Path) -> AsyncIterator[SimCluster]:
    """A master that serves its LUXI methods; there is a filter, and a job 1 that does not end."""
    cluster = SimCluster()
    methods = LuxiMethods(await cluster.master())
    server = LuxiServer(methods.handle, str(path), is_question=methods.is_question)
    await server.start()
    try:
        await methods.handle("ReplaceFilter", [RULE, 0, [], "ACCEPT", []])
        await methods.handle("SubmitJob", [[DELAY]])
        yield cluster
    finally:
        await server.stop()
        await cluster.kill_master()


def good(method: str) -> list[Any]:
    return [value for value, _ in METHODS[method]]


def bad(method: str) -> Iterator[list[Any]]:
    """Calls with an argument missing, too many or wrong."""
    args = good(method)
    for count in range(len(args) - OPTIONAL.get(method, 0)):
        yield args[:count]
    yield [*args, None]
    yield [*args, *args, LONG]
    for index, (_, values) in enumerate(METHODS[method]):
        for value in values:
            yield [*args[:index], value, *args[index + 1 :]]


def encoded(method: str, args: list[Any]) -> bytes:
    return msgspec.json.encode({"method": method, "args": args})


async def refused(one: Client, data: bytes) -> list[Any]:
    """The error that ``data`` is answered with."""
    success, result = await one.ask(data)
    assert not success, (data[:200], result)
    assert result[0] in ERRORS
    assert result[0] != "GenericError" or b"PickupJob" in data, result  # a bug, says the server
    assert len(json.dumps(result)) < 2000, data[:200]
    return list(result)


def test_the_table_is_complete() -> None:
    ours = {name for name in dir(LuxiMethods) if name[0].isupper()}
    assert METHODS.keys() == ours
    theirs = {fact["method"]: len(fact["args"]) for fact in FACTS["methods"]}
    same = {name: len(args) for name, args in METHODS.items() if name not in OURS}
    assert same.items() <= theirs.items()


@pytest.mark.parametrize("method", sorted(METHODS.keys() - REFUSES))
async def test_what_is_right_is_answered(tmp_path: Path, method: str) -> None:
    async with master(tmp_path / "s"), client(tmp_path / "s") as one:
        success, result = await one.ask(encoded(method, good(method)))
        assert success, result


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_wrong_is_refused_and_changes_nothing(
    tmp_path: Path, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with master(tmp_path / "s") as cluster, client(tmp_path / "s") as one:
        running = await cluster.master()
        before = (running.config.view, dict(running.queue.jobs), running.queue.drained)
        for args in bad(method):
            await refused(one, encoded(method, args))
        assert (running.config.view, running.queue.jobs, running.queue.drained) == before
        assert (await one.ask(request("QueryConfigValues", ["master_node"])))[1] == ["node1"]
    assert "failed" not in caplog.text


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_malformed_is_refused(tmp_path: Path, method: str) -> None:
    head, tail = request(method)[:-2], b"]}"
    async with master(tmp_path / "s"), client(tmp_path / "s") as one:
        for args in (
            b'"\xff"', b'"\\ud800"', b'"\xed\xa0\x80"', b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"NaN", b"1e999", b"[", b"1,", b'"',
        ):  # fmt: skip
            assert (await refused(one, head + args + tail))[0] == "LuxiError"
        assert (await one.ask(request("QueryConfigValues", ["master_node"])))[0]


@pytest.mark.parametrize("text", [b"x", b"\xff", b'\\"'], ids=repr)
async def test_fifty_megabytes_are_refused(tmp_path: Path, text: bytes) -> None:
    async with master(tmp_path / "s"), client(tmp_path / "s") as one:
        data = b'{"method": "SubmitJob", "args": ["' + text * (50_000_000 // len(text)) + b'"]}'
        told = f"malformed request: longer than {MAX_REQUEST} bytes"
        assert await one.ask(data) == (False, ["LuxiError", [told]])
        assert (await one.ask(request("QueryConfigValues", ["master_node"])))[0]


async def test_one_wrong_job_of_several_is_refused_alone(tmp_path: Path) -> None:
    async with master(tmp_path / "s") as cluster, client(tmp_path / "s") as one:
        wrong = [ops for ops in OPS if isinstance(ops, list)]
        success, results = await one.ask(encoded("SubmitManyJobs", [[*wrong, [DELAY]]]))
        assert success
        assert [ok for ok, _ in results] == [False] * len(wrong) + [True]
        assert all(len(text) < 2000 for ok, text in results if not ok)
        assert len((await cluster.master()).queue.jobs) == 2


async def test_unknown_methods_are_refused(tmp_path: Path) -> None:
    async with master(tmp_path / "s"), client(tmp_path / "s") as one:
        for method in ("", "Nope", "handle", "_job", "is_question", "__init__", "query", LONG):
            assert (await refused(one, request(method)))[0] == "ParameterError"
