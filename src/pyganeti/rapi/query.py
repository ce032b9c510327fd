"""``/2/query``: any field of any resource, with a filter; as in LUXI."""

from dataclasses import replace
from typing import Final, Literal

from .call import Call, Json
from .resource import READERS, Arg, Body, Kind, Method, Resource
from .shapes import Fields, ListOf
from .status import BadRequest

_PATH: Final = "/2/query/{resource}"
_FIELDS: Final = Arg("fields", Kind.TEXT)


def _names(call: Call) -> list[str]:
    return (call.text("fields") or "").split(",") if call.query.get("fields") else []


async def _ask(call: Call, fields: list[str], qfilter: Json) -> Json:
    if not fields:
        raise BadRequest("Missing 'fields' query argument")
    found = await call.master.ask("Query", call.path["resource"], fields, qfilter)
    return {"data": found["data"], "fields": found["fields"]}


async def _get(call: Call) -> Json:
    return await _ask(call, _names(call), None)


async def _put(call: Call) -> Json:
    """The filter is ``qfilter``, or ``filter`` as in the oldest clients."""
    given = call.mapping()
    fields = given.get("fields") or _names(call)
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise BadRequest("Invalid body parameters: 'fields': expected a list of names")
    qfilter = given.get("qfilter")
    return await _ask(call, fields, given.get("filter") if qfilter is None else qfilter)


async def _describe(call: Call) -> Json:
    found = await call.master.ask("QueryFields", call.path["resource"], _names(call))
    return {"fields": found["fields"]}


_BODY: Final = Body(
    frozenset({"fields", "qfilter", "filter"}),
    types={"fields": list[str], "qfilter": list[Json], "filter": list[Json]},
)
_COLUMN: Final = Fields("Column", {"name": str, "title": str, "kind": str, "doc": str})
# Each cell is a status, 0 for what is as it should be, and a value.
_FOUND: Final = Fields(
    "Found",
    {"data": list[list[tuple[Literal[0, 1, 2, 3, 4], Json]]], "fields": ListOf(_COLUMN)},
)

RESOURCES: Final = (
    Resource(
        _PATH,
        GET=Method(
            _get,
            READERS,
            (replace(_FIELDS, needed=True),),
            result=_FOUND,
            about="Any fields of all objects of a kind.",
        ),
        PUT=Method(
            _put,
            READERS,
            (_FIELDS,),
            body=_BODY,
            result=_FOUND,
            about="Any fields of the objects of a kind that a filter lets through.",
        ),
    ),
    Resource(
        f"{_PATH}/fields",
        GET=Method(
            _describe,
            query=(_FIELDS,),
            result=Fields("Columns", {"fields": ListOf(_COLUMN)}),
            about="Which fields objects of a kind have, or what those named are.",
        ),
    ),
)
