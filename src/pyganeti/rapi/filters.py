"""``/2/filters``: rules about which jobs may begin."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from .call import Call, Json
from .lists import Kind, listing, single
from .resource import WRITERS, Body, Method, Resource
from .shapes import Trail
from .status import BadRequest, NotFound

_PATH: Final = "/2/filters"
_UUID: Final = "filter_uuid"
_FILTER: Final = f"{_PATH}/{{{_UUID}}}"

Action = (
    Literal["ACCEPT", "CONTINUE", "PAUSE", "REJECT"]
    | tuple[Literal["RATE_LIMIT"], Annotated[int, Meta(ge=1)]]
)

FILTERS: Final = Kind(
    "QueryFilters",
    _PATH,
    {
        "watermark": int, "priority": int, "predicates": list[Json], "action": Action,
        "reason_trail": Trail, "uuid": str,
    },
    ("uuid", "uuid"),
    locks=False,
)  # fmt: skip
_DEFAULTS: Final[dict[str, Json]] = {
    "priority": 0, "predicates": [], "action": "CONTINUE", "reason": [],
}  # fmt: skip
_BODY: Final = Body(
    frozenset(_DEFAULTS),
    types={"priority": int, "predicates": list[Json], "action": Action, "reason": Trail},
)


async def _replace(call: Call) -> Json:
    """Make a rule, or put another in the place of one; its UUID."""
    given = {name: value for name, value in call.mapping().items() if value is not None}
    unknown = sorted(given.keys() - _BODY.params)
    if unknown:
        raise BadRequest(f"Invalid body parameters: {', '.join(map(repr, unknown))}: unknown")
    rule = {**_DEFAULTS, **given}
    return await call.master.ask("ReplaceFilter", call.path.get(_UUID), *rule.values())


async def _delete(call: Call) -> Json:
    uuid = call.path[_UUID]
    # The older query leaves out what it does not know; a deletion of nothing is no success.
    if not await call.master.ask("QueryFilters", [uuid], ["uuid"]):
        raise NotFound
    return await call.master.ask("DeleteFilter", uuid)


_RULE: Final = Method(
    _replace, WRITERS, body=_BODY, about="Make a rule, or replace one; its UUID.", result=str
)
_REMOVAL: Final = Method(_delete, WRITERS, about="Remove a rule.", result=None)

RESOURCES: Final = (
    Resource(_PATH, GET=listing(FILTERS), POST=_RULE),
    Resource(_FILTER, GET=single(FILTERS, _UUID), PUT=_RULE, DELETE=_REMOVAL),
)
