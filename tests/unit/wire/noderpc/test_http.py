"""Heads of requests as bytes."""

import pytest

from pyganeti.wire.noderpc.codec import MAX_BODY, Refusal, Refused
from pyganeti.wire.noderpc.http import Head, answer_bytes, parse_head

LINE = b"POST /v1/version HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (LINE + b"Content-Length: 7", Head("POST", "/v1/version", 7, True)),
        (LINE + b"HOST:x\r\ncontent-length:  07 ", Head("POST", "/v1/version", 7, True)),
        (LINE + b"Connection: Close", Head("POST", "/v1/version", 0, False)),
        (b"GET / HTTP/1.0", Head("GET", "/", 0, False)),
    ],
)
def test_a_head_is_read(data: bytes, head: Head) -> None:
    assert parse_head(data) == head


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"POST /v1/version",
        b"POST /v1/version HTTP/2",
        LINE + b"no colon",
        LINE + b"Content-Length : 7",
        LINE + b"Content-Length: -7",
        LINE + b"Content-Length: 7, 7",
        LINE + b"Content-Length: 7\r\nContent-Length: 8",
        LINE + b"Content-Length: 7777777777777777",
        LINE + b"Transfer-Encoding: chunked",
    ],
)
def test_what_is_no_request_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse_head(data)
    assert refused.value.refusal is Refusal.MALFORMED


def test_too_long_a_body_is_refused_before_it_comes() -> None:
    with pytest.raises(Refused, match="64 MiB") as refused:
        parse_head(LINE + b"Content-Length: %d" % (MAX_BODY + 1))
    assert refused.value.refusal is Refusal.TOO_LARGE


def test_an_answer_says_whether_the_connection_goes_on() -> None:
    assert answer_bytes(200, b"{}", keep=True) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert b"\r\nConnection: close\r\n\r\n{}" in answer_bytes(409, b"{}", keep=False)
