"""``/2/jobs``: jobs, and waiting for them."""

from typing import Final

from .call import Call, Json
from .resource import BULK, WRITERS, Body, Method, Resource
from .status import BadRequest, NotFound

_PATH: Final = "/2/jobs"
_ID: Final = "job_id"
_JOB: Final = f"{_PATH}/{{{_ID}}}"
_BULK_FIELDS: Final = (
    "id", "ops", "status", "summary", "opstatus", "received_ts", "start_ts", "end_ts",
)  # fmt: skip
_FIELDS: Final = (*_BULK_FIELDS, "oplog", "opresult")
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


_WAITING: Final = Body(frozenset({"fields", "previous_job_info", "previous_log_serial"}))

RESOURCES: Final = (
    Resource(_PATH, GET=Method(_list, query=(BULK,))),
    Resource(_JOB, GET=Method(_show), DELETE=Method(_cancel, WRITERS)),
    # It holds something of the master, and so is not for everybody.
    Resource(f"{_JOB}/wait", GET=Method(_wait, WRITERS, body=_WAITING)),
)
