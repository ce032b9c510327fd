"""LUXI methods on the master: a typed signature each, checked before anything is done.

Data flow: ``LuxiServer`` -> :meth:`LuxiMethods.handle` -> queue, queries, settings. Source: LUXI
protocol facts (methods, arguments, results).
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import Meta

from pyganeti.kit.clock import Clock
from pyganeti.kit.mismatch import in_words
from pyganeti.kit.shown import shown
from pyganeti.master.app import Master
from pyganeti.master.cluster_info import cluster_info, config_values
from pyganeti.master.jobs.watch import wait_for_change
from pyganeti.master.query.engine import BY_JOB
from pyganeti.master.queue.ageing import HIGHEST, LOWEST
from pyganeti.master.queue.job import Job
from pyganeti.model.enums import FINALIZED, TagKind
from pyganeti.model.errors import ECode, GenericError, JobLost, OpPrereqError, ParameterError

# Any: methods take and answer JSON.
Answer = Any
# A number, which may come as a text.
JobId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
# A term, or the number of an event.
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
# Longer than any name, field or UUID; what is longer would only come back in an error.
Name = Annotated[str, Meta(max_length=1024)]
Names = list[Name]

_PRIORITIES: Final = range(HIGHEST, LOWEST + 1)
_JOB_ID_DIGITS: Final = 18
# Of a job filter, which is kept.
_REASONS: Final = 100
# The last second of the year 9999: what is later is no date to whoever prints it.
_LAST_TIME: Final = 253_402_300_799


class LuxiMethods:
    """The methods; names as on the wire.

    Args:
        master: the master in its term.
    """

    def __init__(self, master: Master) -> None:
        self._master = master
        self._clock: Clock = master.around.clock
        self._queries = master.queries
        self._methods = {
            name: (method, _Arguments(name, method))
            for name, method in inspect.getmembers(self, inspect.ismethod)
            if name[0].isupper()
        }

    async def handle(self, method: str, args: Sequence[object]) -> Answer:
        """Call ``method``.

        Raises:
            ParameterError: there is no such method, or an argument is missing, too many or wrong.
            GenericError: what the method raises.
        """
        found = self._methods.get(method)
        if found is None:
            raise ParameterError(f"there is no LUXI method {shown(method)}")
        call, arguments = found
        return await call(*arguments.checked(args))

    @staticmethod
    def is_question(method: str) -> bool:
        """Whether ``method`` changes nothing, so that nobody minds when it ends half-way."""
        return method.startswith(("Query", "WaitFor"))

    # --- jobs

    async def SubmitJob(self, ops: list[Any]) -> int:  # noqa: N802 - the protocol's names
        """Queue a job; its id."""
        return await self._master.queue.submit(ops)

    async def SubmitJobToDrainedQueue(self, ops: list[Any]) -> int:  # noqa: N802
        """Queue a job although the queue is drained; its id."""
        return await self._master.queue.submit(ops, ignore_drain=True)

    async def SubmitManyJobs(self, jobs: list[list[Any]]) -> Answer:  # noqa: N802
        """Queue several; ``[ok, id or text]`` for each."""
        return await self._master.queue.submit_many(jobs)

    async def WaitForJobChange(  # noqa: N802
        self, job: JobId, fields: Names, info: Any, serial: int | None, timeout: float
    ) -> Answer:
        """``[values, log entries]`` once they are other than known, or ``nochange``."""
        return await wait_for_change(
            self._master.queue, self._queries, job, fields, info, serial, timeout
        )

    async def QueryJobs(self, ids: list[int | Name] | None, fields: Names) -> Answer:  # noqa: N802
        """Rows of values; of a job that does not exist all but the id is ``null``."""
        return await self._queries.query_jobs(ids or [], fields)

    def _job(self, job: JobId) -> Job | None:
        try:
            return self._master.queue.get(job)
        except JobLost:
            return None

    async def CancelJob(self, job: JobId, kill: bool = False) -> Answer:  # noqa: N802
        """``[whether it will end, text]``."""
        found = self._job(job)
        if found is None:
            return False, f"Job {job} not found in queue"
        return await self._master.cancel(found, kill=kill)

    async def ChangeJobPriority(self, job: JobId, priority: int) -> Answer:  # noqa: N802
        """``[whether it was changed, text]``."""
        if priority not in _PRIORITIES:
            raise ParameterError(f"priority {priority} is not between -20 and 19")
        found = self._job(job)
        if found is None:
            return False, f"Job {job} not found in queue"
        if found.status in FINALIZED:
            return False, f"Job {job} is finished"
        await self._master.change_priority(found, priority)
        return True, f"Priorities of pending opcodes for job {job} have been changed to {priority}"

    async def ArchiveJob(self, job: JobId) -> bool:  # noqa: N802
        """Whether it was moved to the archive."""
        found = self._job(job)
        return found is not None and await self._master.queue.archive([found]) == 1

    async def AutoArchiveJobs(self, age: float, timeout: float) -> Answer:  # noqa: N802
        """``[archived, not looked at]``; ``age`` in seconds since the end, -1 for all."""
        return await self._master.queue.archive_older(age, timeout)

    async def PickupJob(self, job: JobId) -> Answer:  # noqa: N802
        """Refused, as upstream: jobs need not be picked up."""
        raise GenericError("LUXI method 'PickupJob' is for internal use only")

    async def SetDrainFlag(self, flag: bool) -> bool:  # noqa: N802
        """Take no new jobs, or take them again."""
        await self._master.queue.set_drained(flag)
        return True

    async def SetWatcherPause(self, until: float | None) -> Answer:  # noqa: N802
        """Pause the watcher until then (seconds since the epoch), or not; the same back."""
        if until is not None and until < self._clock.now():
            raise OpPrereqError(f"the watcher cannot be paused until {until:.15g}, which is past")
        if until is not None and until > _LAST_TIME:
            text = f"the watcher cannot be paused until {until:.15g}, which is after the year 9999"
            raise OpPrereqError(text)
        await self._master.pause_watcher(until)
        return until

    def _watcher_pause(self) -> float | None:
        """Until when the watcher pauses; ``None`` when it does not."""
        until = self._master.watcher_pause
        return until if until is not None and until > self._clock.now() else None

    # --- queries

    async def Query(self, what: Name, fields: Names, qfilter: Any) -> Answer:  # noqa: N802
        """Rows of ``[status, value]``."""
        _check_direct(what)
        return await self._queries.query(what, fields, qfilter)

    async def QueryFields(self, what: Name, fields: Names | None) -> Answer:  # noqa: N802
        """Definitions of fields."""
        _check_direct(what)
        return self._queries.query_fields(what, fields)

    async def QueryNodes(self, names: Names, fields: Names, lock: bool) -> Answer:  # noqa: N802
        """Rows of plain values."""
        return await self._queries.listed("node", names, fields, lock=lock)

    async def QueryGroups(self, names: Names, fields: Names, lock: bool) -> Answer:  # noqa: N802
        """Rows of plain values."""
        return await self._queries.listed("group", names, fields, lock=lock)

    async def QueryNetworks(self, names: Names, fields: Names, lock: bool) -> Answer:  # noqa: N802
        """Rows of plain values."""
        return await self._queries.listed("network", names, fields, lock=lock)

    async def QueryInstances(self, names: Names, fields: Names, lock: bool) -> Answer:  # noqa: N802
        """Rows of plain values."""
        return await self._queries.listed("instance", names, fields, lock=lock)

    async def QueryFilters(self, uuids: Names, fields: Names) -> Answer:  # noqa: N802
        """Rows of plain values."""
        return await self._queries.listed("filter", uuids, fields)

    async def ReplaceFilter(  # noqa: N802
        self,
        uuid: Name | None,
        priority: int,
        predicates: list[Any],
        action: Any,
        reason: Annotated[list[tuple[str, str, int]], Meta(max_length=_REASONS)],
    ) -> str:
        """Make a job filter, or give the one of this UUID other contents; its UUID."""
        return await self._master.filters.replace(
            uuid, priority=priority, predicates=predicates, action=action, reason=reason
        )

    async def DeleteFilter(self, uuid: Name) -> None:  # noqa: N802
        """Remove a job filter."""
        await self._master.filters.delete(uuid)

    async def QueryExports(self, nodes: Names, lock: bool) -> Answer:  # noqa: N802
        """Rows of node and export; null for a node that does not answer."""
        return await self._queries.plain("export", nodes, ["node", "export"], lock=lock)

    async def QueryClusterInfo(self) -> Answer:  # noqa: N802
        """All settings."""
        return cluster_info(self._master.config.view)

    async def QueryMeasures(self) -> Answer:  # noqa: N802
        """What the master counted of its work since it started; ours, Ganeti has none."""
        have, candidates = self._master.replication.count()
        return {
            "durations": self._master.measures.told(),
            "candidates": {"current": have, "behind": candidates - have},
            "replication_lag": self._master.replication.lag_s,
        }

    async def WaitForEvents(  # noqa: N802
        self, epoch: Count, serial: Count, timeout: float
    ) -> Answer:
        """What changed after that event, once something did; ours, Ganeti has none."""
        return await self._master.events.after(epoch, serial, timeout)

    async def QueryConfigValues(self, fields: Names) -> Answer:  # noqa: N802
        """Single settings, in the order asked."""
        return config_values(
            fields,
            self._master.config.view,
            drained=self._master.queue.drained,
            watcher_pause=self._watcher_pause(),
        )

    async def QueryTags(self, kind: Name, name: Name | None) -> list[str]:  # noqa: N802
        """Tags of an object."""
        view = self._master.config.view
        known: Mapping[str, Callable[[], Any]] = {
            TagKind.CLUSTER: lambda: view.cluster,
            TagKind.NODE: lambda: view.node(name or ""),
            TagKind.INSTANCE: lambda: view.instance(name or ""),
            TagKind.NODEGROUP: lambda: view.group(name or ""),
            TagKind.NETWORK: lambda: view.network(name or ""),
        }
        if kind not in known:
            raise ParameterError(f"{kind!r} has no tags, expected one of {', '.join(known)}")
        return list(known[kind]().tags)


def _check_direct(what: str) -> None:
    if what in BY_JOB:
        raise OpPrereqError(f"{what!r} is queried by a job: submit OP_QUERY", ECode.INVAL)


class _Arguments:
    """The arguments of one method, as its signature declares them."""

    def __init__(self, name: str, method: Callable[..., Any]) -> None:
        self._method = name
        hints = get_type_hints(method, include_extras=True)
        parameters = inspect.signature(method).parameters
        types: Mapping[str, Any] = {name: hints[name] for name in parameters}
        self._types = types
        defaults = [one.default for one in parameters.values()]
        self._defaults = [default for default in defaults if default is not inspect.Parameter.empty]
        self._ids = [index for index, name in enumerate(types) if name == "job"]
        # One type for all of them, which msgspec examines once; a bare expression it examines
        # at each call.
        self._all = msgspec.defstruct(name, list(types.items()), array_like=True, frozen=True)

    def checked(self, args: Sequence[object]) -> Sequence[Any]:
        """``args`` with their types.

        Raises:
            ParameterError: an argument is missing, too many or wrong.
        """
        missing = len(self._types) - len(args)
        if not 0 <= missing <= len(self._defaults):
            text = f"{self._method} takes {len(self._types)} arguments, got {len(args)}"
            raise ParameterError(f"{text}: {', '.join(self._types) or 'none'}")
        values = [*args, *self._defaults[len(self._defaults) - missing :]]
        for index in self._ids:
            values[index] = _number(values[index])
        try:
            return msgspec.structs.astuple(msgspec.convert(values, self._all))
        except msgspec.ValidationError as err:
            raise self._diagnosis(values) from err

    def _diagnosis(self, values: Sequence[object]) -> ParameterError:
        """Which argument is wrong."""
        for (name, kind), value in zip(self._types.items(), values, strict=True):
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError as err:
                return ParameterError(f"{self._method}: argument {name!r}: {in_words(str(err))}")
        return ParameterError(f"{self._method}: wrong arguments")


def _number(value: object) -> object:
    """``value``, or the number that it is the text of, as Ganeti takes for a job's."""
    if isinstance(value, str) and value.isascii() and len(value) <= _JOB_ID_DIGITS:
        return int(value) if value.isdecimal() else value
    return value
