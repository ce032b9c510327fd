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
_UNKNOWN: Final = "unknown (None)"
# The longest name of a moment, before which others are filled up.
_NAMES: Final = len("Processing start")
# A job by the names above.
Job = dict[str, Any]


def show(ctx: "Context", opts: "Values", args: list[str]) -> int:
    """Show the jobs; fails when one is not there."""
    fields = list(_FIELDS)
    shown: list[Any] = []
    jobs: list[Job] = []
    for job_id in (number(arg) for arg in args):
        (row,) = ctx.query_client.query_jobs([job_id], fields)
        if row is None:
            shown.append(f"Job ID {job_id} not found")
        else:
            jobs.append(dict(zip(fields, row, strict=True)))
            shown.append(details(jobs[-1]))
    if opts.format == "table":
        ctx.write(info.render(shown))
    else:
        ctx.dump(opts, jobs, fields)
    return failure.OK if len(jobs) == len(args) else failure.FAILURE


def details(job: Job) -> list[tuple[str, Any]]:
    """One job as pairs, in the order printed."""
    received, start, end = job["received_ts"], job["start_ts"], job["end_ts"]
    return [
        ("Job ID", job["id"]),
        ("Status", job["status"]),
        ("Received", _aligned("Received", timestamp(received) if received else _UNKNOWN)),
        ("Processing start", _later(start, received)),
        ("Processing end", _aligned("Processing end", _later(end, start))),
        ("Total processing time", _total(received, end)),
        ("Opcodes", [_opcode(job, index) for index in range(len(job["ops"]))]),
    ]


def _seconds(stamp: list[int]) -> float:
    return stamp[0] + stamp[1] / 1_000_000


def _aligned(name: str, value: str) -> str:
    """Moments stand below each other, whatever the length of their names."""
    return " " * (_NAMES - len(name)) + value


def _later(stamp: list[int] | None, before: list[int] | None) -> str:
    if stamp is None:
        return _UNKNOWN
    if before is None:
        return timestamp(stamp)
    return f"{timestamp(stamp)} (delta {_seconds(stamp) - _seconds(before):.6f}s)"


def _total(received: list[int] | None, end: list[int] | None) -> str:
    if received is None or end is None:
        return "N/A"
    return f"{_seconds(end) - _seconds(received):.6f} seconds"


def _opcode(job: Job, index: int) -> list[tuple[str, Any]]:
    op = job["ops"][index]
    moments = (("Processing start", "opstart"), ("Execution start", "opexec"),
               ("Processing end", "opend"))  # fmt: skip
    return [
        ("Opcode", op["OP_ID"]),
        ("Status", job["opstatus"][index]),
        *((name, _aligned(name, timestamp(job[field][index]))) for name, field in moments),
        ("Input fields", op),
        ("Result", job["opresult"][index]),
        ("Execution log", [_log(entry) for entry in job["oplog"][index] or ()]),
    ]


def _log(entry: list[Any]) -> list[tuple[str, Any]]:
    serial, stamp, kind, content = entry
    text = f"[{serial}, {kind}, {log_text(kind, content)}]"
    return [("Time", timestamp(stamp)), ("Content", text)]


COMMANDS: Final = {
    "info": Command(show, (at_least_one("jobid"),), (o.FORMAT,), usage="{job-id}..."),
}
