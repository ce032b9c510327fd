"""What a declared type expects, in words; for messages about refused values."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import inspect

_FIXED: Final[Mapping[type[inspect.Type], str]] = {
    inspect.AnyType: "anything",
    inspect.NoneType: "null",
    inspect.BoolType: "a boolean",
    inspect.IntType: "an integer",
    inspect.FloatType: "a number",
    inspect.StrType: "a string",
    inspect.DictType: "a mapping",
}


def describe(kind: object) -> str:
    """The values that ``kind`` accepts, such as ``a list of strings or null``."""
    return _words(inspect.type_info(kind))


def _words(info: inspect.Type) -> str:
    if isinstance(info, inspect.Metadata):
        return str((info.extra_json_schema or {}).get("description") or _words(info.type))
    compound = _COMPOUND.get(type(info))
    return compound(info) if compound else _FIXED.get(type(info), "another type")


def _enum(info: inspect.Type) -> str:
    assert isinstance(info, inspect.EnumType)
    return "one of " + ", ".join(str(member.value) for member in info.cls)


def _literal(info: inspect.Type) -> str:
    assert isinstance(info, inspect.LiteralType)
    return "one of " + ", ".join(str(value) for value in info.values)


def _list(info: inspect.Type) -> str:
    assert isinstance(info, inspect.ListType | inspect.VarTupleType)
    if isinstance(info.item_type, inspect.AnyType):
        return "a list"
    return f"a list, each item {_words(info.item_type)}"


def _tuple(info: inspect.Type) -> str:
    assert isinstance(info, inspect.TupleType)
    return "[" + ", ".join(_words(item) for item in info.item_types) + "]"


def _union(info: inspect.Type) -> str:
    assert isinstance(info, inspect.UnionType)
    return " or ".join(_words(item) for item in info.types)


_COMPOUND: Final[Mapping[type[inspect.Type], Callable[[inspect.Type], str]]] = {
    inspect.EnumType: _enum,
    inspect.LiteralType: _literal,
    inspect.ListType: _list,
    inspect.VarTupleType: _list,
    inspect.TupleType: _tuple,
    inspect.UnionType: _union,
}
