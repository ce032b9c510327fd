"""What a condition of a filter asks of a field's value.

    operator, field, constant -> test of a value; a value of another type is an error, not false

Source: ganeti(7), query filters; what Ganeti 3.0's query daemon answers.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from pyganeti.kit.clock import monotonic
from pyganeti.kit.patterns import Pattern, PatternError, PatternTooSlow
from pyganeti.kit.shown import shown
from pyganeti.model.errors import ParameterError, QueryFilterParseError
from pyganeti.model.names import matches_name

from .fields import Compare, Field

# Any: values are JSON; fields of several resources pass through here.
AnyField = Field[Any, Any]
Test = Callable[[Any], bool]

EQUAL: Final = frozenset({"=", "=="})
# An expression may take exponentially long on a value: then its time ends, not the master's.
EXPRESSION_LIMIT_S: Final = 0.5
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
# A rule looks at jobs as long as it exists: time is for each value, and not much.
RULE_LIMIT_S: Final = 0.05
# More digits than a job will ever have.
_JOB_ID_DIGITS: Final = 18


class SlowExpression(ParameterError):
    """A regular expression takes too long on a value."""


def is_true(field: AnyField) -> Test:
    """``["?", field]``: the value is a boolean, and true."""

    def test(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ParameterError(
                f"field {field.name!r} is neither true nor false but {shown(value)}: compare it"
            )
        return value

    return test


def condition(op: str, field: AnyField, constant: object, *, rule: bool = False) -> Test:
    """``[op, field, constant]``.

    Args:
        op: the operator.
        field: whose values are tested.
        constant: what they are compared with.
        rule: part of a rule that stays, not of one query.

    Raises:
        QueryFilterParseError: there is no such operator, or it does not take this constant.
    """
    if not isinstance(constant, str | int | float):
        raise QueryFilterParseError(
            f"{shown(op)} compares field {field.name!r} with a text or a number, not "
            f"{shown(constant)}"
        )
    if op in EQUAL:
        return _equals(field, constant)
    if op == "!=":
        equals = _equals(field, constant)
        return lambda value: not equals(value)
    if op == "=[]":
        return _contains(field, constant)
    if op == "=~":
        return _matches(field, constant, rule)
    if op in _ORDER:
        return _ordered(op, field, constant)
    raise QueryFilterParseError(f"unknown operator {shown(op)} in a filter")


def _kind(value: object) -> type[object]:
    """Values of one kind compare: numbers of all sorts, texts, booleans."""
    # In Python True is 1, in a filter it is not.
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return str if isinstance(value, str) else object


def _check_kind(field: AnyField, value: object, constant: object) -> None:
    if _kind(value) is object or _kind(value) is not _kind(constant):
        raise ParameterError(
            f"field {field.name!r} has values like {shown(value)}, which cannot be compared with "
            f"{shown(constant)}"
        )


def _equals(field: AnyField, constant: object) -> Test:
    same, plain, wanted = _same(field, constant), _plain(field), _constant(field, constant)

    def equals(value: Any) -> bool:
        _check_kind(field, plain(value), wanted)
        return same(value)

    return equals


def _same(field: AnyField, constant: object) -> Test:
    """Equality without a look at types: what is of another one is not equal."""
    if field.compare is Compare.HOSTNAME and isinstance(constant, str):
        return lambda value: isinstance(value, str) and matches_name(constant, value)
    plain, wanted = _plain(field), _constant(field, constant)

    def same(value: Any) -> bool:
        found = plain(value)
        return bool(found == wanted) and _kind(found) is _kind(wanted)

    return same


def _contains(field: AnyField, constant: object) -> Test:
    same = _same(field, constant)

    def contains(value: Any) -> bool:
        if not isinstance(value, list | tuple):
            raise ParameterError(f"field {field.name!r} is no list but {shown(value)}")
        return any(map(same, value))

    return contains


def _plain(field: AnyField) -> Callable[[Any], Any]:
    """The form in which a field's values compare."""
    return _seconds if field.compare is Compare.TIMESTAMP else lambda value: value


def _constant(field: AnyField, constant: object) -> object:
    if field.compare is Compare.JOB_ID and isinstance(constant, str):
        if not (constant.isascii() and constant.isdecimal() and len(constant) <= _JOB_ID_DIGITS):
            raise QueryFilterParseError(f"{shown(constant)} is not a job id")
        return int(constant)
    return constant


def _seconds(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0] + value[1] / 1_000_000
    return value


def _ordered(op: str, field: AnyField, constant: object) -> Test:
    plain, wanted, compare = _plain(field), _constant(field, constant), _ORDER[op]

    def test(value: Any) -> bool:
        found = plain(value)
        _check_kind(field, found, wanted)
        return compare(found, wanted)

    return test


def _matches(field: AnyField, constant: object, rule: bool) -> Test:
    expression = _expression(constant)
    # All values of a query share the time.
    left = EXPRESSION_LIMIT_S

    def matches(value: Any) -> bool:
        nonlocal left
        if not isinstance(value, str):
            raise ParameterError(
                f"field {field.name!r} is no text but {shown(value)}: it has no matches"
            )
        begin = monotonic()
        limit = RULE_LIMIT_S if rule else max(left, 0.001)
        try:
            found = expression.search(value, limit)
        except PatternTooSlow as err:
            raise SlowExpression(
                f"the expression {shown(constant)} takes too long on the values of field "
                f"{field.name!r}"
            ) from err
        left -= monotonic() - begin
        return found

    return matches


def _expression(constant: object) -> Pattern:
    if not isinstance(constant, str):
        raise QueryFilterParseError(f"{shown(constant)} is not a regular expression")
    try:
        return Pattern(constant)
    except PatternError as err:
        raise QueryFilterParseError(
            f"{shown(constant)} is not a regular expression: {err}"
        ) from err
