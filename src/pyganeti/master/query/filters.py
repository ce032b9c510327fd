"""Query filters in their JSON prefix form: ``["&", ["=", "os", "micro"], ["?", "admin_up"]]``.

Data flow: JSON -> :func:`compile_filter` -> predicate on objects. What holds when:
docs/design/0006-queries.md. Source: ganeti(7), query filters.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pyganeti.kit.shown import shown
from pyganeti.model.enums import FieldStatus
from pyganeti.model.errors import ParameterError, QueryFilterParseError

from .conditions import EQUAL, AnyField, SlowExpression, Test, condition, is_true

Fields = Mapping[str, AnyField]
Predicate = Callable[[Any, Any], bool]

MAX_DEPTH: Final = 64
# Each is tried on every object.
MAX_CONDITIONS: Final = 1000


def compile_filter(
    qfilter: object, fields: Fields, *, rule: bool = False, most: int = MAX_CONDITIONS
) -> tuple[Predicate, list[AnyField]]:
    """The filter as a function of object and context, and the fields it looks at.

    Args:
        qfilter: in prefix form.
        fields: those it may name.
        rule: the filter decides what happens to objects, not only which are shown: a condition on a
            value that is not there or of another type does not hold, and is no error.
        most: how many operators it may have.

    Raises:
        QueryFilterParseError: it is no filter.
        ParameterError: it names a field that does not exist. The function raises the same for a
            value of another type than the filter's.
    """
    used: list[AnyField] = []
    return _Compiler(fields, used, rule, most).compiled(qfilter, MAX_DEPTH), used


def requested_names(qfilter: object, name_field: str) -> list[object] | None:
    """The names that the filter lists, when it does nothing else: ``|`` over ``=`` on the name."""
    if not isinstance(qfilter, list | tuple) or not qfilter:
        return None
    parts = qfilter[1:] if qfilter[0] == "|" else [qfilter]
    names = [part[2] for part in parts if _names_one(part, name_field)]
    return names if parts and len(names) == len(parts) else None


def _names_one(part: object, name_field: str) -> bool:
    if not isinstance(part, list | tuple) or len(part) != 3 or not isinstance(part[0], str):
        return False
    return part[0] in EQUAL and part[1] == name_field


class _Compiler:
    """Compiles one filter; notes the fields it looks at."""

    def __init__(self, fields: Fields, used: list[AnyField], rule: bool, most: int) -> None:
        self._fields = fields
        self._used = used
        self._rule = rule
        self._most = self._left = most

    def compiled(self, qfilter: object, depth: int) -> Predicate:
        """A filter at most ``depth`` levels deep."""
        if depth == 0:
            raise QueryFilterParseError(f"the filter is nested deeper than {MAX_DEPTH} levels")
        if self._left == 0:
            raise QueryFilterParseError(f"the filter has more than {self._most} operators")
        self._left -= 1
        if not isinstance(qfilter, list | tuple) or not qfilter or not isinstance(qfilter[0], str):
            raise QueryFilterParseError(f"{shown(qfilter)} is no filter: expected [operator, ...]")
        op, *rest = qfilter
        if op in ("&", "|"):
            return _logical(op, [self.compiled(part, depth - 1) for part in rest])
        if op == "!":
            (inner,) = _operands(op, rest, 1)
            negated = self.compiled(inner, depth - 1)
            return lambda item, context: not negated(item, context)
        if op == "?":
            (name,) = _operands(op, rest, 1)
            field = self._field(name)
            return self._on_value(field, is_true(field))
        name, constant = _operands(op, rest, 2)
        field = self._field(name)
        return self._on_value(field, condition(op, field, constant, rule=self._rule))

    def _field(self, name: object) -> AnyField:
        field = self._fields.get(name) if isinstance(name, str) else None
        if field is None:
            raise ParameterError(f"cannot filter by unknown field {shown(name)}")
        self._used.append(field)
        return field

    def _on_value(self, field: AnyField, test: Test) -> Predicate:
        return _if_known(field, test) if self._rule else _unless_known(field, test)


def _operands(op: str, rest: list[object], count: int) -> list[object]:
    if len(rest) != count:
        raise QueryFilterParseError(f"{shown(op)} takes {count} operands, {len(rest)} were given")
    return rest


def _logical(op: str, parts: list[Predicate]) -> Predicate:
    if op == "&":
        return lambda item, context: all(part(item, context) for part in parts)
    return lambda item, context: any(part(item, context) for part in parts)


def _unless_known(field: AnyField, test: Test) -> Predicate:
    """``test`` on the field's value; without a value it holds, as in Ganeti."""
    get = field.get

    def predicate(item: object, context: object) -> bool:
        value = get(item, context)
        return type(value) is FieldStatus or value is None or test(value)

    return predicate


def _if_known(field: AnyField, test: Test) -> Predicate:
    """``test`` on the field's value; without a value, or with one it is not for, it does not hold.

    The predicate raises ``SlowExpression`` when a regular expression takes too long.
    """
    get = field.get

    def predicate(item: object, context: object) -> bool:
        value = get(item, context)
        if type(value) is FieldStatus or value is None:
            return False
        try:
            return test(value)
        except SlowExpression:
            raise
        except ParameterError:
            return False

    return predicate
