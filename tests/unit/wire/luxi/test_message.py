"""Requests and answers as bytes: what is taken, what is refused, and how."""

import json
from typing import Any

import pytest

from pyganeti.model.errors import GenericError, HooksAbort, LuxiError, OpPrereqError
from pyganeti.model.versions import LUXI_VERSION
from pyganeti.wire.luxi.message import MAX_VALUES, answer, decode_request, refusal


def request(args: str) -> bytes:
    return b'{"method": "M", "args": ' + args.encode("utf-8", "surrogatepass") + b"}"


REFUSED = {
    "nothing": b"",
    "no JSON": b"x",
    "no object": b"[]",
    "no method": b'{"args": []}',
    "method a number": b'{"method": 1, "args": []}',
    "method null": b'{"method": null, "args": []}',
    "args an object": request("{}"),
    "args a text": request('"x"'),
    "args null": request("null"),
    "version a text": b'{"method": "M", "args": [], "version": "3"}',
    "version true": b'{"method": "M", "args": [], "version": true}',
    "version a fraction": b'{"method": "M", "args": [], "version": 3010000.0}',
    "something after it": request("[]") + b" {}",
    "a byte order mark": b"\xef\xbb\xbf" + request("[]"),
    "UTF-16": request("[]").decode().encode("utf-16"),
    "invalid UTF-8": b'{"method": "M", "args": ["\xc3\x28"]}',
    "overlong UTF-8": b'{"method": "M", "args": ["\xc0\xaf"]}',
    "invalid UTF-8 in a key": b'{"method": "M", "args": [{"\xff": 1}]}',
    "a raw surrogate": request('["\ud800"]'),
    "a lone surrogate": request('["\\ud800"]'),
    "a raw NUL": request('["\0"]'),
    "NaN": request("[NaN]"),
    "Infinity": request("[-Infinity]"),
    "a number without end": request("[1e999]"),
    "an integer of 5 000 digits": request("[" + "9" * 5000 + "]"),
    "10 000 levels": request("[" * 10_000 + "]" * 10_000),
    "10 000 objects": request('[{"a":' * 10_000 + "1" + "}]" * 10_000),
    "101 levels": request("[" * 100 + "]" * 100),
    "too many values": request("[" + "[]," * MAX_VALUES + "1]"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_malformed_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(LuxiError, match=r"^malformed request: ") as refused:
        decode_request(REFUSED[name])
    assert len(str(refused.value)) < 200


def test_another_version_is_refused() -> None:
    with pytest.raises(LuxiError, match=f"version 5, this master {LUXI_VERSION}"):
        decode_request(b'{"method": "M", "args": [], "version": 5}')


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[" * 99 + "]" * 99, None),
        ('["' + "[" * 500 + '"]', ["[" * 500]),
        ("[-0.0, 1e5]", [0.0, 100_000.0]),
        ("[99999999999999999999999999]", [99999999999999999999999999]),
        ('[{"a": 1, "a": 2}]', [{"a": 2}]),
        ('["\\ud83d\\ude00"]', ["\N{GRINNING FACE}"]),
    ],
)
def test_what_is_odd_but_right_is_taken(text: str, value: Any) -> None:
    found = decode_request(request(text)).args
    assert value is None or found == value


def sent(message: bytearray) -> Any:
    assert message.endswith(b"\x03")
    assert message.count(3) == 1
    answered = json.loads(message[:-1])
    assert answered["version"] == LUXI_VERSION
    return answered["success"], answered["result"]


def test_answers_and_refusals() -> None:
    assert sent(answer({"a": [1, None, "ü\x03"]})) == (True, {"a": [1, None, "ü\x03"]})
    refused = ["OpPrereqError", ["no", "wrong_state"]]
    assert sent(refusal(OpPrereqError("no", "wrong_state"))) == (False, refused)


def test_a_long_text_of_an_error_is_cut() -> None:
    ok, (name, (text,)) = sent(refusal(GenericError("x" * 5_000_000)))
    assert (ok, name, len(text) < 20_000) == (False, "GenericError", True)
    assert text.endswith("(5000000 characters)")
    nested = HooksAbort([["node1", "script", "x" * 5_000_000], ["node2", "other", "fine"]])
    (first, second) = sent(refusal(nested))[1][1][0]
    assert len(first[2]) < 20_000
    assert second == ["node2", "other", "fine"]


@pytest.mark.parametrize("argument", [object(), {1, object()}, "\ud800", [["\ud800"]]])
def test_an_error_that_cannot_be_sent_is_sent_as_text(argument: object) -> None:
    ok, (name, args) = sent(refusal(OpPrereqError("no such thing", "x")))
    ok, (name, args) = sent(refusal(GenericError("no such thing: \udc80", argument)))
    assert (ok, name, args) == (False, "GenericError", ["no such thing: ?"])
