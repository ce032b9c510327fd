"""``gnt-debug test-jobqueue`` finds a queue that does not hold what it promises."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyganeti.cli.gnt_debug.queue_watch import run_watched, told_how_to_end
from pyganeti.model.errors import OpExecError, OpPrereqError

from .fake_master import FakeMaster, run

OP = {"OP_ID": "OP_TEST_JQUEUE", "log_messages": ["a", ""]}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """A socket at which somebody listens."""
    place = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen(16)
        yield place


def job(path: str) -> list[tuple[str, Any]]:
    """Log of one opcode that keeps its promises. Any: JSON."""
    told = [("expandnames", None), ("exec", None), ("startmsg", 2), ("logmsg", 1), ("logmsg", 2)]
    log: list[tuple[str, Any]] = [("jqueue-test", [path, *one]) for one in told]
    return [*log[:3], ("message", "TESTMSG=a"), log[3], ("message", "TESTMSG="), log[4]]


def master(
    log: list[tuple[str, Any]],
    *,
    state: Callable[[int], str] = lambda asked: "waiting" if asked == 0 else "running",
    end: tuple[str, list[str], list[Any]] = ("success", ["success"], [True]),
) -> FakeMaster:
    """A master with one job; ``state`` is told how often it was asked while the job ran."""
    asked: list[object] = []

    def query(ids: list[int], fields: list[str]) -> list[Any]:
        if "opstatus" in fields:
            values = dict(zip(("status", "opstatus", "opresult"), end, strict=True))
            return [[values[field] for field in fields]]
        asked.append(ids)
        return [[state(len(asked) - 1)]]

    def change(job_id: int, fields: list[str], info: object, serial: int, timeout: int) -> Any:
        if serial + 1 < len(log):
            return [["running"], [[serial + 1, [0, 0], *log[serial + 1]]]]
        return [[end[0]], []]

    return FakeMaster(answers={"QueryJobs": query, "WaitForJobChange": change})


def test_a_job_that_keeps_its_promises_passes(path: str) -> None:
    run_watched(master(job(path)), [OP], [False])


def test_so_does_one_that_fails_as_it_was_told(path: str) -> None:
    error = ["OpExecError", ["to fail"]]
    end = ("error", ["success", "error", "error"], [True, error, error])
    states = ["waiting", *["running"] * 4] * 2
    good = master([*job(path), *job(path)], state=lambda asked: states[asked], end=end)
    run_watched(good, [OP, OP, OP], [False, True, False])


ERROR = ("error", ["error"], [["OpExecError", ["x"]]])


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (lambda log: log, {"state": lambda _asked: "running"}, "expandnames"),
        (lambda log: log, {"state": lambda _asked: "waiting"}, "not 'running'"),
        (lambda log: log[1:], {"state": lambda _asked: "running"}, "phases"),
        (lambda log: [*log[:3], *log[4:]], {}, "counts 1 messages"),
        (lambda log: [*log, ("message", "TESTMSG=a")], {}, "said"),
        (lambda log: [*log, ("jqueue-test", [log[0][1][0], "lunch", None])], {}, "lunch"),
        (lambda log: [("jqueue-test", ["/nowhere", "exec", None])], {}, "nobody listens"),
        (lambda log: log, {"end": ERROR}, "ended as"),
        (lambda log: log, {"end": ("success", ["success"], [None])}, r"answered \[None\]"),
        (lambda log: log, {"end": ("success", ["success"], [True, True])}, "answered"),
    ],
)
def test_one_that_does_not_is_found(
    path: str, change: Callable[[Any], Any], settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(OpExecError, match=said):
        run_watched(master(change(job(path)), **settings), [OP], [False])


def test_one_that_was_to_fail_and_did_not_is_found(path: str) -> None:
    with pytest.raises(OpExecError, match="ended as"):
        run_watched(master(job(path)), [OP], [True])


def test_a_delay_that_does_not_say_where_it_waits_is_found(path: str) -> None:
    with pytest.raises(OpExecError, match="without saying"):
        told_how_to_end(master([("message", "no")]), 1)
    told_how_to_end(master([("delay-test", [path])]), 1)()


def test_a_queue_that_takes_everything_is_found() -> None:
    ran = run("gnt-debug test-jobqueue", FakeMaster(answers={"SubmitJob": 5}))
    assert ran.code == 1
    assert "it took [] as job 5" in ran.err
    assert ran.out == "Testing bad submissions ...\n"


@pytest.mark.parametrize(
    ("depends", "times", "said"),
    [
        ([None, 2, 1, None, 3], [1, 2, 2, 1, 2], "job 2 depends on 2, not 1"),
        ([None, 1, 1, None, 3], [2, 1, 2, 1, 2], "job 2 ran before 1"),
    ],
)
def test_wrong_dependencies_are_found(
    depends: list[int | None], times: list[int], said: str
) -> None:
    submissions: list[int] = []

    def many(jobs: list[Any]) -> list[Any]:
        submissions.append(len(jobs))
        taken = [[True, index + 1] for index in range(len(jobs))]
        return taken if len(jobs) == 5 else [[True, 1], [False, "bad"], [True, 3]]

    def query(ids: list[int], fields: list[str]) -> list[Any]:
        if fields == ["ops", "opexec"]:
            rows = zip(depends, times, strict=True)
            return [[[{"depends": [[on, []]] if on else []}], [[at, 0]]] for on, at in rows]
        return [["success", ["success"], [None]]]

    answers = {
        "SubmitJob": OpPrereqError("as it must"),
        "SubmitManyJobs": many,
        "QueryJobs": query,
        "WaitForJobChange": lambda *_: [[[1, 0]], []],
    }
    ran = run("gnt-debug test-jobqueue", FakeMaster(answers=answers))
    assert ran.code == 1
    assert said in ran.err
    assert submissions == [3, 5]
