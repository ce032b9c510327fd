"""Opcodes to JSON and back, strictly; and what of them must not be shown.

Called at submission: what is wrong with a parameter is said with the opcode's name, the parameter,
the value and what was expected. Job files and LUXI carry the same form, with ``OP_ID``.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pyganeti.kit.mismatch import in_words, placed
from pyganeti.kit.shown import cut, shown
from pyganeti.model.errors import ECode, OpCodeUnknown, OpPrereqError, OpResultError

from .base import Opcode, summary_text
from .describe import describe
from .registry import BY_ID

OP_ID: Final = "OP_ID"
REDACTED: Final = "<redacted>"
SECRET: Final = frozenset({"osparams_secret"})
_PLAIN: Final = (str, int, float, type(None))
PRIVATE: Final = frozenset({"osparams_private", "osparams_private_cluster"})


def decode(data: object) -> Opcode:
    """The opcode that a mapping from JSON describes.

    Raises:
        OpCodeUnknown: there is no opcode of this name.
        OpPrereqError: ``ECode.INVAL``; an unknown or missing parameter, or a value of the wrong
            type: says which and what was expected.
    """
    if not isinstance(data, Mapping):
        # Not what it is: an opcode in another wrapping may hold secrets.
        raise OpPrereqError(f"an opcode is a {_kind(data)}, expected a mapping", ECode.INVAL)
    op_id = data.get(OP_ID)
    cls = BY_ID.get(op_id) if isinstance(op_id, str) else None
    if cls is None:
        raise OpCodeUnknown(f"there is no opcode {_shown(op_id)}")
    _check_texts(cls.op_id(), data)
    try:
        op = msgspec.convert(data, cls)
    except msgspec.ValidationError as err:
        raise OpPrereqError(_diagnosis(cls, data, str(err)), ECode.INVAL) from err
    op.check()
    return op


# Any: the values are JSON.
def encode(op: Opcode) -> dict[str, Any]:
    """The opcode as job files hold it: all parameters, and ``OP_ID``."""
    data: dict[str, Any] = msgspec.to_builtins(op)
    return data


def _diagnosis(cls: type[Opcode], data: Mapping[str, object], otherwise: str) -> str:
    """Which parameter is wrong; only made once one is."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(cls)}
    for name in data:
        if name not in fields and name != OP_ID:
            known = ", ".join(sorted(fields))
            return f"{cls.op_id()}: unknown parameter {shown(name)}, known: {known}"
    for name, field in fields.items():
        if name not in data and field.required:
            return f"{cls.op_id()}: parameter {name!r} is missing, expected {describe(field.type)}"
    for name, value in data.items():
        if name == OP_ID:
            continue
        try:
            msgspec.convert(value, fields[name].type)
        except msgspec.ValidationError as err:
            place, what = placed(cut(str(err)))
            found = "a value" if name in SECRET | PRIVATE else f"the value {_shown(value)}"
            expected = describe(fields[name].type)
            # Of the whole value the declaration has said it.
            where = f" (at {place}: {what})" if place else ""
            return f"{cls.op_id()}: parameter {name!r} has {found}, expected {expected}{where}"
    return f"{cls.op_id()}: {in_words(cut(otherwise))}"


def _shown(value: object) -> str:
    return shown(value, SECRET | PRIVATE)


def _kind(value: object) -> str:
    kinds = {str: "string", bool: "boolean", list: "list", tuple: "list", type(None): "null"}
    return kinds.get(type(value), "number")


def _check_texts(op_id: str, value: object) -> None:
    """Refuse NUL, which neither names nor files nor arguments of programs can hold.

    And half of a surrogate pair, which JSON can say and UTF-8 cannot.

    Raises:
        OpPrereqError: ``ECode.INVAL``; a text has one.
    """
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
            text = f"{op_id}: a text holds half of a surrogate pair, which is no character"
            raise OpPrereqError(text, ECode.INVAL)
        if "\0" in value:
            raise OpPrereqError(f"{op_id}: a text holds a NUL character", ECode.INVAL)
    elif isinstance(value, _PLAIN):
        return
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _check_texts(op_id, name)
            _check_texts(op_id, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_texts(op_id, item)


def check_result(op: Opcode, result: object) -> None:
    """Compare an opcode's result with its declared type.

    Raises:
        OpResultError: it does not fit.
    """
    try:
        msgspec.convert(result, op.RESULT, from_attributes=False)
    except msgspec.ValidationError as err:
        raise OpResultError(
            f"{op.op_id()}: the result is {_shown(result)}, expected {describe(op.RESULT)}: "
            f"{in_words(cut(str(err)))}"
        ) from err


def _holds_value(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_value(item) for item in value.values())
    return value not in (None, REDACTED)


def _has_named(data: object, names: frozenset[str]) -> bool:
    if isinstance(data, Mapping):
        return any(
            _holds_value(value) if name in names else _has_named(value, names)
            for name, value in data.items()
        )
    if isinstance(data, list | tuple):
        return any(_has_named(item, names) for item in data)
    return False


_MAY_NEST: Final = frozenset({"OP_INSTANCE_MULTI_ALLOC", "OP_TEST_DUMMY"})


def has_secrets(op: Opcode) -> bool:
    """Whether it holds secret values, which are kept in memory only."""
    if op.op_id() in _MAY_NEST:
        return _has_named(encode(op), SECRET)
    return any(_holds_value(getattr(op, name, None)) for name in SECRET)


def redact(data: Mapping[str, Any], *, private: bool = False) -> dict[str, Any]:
    """An encoded opcode without its secret values, at every depth.

    Args:
        data: as :func:`encode` gives it.
        private: replace private values too, as answers to queries and logs need it; job files keep
            them, because a restarted master has to go on with the job.
    """
    names = SECRET | PRIVATE if private else SECRET
    return {key: _redacted(key, value, names) for key, value in data.items()}


def without_private(data: dict[str, Any]) -> dict[str, Any]:
    """An encoded opcode that is over, whose private values nobody needs; itself if it has none."""
    if data.get(OP_ID) in _MAY_NEST:
        holds = _has_named(data, PRIVATE)
    else:
        holds = any(_holds_value(data.get(name)) for name in PRIVATE)
    return redact(data, private=True) if holds else data


def has_redacted(data: object) -> bool:
    """Whether a value of an encoded opcode was a secret that is not known any more."""
    if isinstance(data, Mapping):
        return any(has_redacted(value) for value in data.values())
    if isinstance(data, list | tuple):
        return any(has_redacted(item) for item in data)
    return data == REDACTED


def _redacted(key: str, value: object, names: frozenset[str]) -> object:
    if key in names:
        return _blanked(value)
    if isinstance(value, _PLAIN):  # most are, and asking for a mapping takes long
        return value
    if isinstance(value, Mapping):
        return {inner: _redacted(inner, item, names) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", item, names) for item in value]
    return value


def _blanked(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _blanked(item) for key, item in value.items()}
    return None if value is None else REDACTED


def summary_of(data: Mapping[str, Any]) -> str:
    """:meth:`Opcode.summary` of an encoded opcode, even of one that we do not know (any more)."""
    op_id = str(data.get(OP_ID, ""))
    cls = BY_ID.get(op_id)
    return summary_text(op_id, cls.SUMMARY_FIELD if cls else None, data)
