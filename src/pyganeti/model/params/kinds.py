"""What a parameter is, and how a value given by a user becomes the one that is stored.

Data flow: user's mapping -> :func:`check_values` or :func:`updated` -> sparse mapping in the
configuration -> :func:`filled` with the levels above it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pyganeti.model.errors import GenericError, ParameterError, TypeEnforcementError, UnitParseError
from pyganeti.model.units import parse_unit

Values = Mapping[str, object]
"""Values by parameter name; sparse in the configuration, complete after :func:`filled`."""

DEFAULT: Final = "default"
"""Given for a parameter: forget the value of this level."""


class Kind(StrEnum):
    """Types a parameter may have."""

    BOOL = "a boolean"
    STRING = "a string"
    MAYBE_STRING = "a string or null"
    INT = "an integer"
    FLOAT = "a number"
    SIZE = "a size in MiB"


class NodeCheck(StrEnum):
    """What only the node can find out; the hypervisor's driver runs it there."""

    FILE = "an existing file"
    FILE_OR_URL = "an existing file or a URL"
    DIRECTORY = "an existing directory"


Check = Callable[[object], str | None]
"""What was expected, when the value is not it."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    Attributes:
        name: as users write it.
        kind: type of the stored value.
        default: built-in value.
        required: an empty value is refused.
        allowed: the only values there are, besides an empty one where it is not required.
        check: looks at a value that is not empty.
        node_check: what the node has to find there.
        cluster_only: may be set for the cluster or an OS, but not for an instance.
        title: column title, where lists show it.
        ours: Ganeti does not have it; it has no default, and stands only where it was set.
    """

    name: str
    kind: Kind
    default: object
    required: bool = False
    allowed: tuple[str, ...] = ()
    check: Check | None = None
    node_check: NodeCheck | None = None
    cluster_only: bool = False
    title: str | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class ParamSet:
    """A named set of parameters.

    Attributes:
        name: for messages, such as ``backend`` or ``hypervisor kvm``.
        params: by name, in alphabetical order.
        together: looks at a complete mapping; says what contradicts.
    """

    name: str
    params: Mapping[str, Param]
    together: Callable[[Values], Iterable[str]] | None = None
    defaults: Values = field(init=False)

    def __post_init__(self) -> None:
        """Collect the defaults once."""
        defaults = {p.name: p.default for p in self.params.values() if not p.ours}
        object.__setattr__(self, "defaults", defaults)


def param_set(
    name: str,
    params: Iterable[Param],
    together: Callable[[Values], Iterable[str]] | None = None,
) -> ParamSet:
    """A set from a list of parameters."""
    return ParamSet(name, {p.name: p for p in sorted(params, key=lambda p: p.name)}, together)


def _to_bool(value: object) -> bool:
    if isinstance(value, str) and value:
        return {"true": True, "false": False}[value.lower()]
    return bool(value)


def _to_string(value: object) -> str:
    # A command line turns "no_kernel_path" into False: it means "none".
    if value is False:
        return ""
    if isinstance(value, str):
        return value
    raise TypeError


def _to_int(value: object) -> int:
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    if isinstance(value, str):
        return int(value)
    raise TypeError


def _to_float(value: object) -> float:
    if isinstance(value, int | float | str):
        return float(value)
    raise TypeError


def _to_size(value: object) -> int:
    if isinstance(value, str):
        return parse_unit(value)
    return _to_int(value)


def _to_maybe_string(value: object) -> str | None:
    return None if value is None else _to_string(value)


_CONVERT: Final[Mapping[Kind, Callable[[object], object]]] = {
    Kind.BOOL: _to_bool,
    Kind.STRING: _to_string,
    Kind.MAYBE_STRING: _to_maybe_string,
    Kind.INT: _to_int,
    Kind.FLOAT: _to_float,
    Kind.SIZE: _to_size,
}


def converted(param: Param, value: object, owner: str) -> object:
    """``value`` as the type of ``param``: booleans, numbers and sizes may come as strings.

    Raises:
        TypeEnforcementError: it cannot be read as that type.
    """
    try:
        return _CONVERT[param.kind](value)
    except (TypeError, ValueError, KeyError, UnitParseError, OverflowError) as err:
        raise TypeEnforcementError(
            f"{owner} parameter {param.name!r} has the value {value!r}, expected {param.kind}"
        ) from err


def _complaint(param: Param, value: object) -> str | None:
    if value in ("", None):
        return "a value" if param.required else None
    if param.allowed and value not in param.allowed:
        return "one of " + ", ".join(param.allowed)
    return param.check(value) if param.check else None


def check_value(param: Param, value: object, owner: str) -> object:
    """``value``, converted and checked.

    Raises:
        ParameterError: its text names the parameter, the value and what was expected.
    """
    result = converted(param, value, owner)
    expected = _complaint(param, result)
    if expected:
        raise ParameterError(
            f"{owner} parameter {param.name!r} has the value {result!r}, expected {expected}"
        )
    return result


def get_param(params: ParamSet, name: str) -> Param:
    """The parameter ``name``.

    Raises:
        ParameterError: there is none of that name.
    """
    try:
        return params.params[name]
    except KeyError:
        known = ", ".join(params.params) or "none"
        raise ParameterError(f"unknown {params.name} parameter {name!r}, known: {known}") from None


def check_values(params: ParamSet, values: Values) -> dict[str, object]:
    """``values`` converted and checked one by one; those given as ``default`` are left out.

    Raises:
        ParameterError: the first name or value that is not acceptable.
    """
    return {
        name: check_value(get_param(params, name), value, params.name)
        for name, value in values.items()
        if get_param(params, name) and value != DEFAULT
    }


def updated(params: ParamSet, old: Values, changes: Values) -> dict[str, object]:
    """The sparse mapping ``old`` with ``changes``; ``default`` forgets a value.

    Raises:
        ParameterError: as :func:`check_values`.
    """
    new = {**old, **check_values(params, changes)}
    for name, value in changes.items():
        if value == DEFAULT:
            new.pop(name, None)
    return new


def shortest(value: object) -> object:
    """A whole number without its ``.0``, as Ganeti's JSON has it; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def filled(*levels: Values) -> dict[str, object]:
    """One complete mapping; a later level wins over an earlier one."""
    result: dict[str, object] = {}
    for level in levels:
        result.update(level)
    return result


def check_complete(params: ParamSet, values: Values) -> None:
    """Look at a filled mapping: every value alone, then all together.

    Raises:
        ParameterError: the first contradiction.
    """
    check_values(params, values)
    for contradiction in params.together(values) if params.together else ():
        raise ParameterError(f"{params.name} parameters: {contradiction}")


def stored_errors(params: ParamSet, values: Values) -> list[str]:
    """What is wrong with a mapping found in the configuration; unknown names are let pass."""
    errors = []
    for name, value in values.items():
        try:
            if name in params.params:
                check_value(params.params[name], value, params.name)
        except GenericError as err:
            errors.append(str(err))
    return errors
