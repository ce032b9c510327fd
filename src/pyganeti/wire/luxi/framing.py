"""LUXI messages on a byte stream: a JSON document and one closing byte.

Used by the client; the server does the same with asyncio and msgspec. Pure; standard library only,
because commands import it.

    bytes -> Splitter -> documents -> parse_response

Source: Ganeti's LUXI protocol.
"""

import json
from typing import Final

from pyganeti.model.errors import LuxiError, from_wire

EOM: Final = b"\x03"
# A whole cluster's answer is a few tens of MiB at most; more is not one of our peers.
MAX_MESSAGE: Final = 512 * 1024 * 1024


class Splitter:
    """Cuts a byte stream into documents; keeps what has no end yet."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._pending = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """Take ``data`` and return the documents that are complete now, without closing byte.

        Raises:
            LuxiError: an unfinished document exceeds the limit.
        """
        # Only new bytes can hold an end: a long answer comes in thousands of pieces.
        if EOM not in data:
            self._pending += data
            documents: list[bytes] = []
        else:
            first, *rest = data.split(EOM)
            documents = [bytes(self._pending) + first, *rest[:-1]]
            self._pending = bytearray(rest[-1])
        if len(self._pending) > self._limit:
            raise LuxiError(f"message longer than {self._limit} bytes")
        return documents


def encode(document: object) -> bytes:
    """``document`` as JSON with its closing byte."""
    return json.dumps(document, separators=(",", ":")).encode() + EOM


def request(method: str, args: list[object], version: int) -> dict[str, object]:
    """The document that calls ``method``."""
    return {"method": method, "args": args, "version": version}


def parse_response(document: bytes, version: int) -> object:
    """The result that a server answered.

    Raises:
        GenericError: the error that the server answered, under its own class.
        LuxiError: not an answer, or of another protocol version.
    """
    return result_of(_parse_object(document), version)


def result_of(message: object, version: int) -> object:
    """The result in a decoded answer; raises as :func:`parse_response`."""
    if not isinstance(message, dict):
        raise LuxiError(f"not a JSON object: {str(message)[:80]!r}")
    if "success" not in message or "result" not in message:
        raise LuxiError("answer without success or result")
    _check_version(message, version)
    if not message["success"]:
        raise from_wire(message["result"])
    return message["result"]


def _parse_object(document: bytes) -> object:
    try:
        message: object = json.loads(document)
    except (ValueError, RecursionError) as err:
        raise LuxiError(f"not JSON: {bytes(document[:80])!r}") from err
    return message


def _check_version(message: dict[str, object], version: int) -> None:
    found = message.get("version")
    if found is not None and found != version:
        raise LuxiError(f"LUXI version mismatch: ours is {version}, the peer's is {found}")
