"""Jobs from the command's side: submit, follow, report.

    opcode (plain dict) -> common parameters -> SubmitJob -> WaitForJobChange ... -> results

Source: ganeti(7) "Common command line features"; the log lines Ganeti's commands print.
"""

import time
from typing import TYPE_CHECKING, Any, Final

from pyganeti.cli import failure
from pyganeti.cli.failure import JobSubmitted, describe
from pyganeti.model.errors import GenericError, JobLost, from_wire
from pyganeti.wire.luxi.client import FINAL, OpDict

if TYPE_CHECKING:
    from optparse import Values

    from pyganeti.cli.context import Context
    from pyganeti.cli.progress import Bar

PRIORITIES: Final = {"low": 10, "normal": 0, "high": -10}
# How long to wait for news before telling that the job waits.
_NEWS_S: Final = 20
# Shorter waits need no bar, and what draws it takes time to load.
_PATIENCE_S: Final = 2.0
_WAITS: Final = {
    "queued": "Job {} is waiting in queue",
    "waiting": "Job {} is trying to acquire all necessary locks",
}


def complete(ctx: "Context", opts: "Values", op: OpDict) -> OpDict:
    """``op`` with what the common options and the reason trail say."""
    common: OpDict = {"debug_level": opts.debug, "reason": reason_trail(ctx, opts)}
    if getattr(opts, "dry_run", False):
        common["dry_run"] = True
    if getattr(opts, "priority", None):
        common["priority"] = PRIORITIES[opts.priority]
    return {**op, **common}


def reason_trail(ctx: "Context", opts: "Values") -> list[list[object]]:
    """Why and from where: ``[source, text, nanoseconds]`` each."""
    stamp = int(ctx.wall_clock() * 1_000_000_000)
    trail: list[list[object]] = [["gnt:user", opts.reason, stamp]] if opts.reason else []
    return [*trail, [f"gnt:client:{ctx.program}", ctx.command, stamp]]


def run_op(ctx: "Context", opts: "Values", op: OpDict) -> Any:  # the opcode says what it returns
    """Run ``op`` as a job and return its result.

    Raises:
        JobSubmitted: ``--submit`` was given: the job is not waited for.
        GenericError: what the job failed with.
    """
    job_id = ctx.client.submit_job([complete(ctx, opts, op)])
    if getattr(opts, "submit_only", False):
        raise JobSubmitted(job_id)
    if getattr(opts, "print_jobid", False):
        ctx.say(str(job_id))
    return follow(ctx, job_id, apart=getattr(opts, "format", "table") != "table")[0]


def run_jobs(ctx: "Context", opts: "Values", op: OpDict, *, when: str, done: str) -> int:
    """Run ``op``, wait for the jobs that it submits and say how they ended; the exit code.

    Args:
        ctx: where to print.
        opts: of the command.
        op: the opcode.
        when: errors happened, such as ``during the evacuation``.
        done: what is said where there were none.

    Raises:
        JobSubmitted: as :func:`run_op`.
        GenericError: what ``op`` itself failed with.
    """
    jobs = Jobs(ctx, opts)
    for accepted, job in run_op(ctx, opts, op)["jobs"]:
        jobs.adopt(accepted, job)
    errors = sum(not well for well, _ in jobs.wait())
    if errors:
        ctx.say(f"There were {errors} errors {when}.")
        return failure.FAILURE
    ctx.say(done)
    return failure.OK


def follow(ctx: "Context", job_id: int, *, quiet: bool = False, apart: bool = False) -> list[Any]:
    """Wait for a job's end, printing its log, and return its opcodes' results.

    Args:
        ctx: where to print.
        job_id: the job.
        quiet: print no log.
        apart: print it where a program that reads the answer does not look.

    Raises:
        JobLost: there is no such job.
        JobCanceled: it was cancelled.
        GenericError: what its first failed opcode raised.
    """
    with _Display(ctx, quiet=quiet, apart=apart) as display:
        _watch(ctx, job_id, display)
    return ctx.client.job_results(job_id)


def _watch(ctx: "Context", job_id: int, display: "_Display") -> None:
    """Show what a job says until it has ended."""
    info: list[Any] | None = None
    serial, told = -1, set()
    while info is None or info[0] not in FINAL:
        change = ctx.client.wait_for_job_change(job_id, display.fields, info, serial, _NEWS_S)
        if change is not None:
            info, entries = change
            for entry in entries:
                serial = max(serial, entry[0])
                display.say(log_line(entry))
            display.show(info[1:])
        elif info and info[0] in _WAITS and info[0] not in told:
            told.add(info[0])
            display.warn(_WAITS[info[0]].format(job_id))


class _Display:
    """What a followed job shows: its log; on a terminal, after a while, how far it is as well.

    Attributes:
        fields: of the job, to be watched and shown.
    """

    def __init__(self, ctx: "Context", *, quiet: bool, apart: bool) -> None:
        self._ctx = ctx
        self._quiet = quiet
        self._say = ctx.warn if apart else ctx.say
        self._terminal = None if quiet or apart else ctx.terminal
        self._begin = ctx.wall_clock()
        self._bar: Bar | None = None
        self.fields = ["status"] if self._terminal is None else ["status", "progress"]

    def __enter__(self) -> "_Display":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def say(self, text: str) -> None:
        """A line of the job's log."""
        if self._bar is not None:
            self._bar.say(text)
        elif not self._quiet:
            self._say(text)

    def warn(self, text: str) -> None:
        """A line that is not the job's."""
        if not self._quiet:
            self._ctx.warn(text)

    def show(self, progress: list[Any]) -> None:
        """How far it is: the value of the field, if that was asked for."""
        if self._bar is None and self._terminal is not None and progress[0] is not None:
            if self._ctx.wall_clock() - self._begin < _PATIENCE_S:
                return
            from pyganeti.cli.progress import Bar

            self._bar = Bar(self._terminal)
        if self._bar is not None:
            self._bar.show(progress[0])


def log_line(entry: list[Any]) -> str:
    """A log entry as it is printed."""
    _, (seconds, _), kind, content = entry
    return f"{time.ctime(seconds)} {log_text(kind, content)}"


def log_text(kind: str, content: object) -> str:
    """The content of a log entry."""
    if kind == "message-list" and isinstance(content, list):
        return "\n".join(str(line) for line in content)
    return str(content)


class Jobs:
    """Several jobs of one command, one opcode each.

    Args:
        ctx: the command's context.
        opts: its options.
        verbose: whether to name the jobs first.
    """

    def __init__(self, ctx: "Context", opts: "Values", *, verbose: bool = True) -> None:
        self._ctx = ctx
        self._opts = opts
        self._verbose = verbose
        self._queue: list[tuple[str, OpDict]] = []
        # Name, whether it was accepted, id or reason.
        self._jobs: list[tuple[str, bool, Any]] = []

    def add(self, name: str, op: OpDict) -> None:
        """Queue a job that concerns ``name``."""
        self._queue.append((name, complete(self._ctx, self._opts, op)))

    def adopt(self, accepted: bool, job: Any) -> None:
        """Take a job that somebody else submitted; ``job`` is its id, or why it was refused."""
        self._jobs.append(("", accepted, job))

    def run(self) -> list[tuple[bool, Any]]:
        """Submit, then wait for each (or show its id with ``--submit``).

        Returns:
            For each job whether it succeeded, and its opcodes' results or a text.
        """
        answers = self._ctx.client.submit_many_jobs([[op] for _, op in self._queue])
        names = [name for name, _ in self._queue]
        self._queue = []
        pairs = zip(names, answers, strict=True)
        self._jobs += [(name, accepted, job) for name, (accepted, job) in pairs]
        if getattr(self._opts, "submit_only", False):
            return [self._show(*job) for job in self._jobs]
        if getattr(self._opts, "print_jobid", False):
            self._ctx.say(" ".join(str(job) for _, accepted, job in self._jobs if accepted))
        return self.wait()

    def wait(self) -> list[tuple[bool, Any]]:
        """Wait for all jobs; results as :meth:`run`."""
        ids = [str(job) for _, accepted, job in self._jobs if accepted]
        if ids and self._verbose:
            self._ctx.say(f"Submitted jobs {', '.join(ids)}")
        return [self._wait_for(*job) for job in self._jobs]

    def _show(self, name: str, accepted: bool, job: Any) -> tuple[bool, Any]:
        if accepted:
            self._ctx.say(f"{job}: {name}")
        else:
            self._ctx.warn(f"Failure for {name}: {_refusal(job)}")
        return accepted, job

    def _wait_for(self, name: str, accepted: bool, job: Any) -> tuple[bool, Any]:
        about = f" for {name}" if name else ""
        if not accepted:
            text = _refusal(job)
            self._ctx.warn(f"Failed to submit job{about}: {text}")
            return False, text
        self._ctx.say(f"Waiting for job {job}{about} ...")
        try:
            return True, follow(self._ctx, int(job))
        except JobLost as err:
            self._ctx.warn(f"Job {job}{about} has been archived, cannot check its result")
            return False, str(err)
        except GenericError as err:
            text = describe(err)[1]
            self._ctx.warn(f"Job {job}{about} has failed: {text}")
            return False, text


def _refusal(job: object) -> str:
    return describe(from_wire(job))[1] if isinstance(job, list) else str(job)
