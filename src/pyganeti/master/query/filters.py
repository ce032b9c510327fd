"""Query filters in their JSON prefix form: ``["&", ["=", "os", "micro"], ["?", "admin_up"]]``.

Data flow: JSON -> :func:`compile_filter` -> predicate on cells. Source: ganeti(7), query filters.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pyganeti.model.errors import QueryFilterParseError
from pyganeti.model.names import matches_name

from .fields import Compare, Field, Status

# Any: filters are JSON; fields of several resources pass through here.
AnyField = Field[Any, Any]
Fields = Mapping[str, AnyField]
Predicate = Callable[[Any, Any], bool]

MAX_DEPTH: Final = 64
_EQUAL: Final = frozenset({"=", "=="})
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def compile_filter(qfilter: object, fields: Fields) -> tuple[Predicate, list[AnyField]]:
    """The filter as a function of object and context, and the fields it looks at.

    Raises:
        QueryFilterParseError: it is no filter, or names a field that does not exist.
    """
    used: list[AnyField] = []
    return _compiled(qfilter, fields, used, MAX_DEPTH), used


def requested_names(qfilter: object, name_field: str) -> list[object] | None:
    """The names that the filter lists, when it does nothing else: ``|`` over ``=`` on the name."""
    if not isinstance(qfilter, Sequence) or isinstance(qfilter, str) or not qfilter:
        return None
    if qfilter[0] in _EQUAL and len(qfilter) == 3 and qfilter[1] == name_field:
        return [qfilter[2]]
    if qfilter[0] != "|" or len(qfilter) < 2:
        return None
    found: list[object] = []
    for part in qfilter[1:]:
        names = requested_names(part, name_field) if _is_equality(part) else None
        if names is None:
            return None
        found += names
    return found


def _is_equality(part: object) -> bool:
    return isinstance(part, list | tuple) and bool(part) and part[0] in _EQUAL


def _compiled(qfilter: object, fields: Fields, used: list[AnyField], depth: int) -> Predicate:
    if depth == 0:
        raise QueryFilterParseError(f"the filter is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(qfilter, list | tuple) or not qfilter or not isinstance(qfilter[0], str):
        raise QueryFilterParseError(f"{qfilter!r} is no filter: expected [operator, ...]")
    op, *rest = qfilter
    if op in ("&", "|"):
        return _logical(op, [_compiled(part, fields, used, depth - 1) for part in rest])
    if op == "!":
        (inner,) = _operands(op, rest, 1)
        negated = _compiled(inner, fields, used, depth - 1)
        return lambda item, context: not negated(item, context)
    if op == "?":
        (name,) = _operands(op, rest, 1)
        return _on_value(_field(name, fields, used), bool)
    name, constant = _operands(op, rest, 2)
    field = _field(name, fields, used)
    return _on_value(field, _test(op, field, constant))


def _operands(op: str, rest: list[object], count: int) -> list[object]:
    if len(rest) != count:
        raise QueryFilterParseError(f"{op!r} takes {count} operands, {len(rest)} were given")
    return rest


def _logical(op: str, parts: list[Predicate]) -> Predicate:
    if op == "&":
        return lambda item, context: all(part(item, context) for part in parts)
    return lambda item, context: any(part(item, context) for part in parts)


def _field(name: object, fields: Fields, used: list[AnyField]) -> AnyField:
    field = fields.get(name) if isinstance(name, str) else None
    if field is None:
        raise QueryFilterParseError(f"cannot filter by unknown field {name!r}")
    used.append(field)
    return field


def _on_value(field: AnyField, test: Callable[[Any], bool]) -> Predicate:
    """``test`` on the field's value; without a value nothing holds."""
    get = field.get

    def predicate(item: object, context: object) -> bool:
        value = get(item, context)
        return type(value) is not Status and test(value)

    return predicate


def _test(op: str, field: AnyField, constant: object) -> Callable[[Any], bool]:
    if op in _EQUAL:
        return _equals(field, constant)
    if op == "!=":
        equals = _equals(field, constant)
        return lambda value: not equals(value)
    if op == "=[]":
        equals = _equals(field, constant)
        return lambda value: isinstance(value, list | tuple) and any(map(equals, value))
    if op == "=~":
        return _matches(constant)
    if op in _ORDER:
        return _ordered(op, field, constant)
    raise QueryFilterParseError(f"unknown operator {op!r} in a filter")


def _equals(field: AnyField, constant: object) -> Callable[[Any], bool]:
    if field.compare is Compare.HOSTNAME and isinstance(constant, str):
        return lambda value: isinstance(value, str) and matches_name(constant, value)
    wanted = _constant(field, constant)
    seconds = field.compare is Compare.TIMESTAMP

    def equals(value: Any) -> bool:
        found = _seconds(value) if seconds else value
        # In Python True is 1, in a filter it is not.
        return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)

    return equals


def _constant(field: AnyField, constant: object) -> object:
    if field.compare is Compare.JOB_ID and isinstance(constant, str):
        try:
            return int(constant)
        except ValueError as err:
            raise QueryFilterParseError(f"{constant!r} is not a job id") from err
    if field.compare is Compare.TIMESTAMP:
        return _seconds(constant)
    return constant


def _seconds(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0] + value[1] / 1_000_000
    return value


def _matches(constant: object) -> Callable[[Any], bool]:
    try:
        search = re.compile(str(constant)).search
    except re.error as err:
        raise QueryFilterParseError(f"{constant!r} is not a regular expression: {err}") from err
    return lambda value: isinstance(value, str) and search(value) is not None


def _ordered(op: str, field: AnyField, constant: object) -> Callable[[Any], bool]:
    wanted, compare = _constant(field, constant), _ORDER[op]
    seconds = field.compare is Compare.TIMESTAMP

    def test(value: Any) -> bool:
        try:
            return compare(_seconds(value) if seconds else value, wanted)
        except TypeError as err:
            raise QueryFilterParseError(
                f"field {field.name!r} has values like {value!r}, which {op!r} cannot compare "
                f"with {constant!r}"
            ) from err

    return test
