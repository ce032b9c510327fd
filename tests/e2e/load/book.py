"""What the clients wrote down, and the jobs that the master's database has: the two sides."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.footprint import records
from tests.e2e.vcluster import Cluster

# Any: opcodes and jobs are JSON.
Job = dict[str, Any]
FINAL = frozenset({"success", "error", "canceled"})


@dataclass
class Answers:
    """What became of each submission, by token.

    Attributes:
        submitted: the opcodes of each job.
        acknowledged: the ids that clients were told.
        refused: why there is certainly no job.
        at: when they were told, in seconds since 1970.
    """

    submitted: dict[str, list[Job]] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)

    @property
    def unknown(self) -> set[str]:
        """Tokens of which nobody was told anything."""
        return self.submitted.keys() - self.acknowledged.keys() - self.refused.keys()


def read_books(*paths: Path) -> Answers:
    """What all clients wrote; a token that stands there twice is an error."""
    found = Answers()
    for path in paths:
        for line in path.read_text().splitlines():
            _take(json.loads(line), found)
    return found


def _take(entry: Mapping[str, Any], found: Answers) -> None:
    match entry["event"]:
        case "submit":
            assert not found.submitted.keys() & entry["jobs"].keys()
            found.submitted.update(entry["jobs"])
        case "acknowledged":
            found.acknowledged.update(entry["ids"])
            found.at.update(dict.fromkeys(entry["ids"], entry["at"]))
        case "refused":
            found.refused.update(dict.fromkeys(entry["tokens"], entry["why"]))


def forget_cut_off(answers: Answers, jobs: Mapping[int, Job], since: float, until: float) -> int:
    """Take back what a master without a majority promised alone, and nobody else heard of.

    Args:
        answers: what clients were told.
        jobs: those of the master's database.
        since: when links were cut.
        until: when that master had ended.

    Returns:
        How many promises that were.
    """
    known = {token_of(job) for job in jobs.values()}
    alone = [
        token
        for token in answers.acknowledged
        if token not in known and since <= answers.at[token] <= until
    ]
    for token in alone:
        del answers.acknowledged[token]
    return len(alone)


def token_of(job: Job) -> str | None:
    """The token of a job that a client made; ``None`` for any other."""
    token = job["ops"][0]["input"].get("comment")
    return None if token is None else str(token)


def stored_jobs(cluster: Cluster) -> dict[int, Job]:
    """All jobs of the master's database, archived ones too, by id."""
    return {
        int(key): json.loads(value)
        for (table, key), value in sorted(records(cluster).items())
        if table in ("job", "archive")
    }


def status_of(job: Job) -> str:
    """State of a stored job: that of its first opcode that is not a success."""
    statuses = [str(op["status"]) for op in job["ops"]]
    return next((status for status in statuses if status != "success"), "success")


def check_acknowledged(answers: Answers, jobs: Mapping[int, Job]) -> None:
    """What was acknowledged is there, as it was submitted; nothing is there twice."""
    ids = list(answers.acknowledged.values())
    assert len(ids) == len(set(ids)), "an id was given out twice"
    by_token: dict[str, int] = {}
    for number, job in jobs.items():
        token = token_of(job)
        if token is not None:
            assert token not in by_token, f"{token} is job {by_token[token]} and job {number}"
            by_token[token] = number
    lost = {token: number for token, number in answers.acknowledged.items() if number not in jobs}
    assert not lost, (
        f"{len(lost)} of {len(answers.acknowledged)} acknowledged jobs are lost: {lost}"
    )
    for token, number in answers.acknowledged.items():
        submitted = [op["OP_ID"] for op in answers.submitted[token]]
        assert [op["input"]["OP_ID"] for op in jobs[number]["ops"]] == submitted
        assert by_token.get(token) == number
    assert not by_token.keys() - answers.submitted.keys(), "jobs that nobody submitted"
    refused = by_token.keys() & answers.refused.keys()
    assert not refused, f"jobs whose submission was refused: {refused}"


def check_ended(jobs: Mapping[int, Job]) -> None:
    """Every job has ended and says how; its log's numbers grow."""
    for number, job in jobs.items():
        status, log = status_of(job), [entry for op in job["ops"] for entry in op["log"]]
        assert status in FINAL, f"job {number} is {status}"
        serials = [serial for serial, *_rest in log]
        assert serials == sorted(set(serials)), f"job {number} has log entries {serials}"
        assert [when for _serial, when, *_rest in log] == sorted(when for _, when, *_ in log)
        assert job["end_timestamp"] is not None, f"job {number} has no end"
        if status != "success":
            reasons = [op["result"] for op in job["ops"] if op["status"] != "success"]
            assert all(reasons), f"job {number} ended as {status} without a reason"
