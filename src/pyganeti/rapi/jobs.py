"""``/2/jobs``: jobs, and waiting for them."""

from collections.abc import Mapping
from typing import Final

from .call import Call, Json
from .resource import BULK, WRITERS, Body, Method, Resource
from .shapes import Fields, JobNumber, JsonObject, Listing, Moment, OneOf
from .status import BadRequest, NotFound

# Of a log: number, time, kind and message.
Entry = tuple[int, tuple[int, int], str, Json]

_PATH: Final = "/2/jobs"
_ID: Final = "job_id"
_JOB: Final = f"{_PATH}/{{{_ID}}}"
_BULK_FIELDS: Final[Mapping[str, object]] = {
    "id": JobNumber, "ops": list[JsonObject], "status": str, "summary": list[str],
    "opstatus": list[str], "received_ts": Moment, "start_ts": Moment, "end_ts": Moment,
}  # fmt: skip
_FIELDS: Final[Mapping[str, object]] = {
    **_BULK_FIELDS, "oplog": list[list[Entry]], "opresult": list[Json],
}  # fmt: skip
# So long a client is held; it asks again then.
WAIT_S: Final = 10
_MOST_DIGITS: Final = 18


def _number(call: Call) -> int:
    text = call.path[_ID]
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise NotFound
    return int(text)


async def _list(call: Call) -> Json:
    if call.flag("bulk"):
        rows = await call.master.ask("QueryJobs", [], list(_BULK_FIELDS))
        return [dict(zip(_BULK_FIELDS, row, strict=True)) for row in rows]
    rows = await call.master.ask("QueryJobs", [], ["id"])
    return [{"id": number, "uri": f"{_PATH}/{number}"} for (number,) in rows]


async def _show(call: Call) -> Json:
    (row,) = await call.master.ask("QueryJobs", [_number(call)], list(_FIELDS))
    job = dict(zip(_FIELDS, row, strict=True))
    if job["status"] is None:
        raise NotFound
    return job


async def _cancel(call: Call) -> Json:
    return await call.master.ask("CancelJob", _number(call))


async def _wait(call: Call) -> Json:
    """What changed, or null when nothing did for a while."""
    given = call.mapping()
    fields = given.get("fields")
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise BadRequest("Required parameter 'fields' is missing, or no list of names")
    known = given.get("previous_job_info"), given.get("previous_log_serial")
    found = await call.master.wait(_number(call), fields, *known, WAIT_S)
    if found == "nochange":
        return None
    info, entries = found
    return {"job_info": info, "log_entries": entries or []}


_WAITING: Final = Body(
    frozenset({"fields", "previous_job_info", "previous_log_serial"}),
    types={
        "fields": list[str], "previous_job_info": list[Json] | None,
        "previous_log_serial": int | None,
    },
    needed=frozenset({"fields"}),
)  # fmt: skip
_LINK: Final = Fields("JobLink", {"id": JobNumber, "uri": str})
_CHANGE: Final = Fields("JobChange", {"job_info": list[Json], "log_entries": list[Entry]})

RESOURCES: Final = (
    Resource(
        _PATH,
        GET=Method(
            _list, query=(BULK,), about="All jobs: their numbers, or with bulk=1 most fields.",
            result=Listing(_LINK, Fields("JobInList", _BULK_FIELDS)),
        ),
    ),
    Resource(
        _JOB,
        GET=Method(_show, about="One job, all fields.", result=Fields("Job", _FIELDS)),
        DELETE=Method(
            _cancel, WRITERS, about="Cancel a job: whether it will be, and why not.",
            result=tuple[bool, str],
        ),
    ),
    Resource(
        f"{_JOB}/wait",
        # It holds something of the master, and so is not for everybody.
        GET=Method(
            _wait, WRITERS, body=_WAITING, result=OneOf((_CHANGE, None)),
            about="Wait until a job's fields are other than known; null if nothing changes.",
        ),
    ),
)  # fmt: skip
