"""Clients that are slow, many, wrong or hostile: a status each, and the others notice nothing."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.contract.luxi.harness import until

from .harness import READER, WRITER, WRONG, bed

JSON = "Content-Type: application/json"


async def test_a_body_that_is_too_long(tmp_path: Path) -> None:
    async with bed(tmp_path, most_body=1000) as one:
        body = b'{"a": "' + b"x" * 2000 + b'"}'
        answer = await one.ask("PUT", "/2/modify", WRITER, JSON, body=body)
        assert answer.status == 413
        assert "longer than 1000 bytes" in answer.json["message"]
        async with one.client() as client:
            head = f"PUT /2/modify HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
            client.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            client.send(b"400\r\n" + b" " * 1024 + b"\r\n")
            assert (await client.read()).status == 413
        async with one.client() as client:
            # A length that no memory has.
            client.send(f"{head}Content-Length: 99999999999999\r\n\r\n".encode())
            assert (await client.read()).status == 413
        assert one.master.called == []


async def test_a_body_that_does_not_come(tmp_path: Path) -> None:
    async with bed(tmp_path, body_s=0.1) as one, one.client() as client:
        head = f"PUT /2/modify HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
        client.send(f'{head}Content-Length: 100\r\n\r\n{{"a"'.encode())
        assert (await client.read()).status == 408


async def test_a_head_that_does_not_come(tmp_path: Path) -> None:
    async with bed(tmp_path, head_s=0.1) as one:
        async with one.client() as silent:
            assert (await silent.read()).status == 408
            assert await silent.is_closed()
        async with one.client() as slow:
            slow.send(b"GET /version HTTP/1.1\r\nHost")
            assert (await slow.read()).status == 408
            assert await slow.is_closed()


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        (b"nonsense\r\n\r\n", {400}),
        # Of an older HTTP, or sloppy; the parser knows what is meant.
        (b"GET /version\r\n\r\n", {200, 400}),
        (b"GET /version HTTP/9.9\r\nHost: x\r\n\r\n", {400, 505}),
        (b"GET  /version HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n", {400}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", {400}),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400, 431}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 20_000 + b"\r\n\r\n", {431}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", {400, 431}),
        (b"GET /2/nodes/a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (b"GET /2/nodes/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"GET /2/nodes/%00 HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"GET /2/../version HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"GET http://other/version HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"CONNECT other:443 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"GET /version?" + b"a=1&" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        # Two ways to say where a body ends: what one reader skips is another's next request.
        (
            b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            {400},
        ),
        (
            b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            {400},
        ),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", {400}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", {400}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", {400}),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\n", {400}),
    ],
)
async def test_what_is_not_http_or_too_much(
    tmp_path: Path, head: bytes, statuses: set[int]
) -> None:
    async with bed(tmp_path) as one:
        async with one.client() as client:
            client.send(head)
            answer = await client.read()
            assert answer.status in statuses, answer
            if answer.status != 200:
                assert answer.json.keys() == {"code", "message", "explain"}
                assert answer.json["code"] == answer.status
        assert (await one.ask("GET", "/version")).status == 200
        assert one.master.called == []


async def test_what_is_not_tls(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        for sent in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff", bytes(500)):
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            writer.write(sent)
            writer.write_eof()
            async with asyncio.timeout(10):
                assert b"HTTP" not in await reader.read()
            writer.close()
        assert (await one.ask("GET", "/version")).status == 200


async def test_requests_that_are_cut_off(tmp_path: Path) -> None:
    async with bed(tmp_path) as one:
        whole = (
            f"PUT /2/tags?tag=a HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
            "Content-Length: 2\r\n\r\n{}"
        ).encode()
        for length in range(1, len(whole) - 1, 7):
            async with one.client() as client:
                client.send(whole[:length])
                await client.writer.drain()
        assert (await one.ask("GET", "/version")).status == 200


async def test_too_many_clients(tmp_path: Path) -> None:
    async with bed(tmp_path, most=3) as one, AsyncExitStack() as stack:
        quiet = await stack.enter_async_context(one.client())
        assert (await quiet.ask("GET", "/version")).status == 200
        head = f"GET /2/jobs/5/wait HTTP/1.1\r\nHost: x\r\n{WRITER}\r\n{JSON}\r\n"
        body = '{"fields": ["status"]}'
        waiting = (head + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

        def waits(number: int) -> bool:
            return len(one.master.called) == number

        for number in range(3):
            busy = await stack.enter_async_context(one.client())
            busy.send(waiting)
            await until(partial(waits, number + 1), "it to wait")
        # The third took the place of the one that was quiet.
        assert await quiet.is_closed()
        refused = await one.ask("GET", "/version")
        assert refused.status == 503
        assert "Too many clients" in refused.json["message"]
        one.master.gate.set()
        assert (await busy.read()).status == 200
        assert (await busy.ask("GET", "/version")).status == 200


async def test_many_slow_clients_do_not_stop_a_fast_one(tmp_path: Path) -> None:
    async with bed(tmp_path, most=400) as one, AsyncExitStack() as stack:
        for number in range(150):
            slow = await stack.enter_async_context(one.client())
            slow.send(b"GET /version HTTP/1.1\r\n" if number % 2 else b"")
        async with one.client() as fast:
            for _ in range(20):
                assert (await fast.ask("GET", "/2/tags")).status == 200


async def test_guessing_does_not_stop_others(tmp_path: Path) -> None:
    async with bed(tmp_path) as one, AsyncExitStack() as stack:
        for _ in range(10):
            guess = await stack.enter_async_context(one.client())
            guess.send(f"GET /2/nodes HTTP/1.1\r\nHost: x\r\n{WRONG}\r\n\r\n".encode())
        answer = await one.ask("GET", "/2/tags", READER)
        assert answer.status == 200
