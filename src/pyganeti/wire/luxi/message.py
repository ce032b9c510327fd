"""LUXI messages on the master's end: bytes to a request, a result or an error to bytes. Pure.

    document -> decode_request -> handler -> answer, or refusal

What passes here is bounded in size, depth and number of values; behind it nothing has to count.
Source: LUXI protocol facts (framing, keys, version); limits: docs/design/0007-luxi.md.
"""

from typing import Any, Final

import msgspec

from pyganeti.kit.nesting import MAX_NESTING, has_too_many, is_too_deep
from pyganeti.model.errors import GenericError, LuxiError, to_wire
from pyganeti.model.versions import LUXI_VERSION

EOM: Final = b"\x03"
MIB: Final = 1024 * 1024
# 10 000 instances in one submission take 10 MiB and half a million values. Sixteen MiB of empty
# lists would take 700 MB in memory.
MAX_REQUEST: Final = 16 * MIB
MAX_VALUES: Final = 1_000_000
# Of one text in an error; whoever reads it has seen enough.
MAX_ERROR_TEXT: Final = 16 * 1024


class Request(msgspec.Struct, frozen=True):
    """A method and what it is called with; keys that it does not have are ignored."""

    method: str
    args: list[Any] = msgspec.field(default_factory=list)  # Any: JSON
    version: int | None = None


_decoder: Final = msgspec.json.Decoder(Request)
_encoder: Final = msgspec.json.Encoder()


def decode_request(data: bytes) -> Request:
    """Read a request, without its closing byte.

    Raises:
        LuxiError: it is none, too large in one way or another, or of another protocol version.
    """
    _check_size(data)
    try:
        request = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise LuxiError(f"malformed request: {err}") from err
    if request.version is not None and request.version != LUXI_VERSION:
        raise LuxiError(
            f"the client speaks LUXI version {request.version}, this master {LUXI_VERSION}"
        )
    return request


def _check_size(data: bytes) -> None:
    if has_too_many(data, MAX_VALUES):
        raise LuxiError(f"malformed request: more than {MAX_VALUES} values")
    if is_too_deep(data):
        raise LuxiError(f"malformed request: nested deeper than {MAX_NESTING} levels")


def too_large(limit: int) -> LuxiError:
    """What the sender of a request of more than ``limit`` bytes is told."""
    return LuxiError(f"malformed request: longer than {limit} bytes")


def answer(result: object) -> bytearray:
    """A result, with its closing byte.

    Raises:
        TypeError, ValueError, RecursionError: ``result`` is not JSON.
    """
    return _message(True, result)


def refusal(error: GenericError) -> bytearray:
    """An error as an answer, with its closing byte; its texts are cut where they are long."""
    name, args = to_wire(error)
    try:
        return _message(False, [name, _cut(args)])
    except (TypeError, ValueError, RecursionError):
        # Arguments that are not JSON: the text at least travels.
        return _message(False, [name, [_cut(str(error)).encode(errors="replace").decode()]])


def _message(success: bool, result: object) -> bytearray:
    reply = bytearray()
    _encoder.encode_into({"success": success, "result": result, "version": LUXI_VERSION}, reply)
    reply += EOM
    return reply


def _cut(value: Any) -> Any:  # Any: JSON
    if isinstance(value, str) and len(value) > MAX_ERROR_TEXT:
        return f"{value[:MAX_ERROR_TEXT]}... ({len(value)} characters)"
    if isinstance(value, list | tuple):
        return [_cut(item) for item in value]
    return value
