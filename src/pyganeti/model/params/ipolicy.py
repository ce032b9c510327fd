"""Instance policy: between which sizes instances may be, and what their nodes may carry.

The cluster's policy is complete; a group's is sparse and has no ``std``. Inheritance: built-in,
cluster, node group. Source: gnt-cluster(8), ``--ipolicy-*``.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from pyganeti.kit.mismatch import in_words
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ParameterError

from .kinds import DEFAULT, Kind, Param, Values, converted, shortest

KEYS: Final = ("disk-templates", "minmax", "spindle-ratio", "std", "vcpu-ratio")


class ISpec(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """One size of an instance; MiB for memory and for each disk."""

    memory_size: int
    cpu_count: int
    disk_count: int
    disk_size: int
    nic_count: int
    spindle_use: int


class MinMaxISpecs(msgspec.Struct, frozen=True, kw_only=True):
    """A range of sizes; an instance passes when it fits one of the policy's ranges."""

    min: ISpec
    max: ISpec


class FilledIPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A complete policy."""

    minmax: tuple[MinMaxISpecs, ...]
    std: ISpec
    spindle_ratio: float
    vcpu_ratio: float
    disk_templates: tuple[DiskTemplate, ...]


class PartialIPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """What a level says of its own; what is ``None`` comes from the level above."""

    minmax: tuple[MinMaxISpecs, ...] | None = None
    std: Mapping[str, int] | None = None
    spindle_ratio: float | None = None
    vcpu_ratio: float | None = None
    disk_templates: tuple[DiskTemplate, ...] | None = None


SPEC_KEYS: Final = tuple(field.encode_name for field in msgspec.structs.fields(ISpec))

_STD: Final = ISpec(
    memory_size=128, cpu_count=1, disk_count=1, disk_size=1024, nic_count=1, spindle_use=1
)
_MAX: Final = ISpec(
    memory_size=32768, cpu_count=8, disk_count=16, disk_size=1048576, nic_count=8, spindle_use=12
)

DEFAULT_IPOLICY: Final = FilledIPolicy(
    minmax=(MinMaxISpecs(min=_STD, max=_MAX),),
    std=_STD,
    spindle_ratio=32.0,
    vcpu_ratio=4.0,
    disk_templates=tuple(DiskTemplate),
)


def to_dict(policy: FilledIPolicy | PartialIPolicy) -> dict[str, object]:
    """The policy as it stands in JSON."""
    # A struct with field names always becomes a mapping by them.
    result: dict[str, object] = msgspec.json.decode(msgspec.json.encode(policy))
    return {key: shortest(value) for key, value in result.items()}


DEFAULTS: Final[Values] = to_dict(DEFAULT_IPOLICY)

_OWNER: Final = "instance policy"


def _spec(value: object, what: str, *, partial: bool = False) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise ParameterError(f"{_OWNER} {what} has the value {value!r}, expected a mapping")
    unknown = sorted(set(value) - set(SPEC_KEYS))
    missing = sorted(set(SPEC_KEYS) - set(value))
    if unknown or (missing and not partial):
        which = f"unknown key {unknown[0]!r}" if unknown else f"no {missing[0]!r}"
        raise ParameterError(f"{_OWNER} {what} has {which}, expected {', '.join(SPEC_KEYS)}")
    return {key: _spec_value(key, value[key], what) for key in SPEC_KEYS if key in value}


def _spec_value(key: str, value: object, what: str) -> int:
    kind = Kind.SIZE if key in ("memory-size", "disk-size") else Kind.INT
    number = converted(Param(key, kind, 0), value, f"{_OWNER} {what}")
    if not isinstance(number, int) or number < 0:
        raise ParameterError(f"{_OWNER} {what} {key!r} has the value {value!r}, expected 0 or more")
    return number


def _minmax(value: object) -> list[dict[str, dict[str, int]]]:
    if not isinstance(value, list | tuple) or not value:
        raise ParameterError(
            f"{_OWNER} 'minmax' has the value {value!r}, expected a list of min and max"
        )
    ranges = []
    for pair in value:
        if not isinstance(pair, Mapping) or set(pair) != {"min", "max"}:
            raise ParameterError(f"{_OWNER} 'minmax' holds {pair!r}, expected min and max")
        ranges.append({end: _spec(pair[end], end) for end in ("max", "min")})
    return ranges


def _ratio(key: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        number = converted(Param(key, Kind.FLOAT, 0.0), value, _OWNER)
        if not isinstance(number, float) or number <= 0:
            raise ParameterError(f"{_OWNER} {key!r} has the value {value!r}, expected above 0")
        return shortest(number)

    return check


def _templates(value: object) -> list[str]:
    known = set(DiskTemplate)
    if not isinstance(value, list | tuple) or not value or not all(t in known for t in value):
        raise ParameterError(
            f"{_OWNER} 'disk-templates' has the value {value!r}, "
            f"expected a list of {', '.join(DiskTemplate)}"
        )
    return [str(template) for template in value]


_CHECKS: Final[Mapping[str, Callable[[object], object]]] = {
    "disk-templates": _templates,
    "minmax": _minmax,
    "spindle-ratio": _ratio("spindle-ratio"),
    "std": lambda value: _spec(value, "std", partial=True),
    "vcpu-ratio": _ratio("vcpu-ratio"),
}


def check_ipolicy(values: Values, *, for_group: bool = False) -> dict[str, object]:
    """A user's policy, converted and checked key by key, ``default`` left out.

    Raises:
        ParameterError: an unknown key, ``std`` for a group, or a value that is not acceptable.
    """
    known = [key for key in KEYS if not (for_group and key == "std")]
    for key in values:
        if key not in known:
            where = " of a group" if for_group else ""
            raise ParameterError(
                f"unknown key {key!r} in the {_OWNER}{where}, known: {', '.join(known)}"
            )
    return {key: _CHECKS[key](value) for key, value in values.items() if value != DEFAULT}


def updated_ipolicy(old: Values, changes: Values, *, for_group: bool = False) -> dict[str, object]:
    """The sparse policy ``old`` with a user's ``changes``; ``default`` forgets a key.

    ``std`` is changed key by key, the others as a whole.

    Raises:
        ParameterError: as :func:`check_ipolicy`.
    """
    new = {**old, **check_ipolicy(changes, for_group=for_group)}
    std, old_std = new.get("std"), old.get("std")
    if isinstance(std, Mapping) and isinstance(old_std, Mapping):
        new["std"] = {**old_std, **std}
    for key, value in changes.items():
        if value == DEFAULT:
            new.pop(key, None)
    return new


def fill_ipolicy(cluster: Values, group: Values) -> FilledIPolicy:
    """The complete policy of a group; an empty ``group`` gives the cluster's.

    Raises:
        ParameterError: what is stored is not a policy.
    """
    merged = {**DEFAULTS, **cluster, **group}
    std, default_std = merged["std"], DEFAULTS["std"]
    if isinstance(std, Mapping) and isinstance(default_std, Mapping):
        merged["std"] = {**default_std, **std}
    try:
        return msgspec.convert(merged, FilledIPolicy)
    except msgspec.ValidationError as err:
        raise ParameterError(f"stored {_OWNER}: {in_words(str(err))}") from err


def check_complete_ipolicy(policy: FilledIPolicy, *, for_group: bool = False) -> None:
    """What single keys cannot tell: min <= max in each range, and min <= std <= max in one.

    Of a group the latter is not asked: ``std`` is the cluster's, and is of use there only.

    Raises:
        ParameterError: the first contradiction.
    """
    for minmax in policy.minmax:
        low, high = _numbers(minmax.min), _numbers(minmax.max)
        for key in SPEC_KEYS:
            if low[key] > high[key]:
                raise ParameterError(
                    f"{_OWNER} {key!r}: min is {low[key]}, which is above max, {high[key]}"
                )
    if not for_group:
        _check_std(policy)


def _check_std(policy: FilledIPolicy) -> None:
    std = _numbers(policy.std)
    fits = (
        all(_numbers(pair.min)[k] <= std[k] <= _numbers(pair.max)[k] for k in SPEC_KEYS)
        for pair in policy.minmax
    )
    if not any(fits):
        raise ParameterError(f"{_OWNER}: std {std} lies in no range of minmax")


def _numbers(spec: ISpec) -> dict[str, int]:
    return dict(zip(SPEC_KEYS, msgspec.structs.astuple(spec), strict=True))
