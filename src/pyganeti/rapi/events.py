"""``/2/events``: what changes, as it changes, in the form of server-sent events.

    Master.events -> one text for each -> the client, until it leaves

Source: the HTML standard, server-sent events; ``docs/design/0024-events.md``.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

import msgspec

from pyganeti.model.enums import QueryResource

from .call import Call, Json, Stream, Told
from .resource import READERS, Arg, Kind, Method, Resource
from .shapes import Fields
from .status import BadRequest

EVENT_STREAM: Final = "text/event-stream"
# Where an object of a kind is.
_PLACES: Final[Mapping[str, str]] = {
    QueryResource.CLUSTER: "/2/info",
    QueryResource.FILTER: "/2/filters/{}",
    QueryResource.GROUP: "/2/groups/{}",
    QueryResource.INSTANCE: "/2/instances/{}",
    QueryResource.JOB: "/2/jobs/{}",
    QueryResource.NETWORK: "/2/networks/{}",
    QueryResource.NODE: "/2/nodes/{}",
}
_RESET: Final = "reset"
# Says that the connection lives; clients do nothing at it.
_COMMENT: Final = b":\n\n"
# After so long a client that lost its connection asks again.
_RETRY: Final = b"retry: 2000\n\n"
_encoder: Final = msgspec.json.Encoder()


async def _events(call: Call) -> Json:
    kinds = frozenset(call.query.get("kind", ()))
    unknown = sorted(kinds - _PLACES.keys())
    if unknown:
        known = ", ".join(sorted(_PLACES))
        raise BadRequest(f"There are no events of kind '{unknown[0][:80]}', but of {known}")
    known_id = call.text("since") or call.headers.get("Last-Event-ID")
    return Stream(EVENT_STREAM, _texts(call, kinds, known_id), {"Cache-Control": "no-store"})


async def _texts(
    call: Call, kinds: frozenset[str], since: str | None
) -> AsyncGenerator[bytes, None]:
    begin = _RETRY
    async with aclosing(call.master.events(since)) as news:
        async for found in news:
            yield begin + (b"".join(_texts_of(found, kinds)) or _COMMENT)
            begin = b""


def _texts_of(found: list[Told], kinds: frozenset[str]) -> Iterator[bytes]:
    for one in found:
        if one.event is None:
            yield _text(one.id, _RESET, {})
        elif not kinds or one.event["kind"] in kinds:
            yield _text(one.id, one.event["kind"], _shown(one.event))
        elif one is found[-1]:
            # No event without data; but the client goes on from here.
            yield b"id: %s\n\n" % one.id.encode()


def _shown(event: dict[str, Json]) -> dict[str, Json]:
    """An event with the address of what it is about."""
    place = _PLACES[event["kind"]].format(quote(event["name"], safe=""))
    return {name: value for name, value in event.items() if name != "serial"} | {"uri": place}


def _text(number: str, name: str, data: dict[str, Json]) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        number.encode(),
        name.encode(),
        _encoder.encode(data),
    )


RESOURCES: Final = (
    Resource(
        "/2/events",
        # A stream holds its connection, and so is not for everybody.
        GET=Method(
            _events, READERS,
            query=(Arg("kind", Kind.TEXTS), Arg("since", Kind.TEXT)),
            about="Changes of jobs and objects as they happen, as server-sent events.",
            # Of each event.
            result=Fields("ServerSentEvent", {"id": str, "event": str, "data": str}),
            kind=EVENT_STREAM,
        ),
    ),
)  # fmt: skip
