"""One instance from one cluster to another, with jobs on both.

    source: describe, prepare -> destination: create, which listens -> source: export -> both end

What breaks off is put in order by the clusters; here is waited until they have done so.
Source: docs/design/0022-between-clusters.md.
"""

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from pyganeti.kit.clock import Clock

from .options import Json
from .plan import creation, destination_name, export, failure
from .rest import MoveError, PassingError, Rest

_FIELDS: Final = ["status", "opresult"]
_ENDED: Final = ("success", "error", "canceled")
_REMOTE_IMPORT: Final = "remote-import"
_NO_ROOM_NOW: Final = "temp_insufficient_resources"
# A master that was killed is back by then, or another is.
_PATIENCE_S: Final = 300.0
_PAUSE_S: Final = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Both ends, and what both need."""

    source: Rest
    destination: Rest
    clock: Clock
    options: argparse.Namespace


class JobFailedError(MoveError):
    """A job ended, and not well.

    Attributes:
        code: Ganeti's word for the kind of error, if there is one.
    """

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class Job:
    """A job of one of the clusters.

    Attributes:
        listening: what a remote import told of where it listens, or ``None``.
    """

    def __init__(self, rest: Rest, number: int, clock: Clock, say: Say) -> None:
        self._rest, self._clock, self._say = rest, clock, say
        self.name = f"job {number} of {rest.name}"
        self._path = f"/2/jobs/{number}/wait"
        self._info: list[Any] | None = None  # Any: JSON
        self._serial: int | None = None
        self.listening: Json | None = None

    def _has_ended(self) -> bool:
        return self._info is not None and self._info[0] in _ENDED

    async def until_listening(self) -> Json | None:
        """Where an import listens; ``None`` if it ends before."""
        while self.listening is None and not self._has_ended():
            await self._wait()
        return self.listening

    async def result(self) -> Any:  # Any: JSON
        """The result of its one opcode.

        Raises:
            JobFailedError: it failed.
            PassingError: its cluster does not answer any more.
        """
        while not self._has_ended():
            await self._wait()
        assert self._info is not None
        status, results = self._info
        if status != "success":
            text, code = failure(results or [])
            raise JobFailedError(f"{self.name}: {text if status == 'error' else status}", code)
        return results[0]

    async def _wait(self) -> None:
        """Learn what is new. Whoever does not answer is asked again for a while."""
        body = {"fields": _FIELDS, "previous_job_info": self._info,
                "previous_log_serial": self._serial}  # fmt: skip
        until = self._clock.monotonic() + _PATIENCE_S
        while True:
            try:
                found = await self._rest.call("GET", self._path, body)
                break
            except PassingError as err:
                if self._clock.monotonic() > until:
                    raise PassingError(f"{self.name}: nobody answers any more: {err}") from err
                await self._clock.sleep(_PAUSE_S)
        if found is None:
            return
        self._info = found["job_info"]
        for serial, _time, kind, content in found["log_entries"]:
            self._serial = max(serial, self._serial or 0)
            if kind == _REMOTE_IMPORT:
                self.listening = content
            elif isinstance(content, str):
                self._say(f"{self._rest.name}: {content}")


async def move(clusters: Clusters, name: str, tell: Say, say: Say) -> None:
    """Move ``name``.

    Args:
        tell: gets what everybody should know.
        say: gets what the jobs say.

    Raises:
        MoveError: it did not work; then the instance is where it was, or the text says so.
        PlanError: it cannot be moved like this.
    """
    source, options = clusters.source, clusters.options
    path = f"/2/instances/{quote(name, safe='')}"
    submit = _Submit(clusters.clock, say)
    told = await (await submit(source, "GET", f"{path}/info?static=1")).result()
    (info,) = told.values()
    creation(info, {"handshake": None, "x509_ca": None}, options, opportunistic=False)
    query = urlencode({"mode": "remote"})
    ready = await (await submit(source, "PUT", f"{path}/prepare-export?{query}")).result()
    tell("creating it at the destination")
    job, listening = await _create(clusters, info, ready, submit)
    tell("sending its disks")
    await _send(clusters, path, job, export(ready, listening, options), submit)
    tell(f"is {destination_name(info, options)} at {clusters.destination.name} now")


@dataclass(frozen=True, slots=True)
class _Submit:
    """Queues jobs."""

    clock: Clock
    say: Say

    async def __call__(self, rest: Rest, method: str, path: str, body: object = None) -> Job:
        number = await rest.call(method, path, body)
        # Ganeti's numbers are numbers, and were text once.
        return Job(rest, int(number), self.clock, self.say)


async def _create(clusters: Clusters, info: Json, ready: Json, submit: _Submit) -> tuple[Job, Json]:
    """The job that takes the instance, and where it listens."""
    tries = clusters.options.opportunistic_tries
    for left in range(tries, -1, -1):
        body = creation(info, ready, clusters.options, opportunistic=left > 0)
        job = await submit(clusters.destination, "POST", "/2/instances", body)
        listening = await job.until_listening()
        if listening is not None:
            return job, listening
        try:
            await job.result()
        except JobFailedError as err:
            if not left or err.code != _NO_ROOM_NOW:
                raise
            submit.say(str(err))
            await clusters.clock.sleep(clusters.options.opportunistic_delay)
        else:
            raise MoveError(f"{job.name} took no disks")
    raise MoveError("no try is left")


async def _send(clusters: Clusters, path: str, taking: Job, body: Json, submit: _Submit) -> None:
    """Send the disks, and wait until both ends have put themselves in order.

    Raises:
        MoveError: either failed; what each says.
    """
    try:
        sending = await submit(clusters.source, "PUT", f"{path}/export", body)
        jobs = [sending, taking]
        errors: list[MoveError] = []
    except MoveError as err:
        submit.say("waiting for the destination to give up")
        jobs, errors = [taking], [err]
    found = await asyncio.gather(*(_error_of(job, submit.say) for job in jobs))
    errors += [one for one in found if one is not None]
    if errors:
        raise MoveError("; ".join(dict.fromkeys(map(str, errors))))


async def _error_of(job: Job, say: Say) -> MoveError | None:
    try:
        await job.result()
    except MoveError as err:
        # The other end may need minutes to notice.
        say(f"{err}; waiting for the other cluster's job")
        return err
    return None


async def check(clusters: Clusters) -> None:
    """Ask both clusters, before anything happens.

    Raises:
        MoveError: one does not answer, or nobody would choose nodes.
    """
    await clusters.source.call("GET", "/2/info")
    info = await clusters.destination.call("GET", "/2/info")
    options = clusters.options
    chosen = options.iallocator or options.dest_primary_node
    if not chosen and not info.get("default_iallocator"):
        text = "has no default allocator: name a node, or an allocator with --iallocator"
        raise MoveError(f"{clusters.destination.name} {text}")
