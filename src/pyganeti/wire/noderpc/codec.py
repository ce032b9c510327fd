"""Bodies of requests and answers, as bytes.

Arguments and results stay raw until the procedure is known, then they are decoded strictly.
Source: docs/design/0002-node-calls.md, "On the wire".
"""

from enum import Enum
from typing import Any, Final

import msgspec

from pyganeti.kit.nesting import MAX_NESTING, is_too_deep
from pyganeti.kit.shown import cut
from pyganeti.model.errors import GenericError, NodeCallError, to_wire

from .call import AnyCall, CallContext, NodeCall, R, TaskId, result_type

MAX_BODY: Final = 64 * 1024 * 1024
_TOO_DEEP: Final = f"nested deeper than {MAX_NESTING} levels"


class Refusal(Enum):
    """Why a call was not even begun."""

    MALFORMED = "malformed"
    NOT_ADMITTED = "not admitted"
    UNKNOWN = "unknown procedure"
    STALE = "stale epoch"
    TOO_LARGE = "too large"


class Refused(Exception):
    """A call was not begun; ``error`` is what its caller is told."""

    def __init__(self, refusal: Refusal, error: GenericError) -> None:
        super().__init__(str(error))
        self.refusal = refusal
        self.error = error


class Request(msgspec.Struct, frozen=True):
    """A request whose arguments are not read yet."""

    ctx: CallContext
    args: msgspec.Raw


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer: ``result`` or ``task`` when ``ok``, else ``error`` as ``to_wire`` shapes it."""

    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"")
    task: str = ""
    error: list[Any] | None = None  # Any: an error's arguments


class _Outgoing(msgspec.Struct, frozen=True):
    ctx: CallContext
    args: AnyCall


_ENCODER: Final = msgspec.json.Encoder()
# msgspec leaves bytes that are no UTF-8 to Python's own error.
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError)
_REQUESTS: Final = msgspec.json.Decoder(Request)
_ANSWERS: Final = msgspec.json.Decoder(Answer)


class Codec:
    """Decoders of all calls, built when first needed (a daemon uses few) and kept."""

    def __init__(self) -> None:
        self._args: dict[type[AnyCall], msgspec.json.Decoder[AnyCall]] = {}
        self._results: dict[type[AnyCall], msgspec.json.Decoder[Any]] = {}

    def call(self, kind: type[AnyCall], args: bytes | msgspec.Raw) -> AnyCall:
        """Decode the arguments of a call.

        Raises:
            Refused: they are not those of ``kind``.
        """
        decoder = self._args.get(kind)
        if decoder is None:
            decoder = self._args[kind] = msgspec.json.Decoder(kind)
        try:
            return decoder.decode(args)
        except _UNREADABLE as err:
            text = f"{kind.procedure}: {cut(str(err))}"
            raise Refused(Refusal.MALFORMED, NodeCallError(text)) from err

    def result(self, kind: type[NodeCall[R]], raw: bytes | msgspec.Raw) -> R:
        """Decode the result of a call of ``kind``.

        Raises:
            NodeCallError: it has not the declared type.
        """
        decoder = self._results.get(kind)
        if decoder is None:
            decoder = self._results[kind] = msgspec.json.Decoder(result_type(kind))
        try:
            result: R = decoder.decode(raw)
        except _UNREADABLE as err:
            raise NodeCallError(f"answer to {kind.procedure}: {cut(str(err))}") from err
        return result


def encode_request(ctx: CallContext, call: AnyCall) -> bytes:
    """Body of a request."""
    return _ENCODER.encode(_Outgoing(ctx, call))


def decode_request(body: bytes) -> Request:
    """Read a request's envelope.

    Raises:
        Refused: it is none.
    """
    if is_too_deep(body):
        raise Refused(Refusal.MALFORMED, NodeCallError(f"request: {_TOO_DEEP}"))
    try:
        return _REQUESTS.decode(body)
    except _UNREADABLE as err:
        raise Refused(Refusal.MALFORMED, NodeCallError(f"request: {cut(str(err))}")) from err


def decode_answer(body: bytes) -> Answer:
    """Read an answer's envelope.

    Raises:
        NodeCallError: it is none.
    """
    if is_too_deep(body):
        raise NodeCallError(f"answer: {_TOO_DEEP}")
    try:
        return _ANSWERS.decode(body)
    except _UNREADABLE as err:
        raise NodeCallError(f"answer: {cut(str(err))}") from err


def encode_value(value: object) -> msgspec.Raw:
    """A result as JSON, to be put into an :class:`Answer`."""
    return msgspec.Raw(_ENCODER.encode(value))


def encode_answer(answer: Answer) -> bytes:
    """Body of an answer."""
    return _ENCODER.encode(answer)


def success(value: object) -> Answer:
    """The answer of a call that worked."""
    return Answer(True, encode_value(value))


def started(task: TaskId) -> Answer:
    """The answer of a long call: its task."""
    return Answer(True, task=task)


def failure(error: GenericError) -> Answer:
    """The answer of a call that was refused or failed."""
    return Answer(False, error=to_wire(error))
