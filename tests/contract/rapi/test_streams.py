"""Answers that come piece by piece: events, which a client can go on with, and lists of lines."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyganeti.daemons.rapi import events as feed
from pyganeti.kit.clock import SystemClock
from pyganeti.master.events import Events
from pyganeti.master.queue.job import Job, QueuedOp
from pyganeti.master.queue.queue import JobQueue
from pyganeti.model.enums import JobStatus
from pyganeti.store.committer import Committer
from pyganeti.store.memory import MemoryBackend
from tests.contract.luxi.harness import until

from .harness import READER, Bed, Client, bed

LINES = "Accept: application/x-ndjson"


def master_events(epoch: int = 7, most: int = 50) -> Events:
    clock = SystemClock()
    queue = JobQueue(Committer(MemoryBackend(), None), clock, lambda job: None)
    return Events(epoch, clock, queue, most)


def job(number: int, status: JobStatus = JobStatus.QUEUED) -> Job:
    op = QueuedOp(input={"OP_ID": "OP_TEST_DELAY"})
    op.status = status
    return Job(number, [op], (1, 2))


class Follower:
    """A client of the stream: reads event after event. Any: JSON."""

    def __init__(self, client: Client) -> None:
        self._pieces = client.pieces()
        self._rest = ""
        self.last = ""

    async def _read(self) -> dict[str, str]:
        async with asyncio.timeout(20):
            while "\n\n" not in self._rest:
                self._rest += (await anext(self._pieces)).decode()
        text, _, self._rest = self._rest.partition("\n\n")
        given = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        self.last = given.get("id", self.last)
        return given

    async def next(self) -> tuple[str, Any]:
        """Kind and data of the next event."""
        while "data" not in (given := await self._read()):
            pass
        return given["event"], json.loads(given["data"])

    async def passes(self, last: str) -> None:
        """Read until nothing up to there can come any more, and nothing came."""
        while self.last != last:
            assert "data" not in await self._read()


@asynccontextmanager
async def following(one: Bed, query: str = "", *headers: str) -> AsyncIterator[Follower]:
    async with one.client() as client:
        lines = [f"GET /2/events{query} HTTP/1.1", "Host: x", READER, *headers, "", ""]
        client.send("\r\n".join(lines).encode())
        head = await client.head()
        assert head.startswith("HTTP/1.1 200"), head
        assert "text/event-stream" in head
        yield Follower(client)


async def test_events_come_as_they_happen(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        events = one.master.events = master_events()
        async with following(one) as follower:
            assert await follower.next() == ("reset", {})
            assert follower.last == "7-0"
            events.job_changed(job(5))
            kind, data = await follower.next()
            assert kind == "job"
            assert data.pop("time") > 1e9
            assert data == {
                "kind": "job", "action": "added", "name": "5", "status": "queued",
                "uri": "/2/jobs/5",
            }  # fmt: skip
            events.job_changed(job(5))  # as it was told already
            events.job_changed(job(5, JobStatus.RUNNING))
            assert (await follower.next())[1]["status"] == "running"
            assert follower.last == "7-2"


@pytest.mark.parametrize("way", ["header", "argument"])
async def test_who_comes_back_misses_nothing(tmp_path: Path, way: str) -> None:
    async with bed(tmp_path) as one:
        events = one.master.events = master_events()
        for number in range(1, 11):
            events.job_changed(job(number))
        query = ("?since=7-8",) if way == "argument" else ("", "Last-Event-ID: 7-8")
        async with following(one, *query) as follower:
            assert [(await follower.next())[1]["name"] for _ in range(2)] == ["9", "10"]
            events.job_changed(job(11))
            assert (await follower.next())[1]["name"] == "11"


@pytest.mark.parametrize("since", ["6-8", "7-1", "7-99", "x", "7-\u0661", "-", "9" * 5000 + "-1"])
async def test_who_was_away_for_too_long_is_told_so(tmp_path: Path, since: str) -> None:
    async with bed(tmp_path) as one:
        events = one.master.events = master_events(most=5)
        for number in range(1, 11):
            events.job_changed(job(number))
        async with following(one, f"?since={since.encode('ascii', 'replace').decode()}") as late:
            assert await late.next() == ("reset", {})
            assert late.last == "7-10"
            events.job_changed(job(11))
            assert (await late.next())[1]["name"] == "11"


async def test_only_some_kinds(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        events = one.master.events = master_events()
        events.job_changed(job(1))
        async with following(one, "?since=7-0&kind=instance&kind=node") as few:
            # Nothing for it, but it may go on from there.
            await few.passes("7-1")
        async with following(one, "?since=7-0&kind=job&kind=node") as more:
            assert (await more.next())[0] == "job"
        refused = await one.ask("GET", "/2/events?kind=cow", READER)
        assert refused.status == 400
        assert "no events of kind 'cow'" in refused.json["message"]


async def test_many_follow_and_the_master_is_asked_once(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        events = one.master.events = master_events()
        async with following(one) as first, following(one) as second, following(one) as third:
            followers = [first, second, third]
            for follower in followers:
                assert (await follower.next())[0] == "reset"
            waits = len(one.master.called)
            events.job_changed(job(1))
            for follower in followers:
                assert (await follower.next())[1]["name"] == "1"
            await until(lambda: len(one.master.called) > waits, "the next question")
            assert len(one.master.called) == waits + 1


async def test_the_one_that_asks_leaves_and_the_others_go_on(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        events = one.master.events = master_events()
        async with following(one) as stays:
            async with following(one) as leaves:
                assert (await leaves.next())[0] == (await stays.next())[0] == "reset"
            async with following(one, "?since=7-0"):
                pass
            events.job_changed(job(1))
            assert (await stays.next())[1]["name"] == "1"


async def test_another_master_begins(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.events = master_events()
        async with following(one) as follower:
            assert (await follower.next())[0] == "reset"
            await one.stop_master()
            events = one.master.events = master_events(epoch=8)
            events.job_changed(job(1))
            await one.start_master()
            assert await follower.next() == ("reset", {})
            assert follower.last == "8-1"
            events.job_changed(job(2))
            assert (await follower.next())[1]["name"] == "2"


async def test_too_many_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_READERS", 1)
    async with bed(tmp_path) as one:
        one.master.events = master_events()
        async with following(one) as follower:
            await follower.next()
            refused = await one.ask("GET", "/2/events", READER)
            assert refused.status == 503
            assert refused.headers["retry-after"] == "60"
        await until(lambda: one.master.cancelled == 1, "it to leave")
        async with following(one) as follower:
            assert (await follower.next())[0] == "reset"


async def test_events_are_for_users(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        assert (await one.ask("GET", "/2/events")).status == 401


async def test_lists_as_lines(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        names = [[f"node{number}"] for number in range(1000)]
        one.master.answers["QueryNodes"] = names
        plain = (await one.ask("GET", "/2/nodes")).json
        answer = await one.ask("GET", "/2/nodes", "Accept: text/html, application/x-ndjson;q=0.5")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in answer.body.splitlines()] == plain
        assert answer.body.endswith(b"\n")
        one.master.answers["QueryNodes"] = []
        assert (await one.ask("GET", "/2/nodes", LINES)).body == b""


async def test_bulk_lists_as_lines(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        one.master.answers["QueryGroups"] = [[str(n)] * 15 for n in range(3)]
        plain = await one.ask("GET", "/2/groups?bulk=1")
        assert plain.status == 200, plain
        answer = await one.ask("GET", "/2/groups?bulk=1", LINES)
        assert [json.loads(line) for line in answer.body.splitlines()] == plain.json


async def test_what_is_no_list_is_json_as_ever(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        answer = await one.ask("GET", "/2/tags", LINES)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json == ["a"]
