"""Answers queries: filters objects, asks nodes at most once, builds rows.

Called by the LUXI handlers and by the query opcodes. One query reads one snapshot. Result shape:
``{"fields": [{"name", "title", "kind", "doc"}], "data": [[[status, value], ...], ...]}``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from pyganeti.kit.turns import in_turns
from pyganeti.model.enums import QueryResource
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.names import nice_sort_key

from .cluster import CLUSTERS
from .export import EXPORTS
from .extstorage import EXTSTORAGES
from .fields import Cell, Field, Need, unknown
from .filter import FILTERS
from .filters import MAX_CONDITIONS, compile_filter, requested_names
from .group import GROUPS
from .instance import INSTANCES
from .job import JOBS, AskedJob, parse_job_id
from .lock import LOCKS
from .network import NETWORKS
from .node import NODES
from .os import OSES
from .sources import JobRecord, Sources
from .wait import WAITS

# Any: each resource has its own type of objects and context.
AnyField = Field[Any, Any]
QueryResult = dict[str, Any]


class Resource(Protocol):
    """What can be queried: its fields, its objects and what their fields need.

    Attributes:
        fields: by name.
        name_field: the field whose values name the objects.
    """

    @property
    def fields(self) -> Mapping[str, AnyField]:
        """By name."""
        ...

    @property
    def name_field(self) -> str:
        """The field whose values name the objects."""
        ...

    async def items(
        self, sources: Sources, names: Sequence[object] | None, used: frozenset[str]
    ) -> list[Any]:
        """The named objects in this order, or all in their natural order.

        Args:
            sources: where they are.
            names: what the client asked for.
            used: names of the fields that are shown or filtered by.

        Raises:
            OpPrereqError: ``ECode.NOENT``, a name means nothing.
        """
        ...

    async def context(self, sources: Sources, items: list[Any], needs: frozenset[Need]) -> Any:
        """What the fields of ``items`` read, nodes having been asked for ``needs``."""
        ...


RESOURCES: Final[Mapping[QueryResource, Resource]] = {
    QueryResource.CLUSTER: CLUSTERS,
    QueryResource.EXPORT: EXPORTS,
    QueryResource.EXTSTORAGE: EXTSTORAGES,
    QueryResource.FILTER: FILTERS,
    QueryResource.GROUP: GROUPS,
    QueryResource.INSTANCE: INSTANCES,
    QueryResource.JOB: JOBS,
    QueryResource.LOCK: LOCKS,
    QueryResource.NETWORK: NETWORKS,
    QueryResource.NODE: NODES,
    QueryResource.OS: OSES,
    QueryResource.WAIT: WAITS,
}
# What a client asks for with a job, as in Ganeti.
BY_JOB: Final = frozenset({QueryResource.CLUSTER, QueryResource.EXTSTORAGE, QueryResource.OS})


# Others wait while one query is answered. An instance has some 300 fields; twice as many names, and
# twice as many values, as all fields of all instances of the largest cluster.
MAX_FIELDS: Final = 1000
MAX_NAMES: Final = 20_000
MAX_VALUES: Final = 6_000_000

_BY_NAME: Final[Mapping[str, Resource]] = {str(name): found for name, found in RESOURCES.items()}


def get_resource(what: str) -> Resource:
    """The resource of a name.

    Raises:
        OpPrereqError: ``ECode.INVAL``, there is none.
    """
    resource = _BY_NAME.get(what)
    if resource is None:
        known = ", ".join(RESOURCES)
        raise OpPrereqError(f"cannot query {what!r}, expected one of {known}", ECode.INVAL)
    return resource


class QueryEngine:
    """Answers queries.

    Args:
        sources: makes what one query reads, from the newest snapshot.
    """

    def __init__(self, sources: Callable[[], Sources]) -> None:
        self._sources = sources

    async def query(self, what: str, fields: Sequence[str], qfilter: object) -> QueryResult:
        """LUXI's ``Query``.

        Raises:
            OpPrereqError: an unknown resource, or a name that means nothing.
            QueryFilterParseError: the filter is none.
        """
        resource = get_resource(what)
        wanted = _wanted(resource, fields)
        rows = await self._rows(resource, wanted, qfilter)
        return {"fields": [field.definition() for field in wanted], "data": rows}

    def query_fields(self, what: str, fields: Sequence[str] | None) -> QueryResult:
        """LUXI's ``QueryFields``: all in natural order, or those named.

        Raises:
            OpPrereqError: an unknown resource.
        """
        resource = get_resource(what)
        names = fields or sorted(resource.fields, key=nice_sort_key)
        return {"fields": [field.definition() for field in _wanted(resource, names)]}

    async def plain(
        self, what: str, names: Sequence[object], fields: Sequence[str], *, lock: bool = False
    ) -> list[list[object]]:
        """Rows of values, ``None`` where there is none.

        A name that means nothing has no row.

        Args:
            what: the resource.
            names: objects in the order wanted; none of them means all.
            fields: names of fields.
            lock: always refused: queries take no locks.

        Raises:
            OpPrereqError: an unknown field, too many of them or of names, or ``lock``.
        """
        resource, wanted = _known_fields(what, fields, lock=lock)
        rows = await (
            self._named(resource, wanted, names) if names else self._rows(resource, wanted, None)
        )
        return _values(rows)

    async def listed(
        self, what: str, names: Sequence[str], fields: Sequence[str], *, lock: bool = False
    ) -> list[list[object]]:
        """The older calls (``QueryNodes``, ...): as :meth:`plain`, but as in a list.

        As Ganeti answers them: each object once, in natural order, and without those that are not
        known.

        Raises:
            OpPrereqError: an unknown field, or ``lock``.
        """
        resource, wanted = _known_fields(what, fields, lock=lock)
        sources = self._sources()
        used = frozenset([*fields, resource.name_field])
        items = await resource.items(sources, None, used)
        if names:
            found = {item.uuid for item in await _found(resource, sources, names, used)}
            items = [item for item in items if item.uuid in found]
        context = await resource.context(sources, items, _needs(wanted))
        return _values(await _cells(wanted, items, context))

    async def query_jobs(
        self, ids: Sequence[int | str], fields: Sequence[str]
    ) -> list[list[object]]:
        """LUXI's ``QueryJobs``: as :meth:`plain`; a job that does not exist has only its id.

        Raises:
            OpPrereqError: an unknown field, or something that is no job id.
        """
        _check_number("ids", ids, MAX_NAMES)
        wanted = [parse_job_id(job_id) for job_id in ids]
        return await self.plain(QueryResource.JOB, wanted, fields)

    @staticmethod
    def job_reader(fields: Sequence[str]) -> Callable[[JobRecord], list[object]]:
        """What :meth:`query_jobs` answers of a job, for who looks at it again and again.

        Raises:
            OpPrereqError: an unknown field.
        """
        _, wanted = _known_fields(QueryResource.JOB, fields, lock=False)
        cells = [field.cell for field in wanted]

        def read(job: JobRecord) -> list[object]:
            asked = AskedJob(job.id, job)
            return [value for _, value in (cell(asked, None) for cell in cells)]

        return read

    async def _named(
        self, resource: Resource, wanted: Sequence[AnyField], names: Sequence[object]
    ) -> list[list[Cell]]:
        """Rows of ``names``, in this order."""
        sources = self._sources()
        used = frozenset([*(field.name for field in wanted), resource.name_field])
        items = await _found(resource, sources, names, used)
        context = await resource.context(sources, items, _needs(wanted))
        return await _cells(wanted, items, context)

    async def _rows(
        self, resource: Resource, wanted: Sequence[AnyField], qfilter: object
    ) -> list[list[Cell]]:
        sources = self._sources()
        names = requested_names(qfilter, resource.name_field)
        # Names are looked up, one after another; all else is tried on every object.
        most = MAX_CONDITIONS if names is None else MAX_NAMES + 1
        keep, used = (
            (None, []) if qfilter is None else compile_filter(qfilter, resource.fields, most=most)
        )
        every = frozenset(field.name for field in (*wanted, *used))
        items = await resource.items(sources, names, every)
        needs = _needs(wanted)
        if keep is not None and names is None:
            # Nodes are asked once: for all objects where the filter needs it, else for the found.
            first = _needs(used) and _needs(used) | needs
            context = await resource.context(sources, items, first)
            items = [item async for item in in_turns(items) if keep(item, context)]
            if first:
                return await _cells(wanted, items, context)
        return await _cells(wanted, items, await resource.context(sources, items, needs))


async def _found(
    resource: Resource, sources: Sources, names: Sequence[object], used: frozenset[str]
) -> list[Any]:
    """The named objects, without those that do not exist."""
    _check_number("names", names, MAX_NAMES)
    try:
        return await resource.items(sources, names, used)
    except OpPrereqError as err:
        if err.code is not ECode.NOENT:
            raise
    if len(names) == 1:
        return []
    parts = [await _found(resource, sources, [name], used) async for name in in_turns(names)]
    return [item for part in parts for item in part]


def _known_fields(
    what: str, fields: Sequence[str], *, lock: bool
) -> tuple[Resource, list[AnyField]]:
    """The resource and its fields, if all are known and no lock is asked for."""
    if lock:
        raise OpPrereqError("queries take no locks, use the query opcodes", ECode.INVAL)
    resource = get_resource(what)
    _check_number("fields", fields, MAX_FIELDS)
    missing = [name for name in fields if name not in resource.fields]
    if missing:
        raise OpPrereqError(f"unknown output fields for {what}: {', '.join(missing)}", ECode.INVAL)
    return resource, _wanted(resource, fields)


def _values(rows: list[list[Cell]]) -> list[list[object]]:
    return [[value for _, value in row] for row in rows]


async def _cells(wanted: Sequence[AnyField], items: list[Any], context: Any) -> list[list[Cell]]:
    count = len(wanted) * len(items)
    if count > MAX_VALUES:
        text = f"an answer of {count} values, expected {MAX_VALUES} at most"
        raise OpPrereqError(f"{text}: ask for fewer fields or names", ECode.INVAL)
    cells = [field.cell for field in wanted]
    return [[cell(item, context) for cell in cells] async for item in in_turns(items)]


def _check_number(what: str, found: Sequence[object], most: int) -> None:
    if len(found) > most:
        raise OpPrereqError(f"{len(found)} {what} at once, expected {most} at most", ECode.INVAL)


def _wanted(resource: Resource, names: Sequence[str]) -> list[AnyField]:
    _check_number("fields", names, MAX_FIELDS)
    return [resource.fields.get(name) or unknown(name) for name in names]


def _needs(fields: Iterable[AnyField]) -> frozenset[Need]:
    return frozenset(field.need for field in fields if field.need is not None)
