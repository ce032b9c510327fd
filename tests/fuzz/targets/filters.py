"""Filters: as text on a command line, as lists in a query, and as predicates of a rule."""

import asyncio
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pyganeti.cli.filter_text import parse_filter
from pyganeti.kit.nesting import is_too_deep
from pyganeti.master.query.engine import RESOURCES
from pyganeti.master.query.filters import MAX_DEPTH
from pyganeti.master.queue.filtering import FilterChain, make_rule
from pyganeti.master.queue.job import Job, QueuedOp
from pyganeti.model.errors import GenericError
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.loop import VirtualLoop

from .checks import Unexpected, compact, refused
from .opcodes import example

# LUXI takes no longer one.
_LONGEST_NAME: Final = 1024
_GANETI: Final = Path(__file__).parents[2] / "golden" / "ganeti" / "filters.json"


def _decoded(data: bytes) -> Any:  # Any: JSON
    """What the master sees of ``data``; ``None`` where it refuses to look."""
    if is_too_deep(data):
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _texts_and_forms() -> list[tuple[str, Any]]:
    """Any: JSON."""
    return [(text, form) for text, form in json.loads(_GANETI.read_text())["cases"]]


class FilterText:
    """What stands after ``-F``."""

    name = "filter-text"

    def seeds(self) -> Sequence[bytes]:
        """Ganeti's examples."""
        return [text.encode() for text, _ in _texts_and_forms()]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Parse; the master must be able to read what comes out."""
        text = data[:2000].decode("utf-8", "surrogateescape")
        try:
            form = parse_filter(text)
        except GenericError as err:
            if len(str(err)) > 3 * len(text) + 500:
                raise Unexpected(f"{len(str(err))} characters for {len(text)}") from err
            return type(err).__name__ + re.sub(r"[^a-z ]+", "", str(err).splitlines()[0])[:80]
        if is_too_deep(json.dumps(form).encode(), MAX_DEPTH):
            raise Unexpected("deeper than the master reads")
        return re.sub(r"[^\[\]&|!?<>=~]+", "", json.dumps(form))[:40]


class QueryFilter:
    """Filters on every resource of a cluster. Input: ``[resource, fields, filter]``."""

    name = "query-filter"

    def __init__(self) -> None:
        self._loop = VirtualLoop()
        self._cluster = SimCluster(nodes=2)
        self._cluster.add_instance("web1")
        self._master = self._loop.run_until_complete(self._cluster.master())

    def seeds(self) -> Sequence[bytes]:
        """Ganeti's examples, and every field of every resource."""
        forms = [form for _, form in _texts_and_forms()]
        seeds = [[what, ["name"], form] for what in ("node", "instance") for form in forms if form]
        for what, resource in RESOURCES.items():
            for field in resource.fields:
                seeds.append([what, [field], ["=", field, "x"]])
                seeds.append([what, [resource.name_field], ["?", field]])
        return [compact(seed) for seed in seeds]

    def close(self) -> None:
        """End the master."""
        self._loop.run_until_complete(self._cluster.kill_master())
        self._loop.close()

    def run(self, data: bytes) -> str:
        """Ask the master's engine."""
        value = _decoded(data)
        match value:
            case [str() as what, list() as fields, qfilter]:
                fields = [field for field in fields if isinstance(field, str)]
            case _:
                return "no query"
        if any(len(name) > _LONGEST_NAME for name in [what, *fields]):
            return "no query"
        try:
            found = self._loop.run_until_complete(self._asked(what, fields, qfilter))
        except GenericError as err:
            return refused(err)
        msgspec.json.encode(found)
        return f"{what} {len(found['data'])} rows"

    async def _asked(self, what: str, fields: list[str], qfilter: object) -> dict[str, Any]:
        """Any: JSON."""
        task = asyncio.get_running_loop().create_task(
            self._master.queries.query(what, fields, qfilter)
        )
        return await task


class JobFilter:
    """Rules of job filters. Input: ``[priority, predicates, action, reason]``."""

    name = "job-filter"

    def seeds(self) -> Sequence[bytes]:
        """Rules of all kinds."""
        forms = [form for _, form in _texts_and_forms()]
        rules = [
            [0, [["jobid", ["<", "id", "watermark"]]], "PAUSE", [["gnt:user", "why", 5]]],
            [9, [["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]], ["RATE_LIMIT", 3], []],
            [9, [["opcode", ["=[]", "reason.x", "a"]]], "REJECT", []],
            [9, [["reason", ["=~", "reason", "(a+)+$"]]], "ACCEPT", []],
            *(
                [1, [[kind, form]], "CONTINUE", []]
                for kind in ("jobid", "opcode")
                for form in forms
            ),
        ]
        return [compact(rule) for rule in rules]

    def close(self) -> None:
        """Nothing to end."""

    def run(self, data: bytes) -> str:
        """Make the rule and apply it to jobs."""
        match _decoded(data):
            case [int() as priority, list() as predicates, action, list() as reason]:
                pass
            case _:
                return "no rule"
        reason = [tuple(entry) for entry in reason if _is_reason(entry)]
        try:
            rule = make_rule(
                "u", watermark=5, priority=priority, predicates=predicates, action=action,
                reason=reason,
            )  # fmt: skip
        except GenericError as err:
            return refused(err)
        ops = [example("OP_TEST_DELAY"), example("OP_INSTANCE_CREATE"), {"OP_ID": "OP_OLD"}]
        job = Job(7, [QueuedOp(input=op) for op in ops], (1, 2))
        verdict = FilterChain([rule]).verdict(job)
        return f"{verdict.action} {len(rule.predicates)}"


def _is_reason(entry: object) -> bool:
    return isinstance(entry, list) and [type(part) for part in entry] == [str, str, int]
