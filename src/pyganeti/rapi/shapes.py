"""What answers and bodies look like, where that is more than one of Python's types says. Pure.

    a resource's declaration -> Fields, Listing -> openapi.py -> JSON schema

Lists and objects are declared once, as the fields that are asked for and the type of each; the same
declaration describes them to programs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from pyganeti.model.enums import POOL_MODE, NicMode
from pyganeti.opcodes.devices import IDiskParams, INicParams

# Any: values that hold whatever JSON holds.
Json = Any
JsonObject = dict[str, Any]
JobNumber = Annotated[int, Meta(ge=0, description="the number of a job")]
# Seconds and microseconds.
Moment = tuple[int, int] | None
Trail = list[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object whose members are known.

    Attributes:
        name: of the schema, in one word.
        types: by member: a type, or another shape.
        more: whether there may be others.
        optional: members that may be missing.
    """

    name: str
    types: Mapping[str, object]
    more: bool = False
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ListOf:
    """A JSON array of one shape."""

    of: object


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several shapes."""

    shapes: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of a list.

    Attributes:
        short: an entry that names an object and where it is.
        whole: an object, as with ``bulk=1``.
    """

    short: Fields
    whole: Fields


def _given(kind: type[msgspec.Struct]) -> dict[str, object]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _nic() -> Fields:
    types = _given(INicParams)
    types["mode"] = Literal[tuple(map(str, (*NicMode, POOL_MODE)))] | None
    return Fields("Nic", types, optional=frozenset(types))


def _disk() -> Fields:
    types = _given(IDiskParams)
    del types["opaque"]
    # A number of MiB, or with its unit.
    types["size"] = Annotated[int, Meta(ge=0)] | str | None
    return Fields("Disk", types, more=True, optional=frozenset(types))


NIC: Final = _nic()
DISK: Final = _disk()
ERROR: Final = Fields("Error", {"code": int, "message": str, "explain": str})
