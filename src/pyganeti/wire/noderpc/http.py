"""The little HTTP/1.1 that node calls need, as bytes: the server's end. Pure.

Bodies have a length; there are no chunks, no trailers and no upgrades. Source: RFC 9112.
"""

from http import HTTPStatus
from typing import Final, NamedTuple

from pyganeti.model.errors import NodeCallError

from .codec import MAX_BODY, Refusal, Refused

END_OF_HEAD: Final = b"\r\n\r\n"
MAX_HEAD: Final = 16 * 1024
_MOST_DIGITS: Final = 12


class Head(NamedTuple):
    """What matters of a request's head.

    Attributes:
        length: bytes of the body that follows.
        keep: whether the caller wants to go on with the connection afterwards.
    """

    method: str
    path: str
    length: int
    keep: bool


def parse_head(data: bytes) -> Head:
    """Read the head of a request, without the empty line that ends it.

    Raises:
        Refused: it is none that is understood here, or announces too long a body.
    """
    first, *lines = data.split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise _malformed("no HTTP/1.1 request")
    length: int | None = None
    keep = words[2] == b"HTTP/1.1"
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or name != name.strip():
            raise _malformed("malformed header")
        if name == b"content-length":
            # Two that differ are how requests are smuggled past a proxy.
            if length is not None:
                raise _malformed("two lengths")
            length = _length(value.strip())
        elif name == b"transfer-encoding":
            raise _malformed("a body without a length")
        elif name == b"connection" and b"close" in value.lower():
            keep = False
    method, path = words[0].decode("latin-1"), words[1].decode("latin-1")
    return Head(method, path, length or 0, keep)


def _length(text: bytes) -> int:
    if not text.isdigit() or len(text) > _MOST_DIGITS:
        raise _malformed("a length that is no number")
    length = int(text)
    if length > MAX_BODY:
        reason = f"a call is limited to {MAX_BODY >> 20} MiB"
        raise Refused(Refusal.TOO_LARGE, NodeCallError(reason))
    return length


def _malformed(reason: str) -> Refused:
    return Refused(Refusal.MALFORMED, NodeCallError(f"request: {reason}"))


def answer_bytes(status: int, body: bytes, *, keep: bool) -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status,
        HTTPStatus(status).phrase.encode("ascii"),
        len(body),
        b"" if keep else b"Connection: close\r\n",
        body,
    )
