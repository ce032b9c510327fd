"""What a node daemon reads of a caller, and what the master reads of a node."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from pyganeti.model.errors import GenericError
from pyganeti.wire.noderpc.call import result_type
from pyganeti.wire.noderpc.codec import Codec, Refused, decode_answer, decode_request, encode_answer
from pyganeti.wire.noderpc.codec import failure as failed
from pyganeti.wire.noderpc.http import END_OF_HEAD, parse_head
from pyganeti.wire.noderpc.registry import ALL_CALLS, CALLS
from tests.fuzz.engine import kind_of

from .checks import Unexpected, compact, refused


def _example(schema: dict[str, Any], known: dict[str, Any], depth: int = 0) -> Any:
    """A value that ``schema`` allows. Any: JSON and its schemas."""
    if depth > 8:
        return None
    if "$ref" in schema:
        return _example(known[schema["$ref"].rpartition("/")[2]], known, depth + 1)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], known, depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if "default" in schema:
        return schema["default"]
    match schema.get("type"):
        case "object":
            return {
                name: _example(inner, known, depth + 1)
                for name, inner in schema.get("properties", {"key": {}}).items()
            }
        case "array":
            inner = schema.get("prefixItems") or [schema.get("items") or {}]
            return [_example(item, known, depth + 1) for item in inner]
        case "string":
            return "web1"
        case "integer" | "number":
            return 5
        case "boolean":
            return True
    return None


def _of(kind: Any) -> Any:
    """An example of a type. Any: a type, and JSON."""
    try:
        (schema,), known = msgspec.json.schema_components([kind])
    except TypeError:  # holds raw JSON
        return None
    return _example(schema, known)


class NodeRequests:
    """See the module. The input is head and body."""

    name = "node-requests"

    def __init__(self) -> None:
        self._codec = Codec()

    def seeds(self) -> Sequence[bytes]:
        """A request of each procedure."""
        ctx = {"epoch": 7, "job": 42, "op": 0, "step": 3, "call": 1, "attempt": 1, "awaited": True}
        seeds = []
        for call in ALL_CALLS:
            body = compact({"ctx": ctx, "args": _of(call)})
            head = f"POST /v1/{call.procedure} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
            seeds.append(head.encode() + END_OF_HEAD + body)
            seeds.append(body)
        return seeds

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Read the head, and the body with every procedure's type."""
        head, _, body = data.partition(END_OF_HEAD)
        try:
            parsed = parse_head(head)
            kind = f"{parsed.method[:4]} {parsed.keep} {parsed.length > 0}"
        except Refused as err:
            kind, body = self._refusal(err), body or data
        try:
            request = decode_request(body)
        except Refused as err:
            return f"{kind} {self._refusal(err)}"
        for procedure, call in CALLS.items():
            try:
                again = self._codec.call(call, request.args)
                kind += f" {procedure}"
                self._codec.call(call, msgspec.json.encode(again))
            except Refused as err:
                self._refusal(err)
        return kind

    def _refusal(self, err: Refused) -> str:
        answer = json.loads(encode_answer(failed(err.error)))
        if answer["ok"] or len(str(answer)) > 2000:
            raise Unexpected(f"no refusal: {str(answer)[:300]}")
        return kind_of(err)


class NodeAnswers:
    """See the module. The input is a body."""

    name = "node-answers"

    def __init__(self) -> None:
        self._codec = Codec()

    def seeds(self) -> Sequence[bytes]:
        """An answer of each procedure, tasks and errors."""
        results = [compact({"ok": True, "result": _of(result_type(call))}) for call in ALL_CALLS]
        return [
            *results,
            compact({"ok": True, "task": "7-42-0-3-1"}),
            compact({"ok": False, "error": ["BlockDeviceError", ["disk/0: no space"]]}),
            compact({"ok": False, "error": ["StaleEpoch", ["text", 9]]}),
        ]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Read it as the answer to every procedure."""
        try:
            answer = decode_answer(data)
        except GenericError as err:
            return refused(err)
        if answer.error is not None:
            return "error"
        kind = ""
        for procedure, call in CALLS.items():
            try:
                self._codec.result(call, answer.result)
                kind += f" {procedure}"
            except GenericError as err:
                refused(err)
        return kind
