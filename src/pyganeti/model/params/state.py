"""Static hypervisor and disk state: what an administrator says a node has beside the guests.

``hv_state`` maps hypervisor to values, ``disk_state`` maps storage type and unit name to values.
Inheritance: built-in, cluster, node group, node. Source: gnt-node(8), ``--hypervisor-state``.
"""

from collections.abc import Mapping
from typing import Final

from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.errors import ParameterError

from . import kinds
from .checks import at_least
from .kinds import Kind, Param, Values, param_set

HV_STATE: Final = param_set(
    "hypervisor state",
    (
        Param("cpu_node", Kind.INT, 1, check=at_least(0)),
        Param("cpu_total", Kind.INT, 1, check=at_least(0)),
        Param("mem_hv", Kind.SIZE, 0, check=at_least(0)),
        Param("mem_node", Kind.SIZE, 0, check=at_least(0)),
        Param("mem_total", Kind.SIZE, 0, check=at_least(0)),
    ),
)

DISK_STATE: Final = param_set(
    "disk state",
    (
        Param("disk_overhead", Kind.SIZE, 0, check=at_least(0)),
        Param("disk_reserved", Kind.SIZE, 0, check=at_least(0)),
        Param("disk_total", Kind.SIZE, 0, check=at_least(0)),
    ),
)

DISK_STATE_TYPES: Final = (DiskTemplate.PLAIN,)

HvState = Mapping[str, Values]
DiskState = Mapping[str, Mapping[str, Values]]


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    raise ParameterError(f"{what} has the value {value!r}, expected a mapping")


def updated_hv_state(old: HvState, changes: Values) -> dict[str, dict[str, object]]:
    """``old`` with a user's ``changes`` by hypervisor; ``default`` forgets a value.

    Raises:
        ParameterError: an unknown hypervisor, or a value that is not acceptable.
    """
    result = {name: dict(values) for name, values in old.items()}
    for name, values in changes.items():
        if name not in set(Hypervisor):
            raise ParameterError(
                f"hypervisor state for {name!r}, expected one of {', '.join(Hypervisor)}"
            )
        change = _mapping(values, f"hypervisor state of {name}")
        result[name] = kinds.updated(HV_STATE, result.get(name, {}), change)
    return result


def updated_disk_state(old: DiskState, changes: Values) -> dict[str, dict[str, dict[str, object]]]:
    """``old`` with a user's ``changes`` by storage type and unit; ``default`` forgets a value.

    Raises:
        ParameterError: an unknown storage type, or a value that is not acceptable.
    """
    result = {kind: {n: dict(v) for n, v in units.items()} for kind, units in old.items()}
    for kind, units in changes.items():
        if kind not in DISK_STATE_TYPES:
            raise ParameterError(
                f"disk state for {kind!r}, expected one of {', '.join(DISK_STATE_TYPES)}"
            )
        stored = result.setdefault(kind, {})
        for name, values in _mapping(units, f"disk state of {kind}").items():
            change = _mapping(values, f"disk state of {kind} {name}")
            stored[name] = kinds.updated(DISK_STATE, stored.get(name, {}), change)
    return result


def fill_hv_state(*levels: HvState) -> dict[str, dict[str, object]]:
    """For each hypervisor that any level names, the complete values."""
    names = sorted({name for level in levels for name in level})
    return {
        name: kinds.filled(HV_STATE.defaults, *(level.get(name, {}) for level in levels))
        for name in names
    }


def fill_disk_state(*levels: DiskState) -> dict[str, dict[str, dict[str, object]]]:
    """For each storage type and unit that any level names, the complete values."""
    pairs = sorted({(kind, name) for level in levels for kind in level for name in level[kind]})
    result: dict[str, dict[str, dict[str, object]]] = {}
    for kind, name in pairs:
        values = (level.get(kind, {}).get(name, {}) for level in levels)
        result.setdefault(kind, {})[name] = kinds.filled(DISK_STATE.defaults, *values)
    return result
