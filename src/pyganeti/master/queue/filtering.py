"""Job filters: which rule of the configuration applies to a job, and what it says.

    FilterRule ... -> FilterChain (compiled) -> verdict on a job

Called by the scheduler for each queued job, once a change of the rules; and by LUXI to check a rule
before it is stored. Source: gnt-filter(8); ``docs/design/0005-scheduling.md`` (Filters).
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pyganeti.kit.shown import shown
from pyganeti.master.query.conditions import AnyField, SlowExpression
from pyganeti.master.query.fields import Compare, Field, FieldKind, table
from pyganeti.master.query.filter import order
from pyganeti.master.query.filters import compile_filter
from pyganeti.master.queue.job import Job
from pyganeti.model.enums import FieldStatus
from pyganeti.model.errors import ECode, OpPrereqError, ParameterError, QueryFilterParseError
from pyganeti.model.filter import FilterRule
from pyganeti.opcodes.codec import PRIVATE, SECRET

_log = logging.getLogger(__name__)

WATERMARK: Final = "watermark"
RATE_LIMIT: Final = "RATE_LIMIT"
# Each is tried on every job.
MAX_PREDICATES: Final = 100
# Of priorities and limits: Ganeti reads no larger numbers in a configuration.
MOST: Final = 2**63 - 1
_USER: Final = "gnt:user"
_LOGICAL: Final = ("&", "|", "!")
_PLAIN_ACTIONS: Final = ("ACCEPT", "PAUSE", "REJECT", "CONTINUE")

# Whether a job has what a predicate asks for.
JobTest = Callable[[Job], bool]


class FilterAction(StrEnum):
    """What happens to jobs to which a rule applies."""

    ACCEPT = "ACCEPT"
    PAUSE = "PAUSE"
    REJECT = "REJECT"
    CONTINUE = "CONTINUE"
    RATE_LIMIT = RATE_LIMIT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the filters say of a job.

    Attributes:
        action: never ``CONTINUE``.
        rule: UUID of the rule that applies; empty where none does.
        most: of ``RATE_LIMIT``: how many may run.
        reason: why somebody made the rule, if that is known.
    """

    action: FilterAction
    rule: str = ""
    most: int = 0
    reason: str = ""


ACCEPTED: Final = Verdict(FilterAction.ACCEPT)


class FilterChain:
    """Rules in the order in which they are tried.

    Args:
        rules: in any order; one that cannot be understood applies to nothing.
    """

    def __init__(self, rules: Iterable[FilterRule]) -> None:
        self._rules: list[tuple[list[JobTest], Verdict]] = []
        for rule in sorted(rules, key=order):
            try:
                compiled = _compiled(rule)
            except OpPrereqError as err:
                # Rules that came with a configuration file were checked by whoever wrote it.
                _log.error("job filter %s applies to nothing: %s", rule.uuid, err)
                continue
            if compiled[1].action is not FilterAction.CONTINUE:
                self._rules.append(compiled)

    def __len__(self) -> int:
        return len(self._rules)

    def verdict(self, job: Job) -> Verdict:
        """What the first rule says all of whose predicates hold for ``job``."""
        for number, (tests, verdict) in enumerate(self._rules):
            try:
                if all(test(job) for test in tests):
                    return verdict
            except SlowExpression as err:
                # Once is enough: everybody waits meanwhile.
                _log.error("job filter %s, job %s: %s; it is not used", verdict.rule, job.id, err)
                del self._rules[number]
                return self.verdict(job)
        return ACCEPTED


# Any: what clients sent.
def make_rule(
    uuid: str,
    *,
    watermark: int,
    priority: int,
    predicates: Sequence[Any],
    action: Any,
    reason: Sequence[tuple[str, str, int]],
) -> FilterRule:
    """A checked rule.

    Raises:
        OpPrereqError: ``ECode.INVAL``; says what is wrong and what was expected.
    """
    if not 0 <= priority <= MOST:
        text = f"the priority is {shown(priority)}, expected an integer from 0 to {MOST}"
        raise _invalid(text)
    if len(predicates) > MAX_PREDICATES:
        text = f"{len(predicates)} predicates, expected {MAX_PREDICATES} at most"
        raise _invalid(text)
    most = _rate_limit(action)
    rule = FilterRule(
        uuid=uuid,
        watermark=watermark,
        priority=priority,
        predicates=tuple(
            tuple(_as_kept(entry)) if isinstance(entry, list) else (entry,) for entry in predicates
        ),
        action=(RATE_LIMIT, most) if most else str(action),
        reason_trail=tuple(reason),
    )
    _compiled(rule)
    return rule


# Any: what clients sent; the depth of a request is limited.
def _as_kept(part: Any) -> Any:
    """A filter with ``==`` for ``=``, which is how Ganeti keeps and shows it."""
    if not isinstance(part, list) or not part:
        return part
    return ["==" if part[0] == "=" else part[0], *map(_as_kept, part[1:])]


def _invalid(text: str) -> OpPrereqError:
    return OpPrereqError(f"job filter: {text}", ECode.INVAL)


# Any: what clients sent.
def _rate_limit(action: Any) -> int:
    """The number of ``["RATE_LIMIT", n]``, or 0 for one of the plain actions.

    Raises:
        OpPrereqError: it is no action.
    """
    if action in _PLAIN_ACTIONS:
        return 0
    if isinstance(action, list | tuple) and len(action) == 2 and action[0] == RATE_LIMIT:
        most = action[1]
        if isinstance(most, int) and not isinstance(most, bool) and 0 < most <= MOST:
            return most
    raise _invalid(
        f"the action is {shown(action)}, expected ACCEPT, PAUSE, REJECT, CONTINUE or"
        f" [{RATE_LIMIT!r}, n] with an integer n from 1 to {MOST}"
    )


def _compiled(rule: FilterRule) -> tuple[list[JobTest], Verdict]:
    most = _rate_limit(rule.action)
    action = FilterAction.RATE_LIMIT if most else FilterAction(str(rule.action))
    reasons = [text for source, text, _ in rule.reason_trail if source == _USER]
    tests = [
        _predicate(entry, rule.watermark, f"predicate {number}")
        for number, entry in enumerate(rule.predicates, 1)
    ]
    return tests, Verdict(action, rule.uuid, most, "; ".join(reasons))


def _predicate(entry: Sequence[object], watermark: int, where: str) -> JobTest:
    make = _PREDICATES.get(entry[0]) if len(entry) == 2 and isinstance(entry[0], str) else None
    if make is None:
        names = ", ".join(f"[{name!r}, filter]" for name in _PREDICATES)
        found = list(entry) if len(entry) != 1 else entry[0]
        raise _invalid(f"{where} is {shown(found)}, expected one of {names}")
    try:
        return make(entry[1], watermark)
    except (ParameterError, QueryFilterParseError) as err:
        raise _invalid(f"{where} ({entry[0]}): {err}") from err


# --- jobid


_ID: Final[Sequence[Field[int, None]]] = [
    Field("id", "ID", FieldKind.NUMBER, "Number", lambda item, _: item, compare=Compare.JOB_ID)
]


def _job_id(qfilter: object, watermark: int) -> JobTest:
    holds, _ = compile_filter(_marked(qfilter, watermark), table(_ID), rule=True)
    return lambda job: holds(job.id, None)


def _marked(qfilter: object, watermark: int) -> object:
    """``qfilter`` with the number for the word in all places of values."""
    if not isinstance(qfilter, list | tuple) or not qfilter:
        return qfilter
    if qfilter[0] in _LOGICAL:
        return [qfilter[0], *(_marked(part, watermark) for part in qfilter[1:])]
    if len(qfilter) == 3 and qfilter[2] == WATERMARK:
        return [qfilter[0], qfilter[1], watermark]
    return qfilter


# --- opcode


class _OpcodeFields(Mapping[str, AnyField]):
    """A field for every name: what opcodes have depends on the opcode."""

    def __getitem__(self, name: str) -> AnyField:
        path = name.split(".")
        if not all(path):
            raise KeyError(name)
        secret = next((key for key in path if key in SECRET | PRIVATE), None)
        if secret is not None:
            raise QueryFilterParseError(f"values of {secret!r} are secret")
        return Field(name, name, FieldKind.OTHER, "", lambda item, _: _along(item, path))

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def _along(value: object, path: Sequence[str]) -> object:
    """What a path of keys leads to in nested dictionaries."""
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return FieldStatus.UNAVAIL
        value = value[key]
    return value


def _opcode(qfilter: object, _watermark: int) -> JobTest:
    holds, _ = compile_filter(qfilter, _OpcodeFields(), rule=True)
    return lambda job: any(holds(op.input, None) for op in job.ops)


# --- reason


def _entry(index: int) -> Callable[[Sequence[object], None], object]:
    return lambda item, _: item[index]


_REASON: Final[Sequence[Field[Sequence[object], None]]] = [
    Field(name, name, FieldKind.OTHER, "", _entry(index))
    for index, name in enumerate(("source", "reason", "timestamp"))
]


def _reason(qfilter: object, _watermark: int) -> JobTest:
    holds, _ = compile_filter(qfilter, table(_REASON), rule=True)
    return lambda job: any(holds(entry, None) for op in job.ops for entry in op.reasons())


_PREDICATES: Final[Mapping[str, Callable[[object, int], JobTest]]] = {
    "jobid": _job_id,
    "opcode": _opcode,
    "reason": _reason,
}
