"""The REST server with TLS on loopback: requests, errors, users, masters that come and go."""

import asyncio
import gzip
import json
import ssl
from pathlib import Path

import pytest

from pyganeti.master.new_keys import self_signed
from pyganeti.model.errors import GenericError, JobLost, JobQueueDrainError, OpPrereqError
from tests.contract.luxi.harness import until

from .harness import READER, WRITER, WRONG, bed

JSON = "Content-Type: application/json"
NOT_FOUND = {"code": 404, "message": "Not Found", "explain": "Nothing matches the given URI"}
WAIT = b'{"fields": ["status"]}'


async def test_answers_are_as_ganetis(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        answer = await one.ask("GET", "/2")
        assert (answer.status, answer.body) == (200, b"null\n")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["server"] == "Ganeti 3.1.0"
        answer = await one.ask("GET", "/2/info?bulk=&x")
        assert answer.json == {
            "name": "c", "volume_group_name": "vg", "vg_name": "vg", "drbd_helper": None,
        }  # fmt: skip
        answer = await one.ask("GET", "/nosuch")
        assert (answer.status, answer.json) == (404, NOT_FOUND)
        answer = await one.ask("POST", "/2/tags")
        assert answer.json == {
            "code": 501,
            "message": "Method POST is unsupported for path /2/tags",
            "explain": "Server does not support this operation",
        }
        answer = await one.ask("GET", "/2/jobs/5/wait")
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="Ganeti Remote API"'
        assert answer.json["code"] == 401


async def test_a_job_is_submitted_by_who_may(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        for headers, status in (((), 401), ((READER,), 403), ((WRONG,), 401), ((WRITER,), 200)):
            answer = await client.ask("PUT", "/2/tags?tag=a&tag=b", *headers)
            assert answer.status == status
        assert answer.body == b"17\n"
        ((method, (job,)),) = one.master.called
        assert method == "SubmitJob"
        assert job[0]["tags"] == ["a", "b"]


async def test_a_public_resource_minds_a_wrong_password(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        assert (await one.ask("GET", "/version")).status == 200
        assert (await one.ask("GET", "/version", READER)).status == 200
        assert (await one.ask("GET", "/version", WRONG)).status == 401
    async with bed(tmp_path, all_need=True) as one:
        assert (await one.ask("GET", "/version")).status == 401
        assert (await one.ask("GET", "/version", READER)).status == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((JSON,), b"{}", 200),
        ((), b"{}", 200),
        (("Content-Type: Application/JSON; charset=utf-8",), b"{}", 200),
        ((), b"", 200),
        ((), None, 200),
        ((JSON,), b" \n", 200),
        ((JSON,), b"null", 200),
        ((JSON,), b'{"timeout": null}', 200),
        (("Content-Type: text/plain",), b"{}", 415),
        (("Content-Type: ",), b"{}", 415),
        ((JSON, "Content-Encoding: gzip"), gzip.compress(b"{}", mtime=0), 415),
        ((JSON, "Content-Encoding: deflate"), b"{}", 415),
        ((JSON, "Expect: nonsense"), b"{}", 417),
        ((JSON,), b"{x", 400),
        ((JSON,), b"\xff", 400),
        ((JSON,), b'{"timeout": NaN}', 400),
        ((JSON,), b'{"timeout": "\\ud800"}', 400),
        ((JSON,), b"{} {}", 400),
        ((JSON,), b"[1]", 400),
        ((JSON,), b'"text"', 400),
        ((JSON,), b'{"timeout": "1"}', 400),
        ((JSON,), b'{"timeout": 1e999}', 400),
        ((JSON,), b'{"timeout": ' + b"9" * 5000 + b"}", 400),
        ((JSON,), b'{"nosuch": 1}', 400),
        ((JSON,), b"[" * 100_000, 400),
        ((JSON,), b'{"timeout":' * 5000 + b"1" + b"}" * 5000, 400),
    ],
)
async def test_bodies(
    tmp_path: Path, headers: tuple[str, ...], body: bytes | None, status: int
) -> None:
    async with bed(tmp_path) as one:
        path = "/2/instances/web1/shutdown"
        answer = await one.ask("PUT", path, WRITER, *headers, body=body)
        assert answer.status == status, answer.body
        assert (answer.json == 17) is (status == 200)
        assert status == 200 or answer.json.keys() == {"code", "message", "explain"}
        assert bool(one.master.called) is (status == 200)
        assert len(answer.body) < 3000


async def test_a_body_of_too_many_values(tmp_path: Path) -> None:
    async with bed(tmp_path, most_body=1 << 24) as one:
        body = b'{"tags": [' + b"1," * 1_000_001 + b"1]}"
        answer = await one.ask("PUT", "/2/instances/a/shutdown", WRITER, JSON, body=body)
        assert answer.status == 400
        assert "more than 1000000 values" in answer.json["message"]


async def test_a_body_is_read_only_from_who_may_send_one(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        # Nothing of it comes, and still there is an answer.
        client.send(b"PUT /2/modify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert (await client.read()).status == 401


async def test_a_body_that_waits_to_be_asked_for(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        head = f"PUT /2/modify HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
        client.send(f"{head}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode())
        assert (await client.read()).status == 100
        client.send(b"{}")
        assert (await client.read()).json == 17


async def test_a_body_in_chunks(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        head = f"PUT /2/instances/a/shutdown HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
        head += "Transfer-Encoding: chunked\r\n\r\n"
        client.send(head.encode() + b'5\r\n{"tim\r\n9\r\neout": 7}\r\n0\r\n\r\n')
        assert (await client.read()).json == 17
        assert one.master.called[0][1][0][0]["timeout"] == 7


async def test_one_connection_carries_many_requests(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        for _ in range(20):
            assert (await client.ask("GET", "/version")).body == b"2\n"
            assert (await client.ask("GET", "/nosuch")).status == 404
        client.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        assert [(await client.read()).json for _ in range(3)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OpPrereqError("unknown", "unknown_entity"), 404),
        (OpPrereqError("wrong"), 400),
        (JobQueueDrainError("drained"), 503),
        (GenericError("broken"), 500),
    ],
)
async def test_errors_of_the_master(tmp_path: Path, error: GenericError, status: int) -> None:
    async with bed(tmp_path) as one:
        one.master.answers["SubmitJob"] = error
        answer = await one.ask("PUT", "/2/tags?tag=a", WRITER)
        assert answer.status == answer.json["code"] == status


async def test_what_the_master_should_not_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bed(tmp_path) as one:
        one.master.answers["QueryNodes"] = [["hunter2"]]
        answer = await one.ask("GET", "/2/nodes?bulk=1")
        assert answer.status == 500
        assert b"hunter2" not in answer.body
        assert "request failed with ValueError" in caplog.text
        assert "hunter2" not in caplog.text
        assert (await one.ask("GET", "/version")).status == 200


async def test_a_master_that_is_away_and_comes_back(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        assert (await client.ask("GET", "/2/tags")).json == ["a"]
        for _ in range(2):
            await one.stop_master()
            answer = await client.ask("GET", "/2/tags")
            assert answer.status == 503
            assert answer.headers["retry-after"] == "5"
            assert "master daemon" in answer.json["message"]
            assert (await client.ask("GET", "/version")).status == 200
            await one.start_master()
            assert (await client.ask("GET", "/2/tags")).json == ["a"]


async def test_waiting_holds_nothing_and_ends_with_its_client(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        head = f"GET /2/jobs/5/wait HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
        head += f"Content-Length: {len(WAIT)}\r\n\r\n"
        async with one.client() as stays:
            async with one.client() as leaves:
                for client in (stays, leaves):
                    client.send(head.encode() + WAIT)
                await until(lambda: len(one.master.called) == 2, "both to wait")
                assert (await one.ask("GET", "/version")).status == 200
            await until(lambda: one.master.cancelled == 1, "the question to end")
            one.master.gate.set()
            assert (await stays.read()).json == {"job_info": ["success"], "log_entries": []}
        one.master.answers["WaitForJobChange"] = JobLost("gone")


async def test_unchanged_answers_are_not_sent_again(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        tag = (await client.ask("GET", "/2/tags")).headers["etag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}'):
            answer = await client.ask("GET", "/2/tags", f"If-None-Match: {known}")
            assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
        one.master.answers["QueryTags"] = ["a", "b"]
        answer = await client.ask("GET", "/2/tags", f"If-None-Match: {tag}")
        assert (answer.status, answer.json) == (200, ["a", "b"])
        assert (await client.ask("GET", "/nosuch", "If-None-Match: *")).status == 404


async def test_long_answers_are_compressed_for_who_can_read_them(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        one.master.answers["QueryTags"] = tags = [f"tag{number}" for number in range(2000)]
        plain = await client.ask("GET", "/2/tags")
        assert "content-encoding" not in plain.headers
        assert plain.json == tags
        packed = await client.ask("GET", "/2/tags", "Accept-Encoding: deflate, gzip")
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert json.loads(gzip.decompress(packed.body)) == tags
        assert len(packed.body) < len(plain.body) / 2
        one.master.answers["QueryTags"] = ["a"]
        short = await client.ask("GET", "/2/tags", "Accept-Encoding: gzip")
        assert short.json == ["a"]


async def test_users_that_change(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, one.client() as client:
        assert (await client.ask("PUT", "/2/tags?tag=a", WRITER)).status == 200
        one.users_path.write_text("writer {cleartext}other write\n")
        one.users.read()
        assert (await client.ask("PUT", "/2/tags?tag=a", WRITER)).status == 401
        one.users_path.unlink()
        one.users.read()
        assert (await client.ask("GET", "/version")).status == 200


async def test_a_certificate_that_changes(tmp_path: Path) -> None:
    def presented(port: int) -> str:
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)

    async with bed(tmp_path) as one, one.client() as old:
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(None, presented, one.port)
        assert first.strip() in one.pem.read_text()
        good = one.pem.read_bytes()
        # One that is broken changes nothing.
        for broken in (b"", b"nonsense", good[: len(good) // 2]):
            one.pem.write_bytes(broken)
            one.certificate.read()
            assert await loop.run_in_executor(None, presented, one.port) == first
        one.pem.write_bytes(self_signed("cluster.example.com"))
        one.certificate.read()
        second = await loop.run_in_executor(None, presented, one.port)
        assert second != first
        assert second.strip() in one.pem.read_text()
        # Who is connected stays so.
        assert (await old.ask("GET", "/version")).status == 200
