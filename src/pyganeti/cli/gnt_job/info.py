"""``gnt-job info``: a query by id, printed as YAML. Source: gnt-job(8) INFO."""

from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure, info
from pyganeti.cli.listing import number
from pyganeti.cli.option import Command, at_least_one
from pyganeti.cli.options import shared as o
from pyganeti.cli.submit import log_text
from pyganeti.cli.table import timestamp

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context

_FIELDS: Final = (
    "id",
    "status",
    "received_ts",
    "start_ts",
    "end_ts",
    "ops",
    "opstatus",
    "opresult",
    "opstart",
    "opexec",
    "opend",
    "oplog",
)
# A job by the names above.
Job = dict[str, Any]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the jobs; fails when one is not there."""
    fields = list(_FIELDS)
    jobs, code = [], failure.OK
    for job_id in (number(arg) for arg in args):
        (row,) = ctx.query_client.query_jobs([job_id], fields)
        if row is None:
            ctx.warn(f"Job ID {job_id} not found")
            code = failure.FAILURE
        else:
            jobs.append(dict(zip(fields, row, strict=True)))
    if opts.format != "table":
        ctx.dump(opts, jobs)
    elif jobs:
        ctx.write(info.render([details(job) for job in jobs]))
    return code


def details(job: Job) -> list[tuple[str, Any]]:
    """One job as pairs, in the order printed."""
    received, start, end = job["received_ts"], job["start_ts"], job["end_ts"]
    return [
        ("Job ID", job["id"]),
        ("Status", job["status"]),
        ("Received", timestamp(received)),
        ("Processing start", _later(start, received, "No processing yet started")),
        ("Processing end", _later(end, start, "Processing not yet finished")),
        ("Total processing time", _total(received, end)),
        ("Opcodes", [_opcode(job, index) for index in range(len(job["ops"]))]),
    ]


def _seconds(stamp: list[int]) -> float:
    return stamp[0] + stamp[1] / 1_000_000


def _later(stamp: list[int] | None, before: list[int] | None, missing: str) -> str:
    if stamp is None:
        return missing
    if before is None:
        return timestamp(stamp)
    return f"{timestamp(stamp)} (delta {_seconds(stamp) - _seconds(before):.6f}s)"


def _total(received: list[int] | None, end: list[int] | None) -> str:
    if received is None or end is None:
        return "N/A"
    return f"{_seconds(end) - _seconds(received):.6f} seconds"


def _opcode(job: Job, index: int) -> list[tuple[str, Any]]:
    op = dict(job["ops"][index])
    body = [
        ("Status", job["opstatus"][index]),
        ("Processing start", _moment(job["opstart"][index])),
        ("Execution start", _moment(job["opexec"][index])),
        ("Processing end", _moment(job["opend"][index])),
        ("Input fields", {key: _value(op[key]) for key in sorted(op) if key != "OP_ID"}),
        ("Result", _value(job["opresult"][index])),
        ("Execution log", [_log(entry) for entry in job["oplog"][index] or ()]),
    ]
    return [(op["OP_ID"], body)]


def _moment(stamp: list[int] | None) -> str:
    return "N/A" if stamp is None else timestamp(stamp)


def _value(value: object) -> object:
    """A parameter or result: nested where it holds something, else in one line."""
    if isinstance(value, dict) and value:
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, list) and value:
        return [_value(item) for item in value]
    return "(empty)" if value == "" else str(value) if isinstance(value, list | dict) else value


def _log(entry: list[Any]) -> list[tuple[str, Any]]:
    serial, stamp, kind, content = entry
    return [("Time", timestamp(stamp)), ("Content", f"{serial}, {log_text(kind, content)}")]


COMMANDS: Final = {
    "info": Command(show, (at_least_one("jobid"),), (o.FORMAT,), usage="{job-id}..."),
}
