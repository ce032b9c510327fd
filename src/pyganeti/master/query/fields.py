"""What a query field is.

A getter takes an object and the context of its resource, and gives the plain value, or a
:class:`FieldStatus` that says why there is none. Source: the field tables and result statuses of
Ganeti 3.1.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from pyganeti.model.enums import FieldStatus
from pyganeti.model.params.kinds import Kind

ItemT = TypeVar("ItemT", contravariant=True)
ContextT = TypeVar("ContextT", contravariant=True)


class FieldKind(StrEnum):
    """How a client shows a field."""

    BOOL = "bool"
    FLOAT = "float"
    NUMBER = "number"
    OTHER = "other"
    TEXT = "text"
    TIMESTAMP = "timestamp"
    UNIT = "unit"
    UNKNOWN = "unknown"


class Need(Enum):
    """Data that only nodes have; asked for when a wanted field needs it."""

    NODE_INFO = "node info"
    GUESTS = "guests"
    CONSOLE = "consoles"
    EXPORTS = "exports"


class Compare(Enum):
    """How a filter compares a field's values."""

    PLAIN = "as they are"
    HOSTNAME = "up to a dot"
    JOB_ID = "numbers, which may come as texts"
    TIMESTAMP = "[seconds, microseconds] with seconds"


Cell = list[object]
"""``[status, value]``."""


@dataclass(frozen=True, slots=True)
class Field(Generic[ItemT, ContextT]):
    """One field of a resource.

    Attributes:
        name: as users ask for it.
        title: column title.
        kind: how it is shown.
        doc: one sentence, for ``list-fields``.
        get: the value of an object.
        need: what nodes must be asked first.
        compare: how filters look at it.
    """

    name: str
    title: str
    kind: FieldKind
    doc: str
    get: Callable[[ItemT, ContextT], object]
    need: Need | None = None
    compare: Compare = Compare.PLAIN

    def definition(self) -> dict[str, str]:
        """The field as clients see it."""
        return {"name": self.name, "title": self.title, "kind": self.kind, "doc": self.doc}

    def cell(self, item: ItemT, context: ContextT) -> Cell:
        """``[status, value]`` for one object."""
        value = self.get(item, context)
        if type(value) is FieldStatus:
            return [value.value, None]
        return [0, value]


def alias(name: str, of: Field[ItemT, ContextT]) -> Field[ItemT, ContextT]:
    """The same field under another name."""
    return replace(of, name=name)


def unknown(name: str) -> Field[object, object]:
    """What stands for a field that does not exist."""
    return Field(
        name,
        name,
        FieldKind.UNKNOWN,
        f"Unknown field '{name}'",
        lambda _item, _ctx: FieldStatus.UNKNOWN,
    )


def table(
    fields: Iterable[Field[ItemT, ContextT]],
) -> Mapping[str, Field[ItemT, ContextT]]:
    """Fields by name.

    Raises:
        ValueError: two have the same name.
    """
    result: dict[str, Field[ItemT, ContextT]] = {}
    for field in fields:
        if field.name in result:
            raise ValueError(f"field {field.name!r} is declared twice")
        result[field.name] = field
    return MappingProxyType(result)


def or_unavail(value: object) -> object:
    """``value``, or :attr:`FieldStatus.UNAVAIL` for ``None``."""
    return FieldStatus.UNAVAIL if value is None else value


PARAM_KINDS: Final[Mapping[Kind, FieldKind]] = {
    Kind.BOOL: FieldKind.BOOL,
    Kind.FLOAT: FieldKind.FLOAT,
    Kind.INT: FieldKind.NUMBER,
    Kind.SIZE: FieldKind.UNIT,
    Kind.STRING: FieldKind.OTHER,
    Kind.MAYBE_STRING: FieldKind.OTHER,
}
"""How lists show a parameter of each type."""
