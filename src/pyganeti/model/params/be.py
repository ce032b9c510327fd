"""Backend parameters: what a guest gets of memory and CPUs.

Inheritance: built-in, cluster, instance. ``memory`` is the old name for both memory sizes.
Source: gnt-instance(8), backend parameters.
"""

from typing import Final

import msgspec

from pyganeti.kit.mismatch import in_words
from pyganeti.model.errors import ParameterError

from . import kinds
from .checks import at_least
from .kinds import Kind, Param, Values, param_set

MEMORY: Final = "memory"
_BOTH_SIZES: Final = ("maxmem", "minmem")

BE: Final = param_set(
    "backend",
    (
        Param("always_failover", Kind.BOOL, False),
        Param("auto_balance", Kind.BOOL, True, title="Auto_balance"),
        Param("maxmem", Kind.SIZE, 128, check=at_least(1), title="ConfigMaxMem"),
        Param("minmem", Kind.SIZE, 128, check=at_least(1), title="ConfigMinMem"),
        Param("spindle_use", Kind.INT, 1, check=at_least(0)),
        Param("vcpus", Kind.INT, 1, check=at_least(1), title="ConfigVCPUs"),
    ),
)

DEFAULTS: Final = BE.defaults


class BeParams(msgspec.Struct, frozen=True, kw_only=True):
    """The complete backend parameters of an instance; sizes in MiB."""

    always_failover: bool
    auto_balance: bool
    maxmem: int
    minmem: int
    spindle_use: int
    vcpus: int


def _expanded(values: Values) -> dict[str, object]:
    """``values`` with ``memory`` replaced by the two sizes it stands for."""
    result = dict(values)
    if MEMORY in result:
        memory = result.pop(MEMORY)
        clash = sorted(set(_BOTH_SIZES) & result.keys())
        if clash:
            raise ParameterError(f"give either 'memory' or {clash[0]!r}, not both")
        result.update(dict.fromkeys(_BOTH_SIZES, memory))
    return result


def check_beparams(values: Values) -> dict[str, object]:
    """A user's values, converted and checked, ``memory`` expanded, ``default`` left out.

    Raises:
        ParameterError: the first that is not acceptable.
    """
    return kinds.check_values(BE, _expanded(values))


def updated_beparams(old: Values, changes: Values) -> dict[str, object]:
    """The sparse mapping ``old`` with a user's ``changes``; ``default`` forgets a value.

    Raises:
        ParameterError: as :func:`check_beparams`.
    """
    return kinds.updated(BE, old, _expanded(changes))


def fill_beparams(cluster: Values, instance: Values) -> BeParams:
    """The complete parameters, from the sparse mappings of all levels.

    Raises:
        ParameterError: a stored value has the wrong type.
    """
    merged = kinds.filled(DEFAULTS, cluster, instance)
    try:
        return msgspec.convert(merged, BeParams)
    except msgspec.ValidationError as err:
        raise ParameterError(f"stored backend parameters {merged}: {in_words(str(err))}") from err


def check_complete_beparams(params: BeParams) -> None:
    """What single values cannot tell.

    Raises:
        ParameterError: less may be used at most than at least.
    """
    if params.maxmem < params.minmem:
        raise ParameterError(
            f"minmem ({params.minmem} MiB) is higher than maxmem ({params.maxmem} MiB)"
        )
