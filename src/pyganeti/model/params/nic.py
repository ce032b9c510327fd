"""Network interface parameters: how a NIC is connected to its node.

Inheritance: built-in, cluster, NIC. Source: gnt-instance(8), ``--net``.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from pyganeti.kit.mismatch import in_words
from pyganeti.model.enums import NicMode
from pyganeti.model.errors import ParameterError

from . import kinds
from .checks import link, vlans
from .kinds import Kind, Param, Values, param_set


def contradictions(values: Values) -> Iterator[str]:
    """What in a complete mapping cannot be true together."""
    if values["mode"] != NicMode.ROUTED and not values["link"]:
        yield f"mode is {values['mode']}, so link must name a bridge or switch"
    if values["vlan"] and values["mode"] == NicMode.ROUTED:
        yield "vlan is set, but mode is routed"


NIC: Final = param_set(
    "NIC",
    (
        Param("link", Kind.STRING, "xen-br0", check=link),
        Param("mode", Kind.STRING, "bridged", required=True, allowed=tuple(NicMode)),
        Param("vlan", Kind.STRING, "", check=vlans),
    ),
    contradictions,
)

DEFAULTS: Final = NIC.defaults


class NicParams(msgspec.Struct, frozen=True, kw_only=True):
    """The complete parameters of a NIC."""

    mode: NicMode
    link: str
    vlan: str = ""


def check_nicparams(values: Values) -> dict[str, object]:
    """A user's values, converted and checked, ``default`` left out.

    Raises:
        ParameterError: the first that is not acceptable.
    """
    return kinds.check_values(NIC, values)


def updated_nicparams(old: Values, changes: Values) -> dict[str, object]:
    """The sparse mapping ``old`` with a user's ``changes``; ``default`` forgets a value.

    Raises:
        ParameterError: as :func:`check_nicparams`.
    """
    return kinds.updated(NIC, old, changes)


def fill_nicparams(cluster: Values, nic: Values) -> NicParams:
    """The complete parameters, from the sparse mappings of all levels.

    Raises:
        ParameterError: a stored value has the wrong type.
    """
    merged = kinds.filled(DEFAULTS, cluster, nic)
    try:
        return msgspec.convert(merged, NicParams)
    except msgspec.ValidationError as err:
        raise ParameterError(f"stored NIC parameters {merged}: {in_words(str(err))}") from err


def check_complete_nicparams(params: NicParams) -> None:
    """What single values cannot tell.

    Raises:
        ParameterError: the first contradiction.
    """
    kinds.check_complete(NIC, msgspec.structs.asdict(params))
