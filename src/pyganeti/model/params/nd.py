"""Node parameters.

Inheritance: built-in, cluster, node group, node. ``exclusive_storage`` stops at the group, since
all nodes of a group must agree. Source: gnt-cluster(8) and gnt-node(8).
"""

from typing import Final

import msgspec

from pyganeti.kit.mismatch import in_words
from pyganeti.model.errors import ParameterError

from . import kinds
from .checks import at_least, link, port
from .kinds import Kind, Param, Values, param_set

ND: Final = param_set(
    "node",
    (
        Param("cpu_speed", Kind.FLOAT, 1.0),
        Param("exclusive_storage", Kind.BOOL, False, title="ExclusiveStorage"),
        Param("oob_program", Kind.STRING, "", title="OutOfBandProgram"),
        Param("ovs", Kind.BOOL, False, title="OpenvSwitch"),
        Param("ovs_link", Kind.MAYBE_STRING, "", check=link, title="OpenvSwitchLink"),
        Param("ovs_name", Kind.MAYBE_STRING, "switch1", check=link, title="OpenvSwitchName"),
        Param("spindle_count", Kind.INT, 1, check=at_least(0), title="SpindleCount"),
        Param("ssh_port", Kind.INT, 22, check=port),
    ),
)

DEFAULTS: Final = ND.defaults
GROUP_ONLY: Final = frozenset({"exclusive_storage"})


class NdParams(msgspec.Struct, frozen=True, kw_only=True):
    """The complete parameters of a node, in the order in which lists print them."""

    oob_program: str
    spindle_count: int
    exclusive_storage: bool
    ovs: bool
    ovs_name: str | None
    ovs_link: str | None
    ssh_port: int
    cpu_speed: float


def to_dict(params: NdParams) -> dict[str, object]:
    """The parameters as they stand in JSON."""
    return {name: kinds.shortest(value) for name, value in msgspec.structs.asdict(params).items()}


def check_ndparams(values: Values, *, for_node: bool = False) -> dict[str, object]:
    """A user's values, converted and checked, ``default`` left out.

    Args:
        values: what the user gave.
        for_node: they are for one node, not for a group or the cluster.

    Raises:
        ParameterError: the first that is not acceptable.
    """
    refused = sorted(GROUP_ONLY & values.keys()) if for_node else []
    if refused:
        raise ParameterError(
            f"node parameter {refused[0]!r} can be set for a group or the cluster, not for a node"
        )
    return kinds.check_values(ND, values)


def updated_ndparams(old: Values, changes: Values, *, for_node: bool = False) -> dict[str, object]:
    """The sparse mapping ``old`` with a user's ``changes``; ``default`` forgets a value.

    Raises:
        ParameterError: as :func:`check_ndparams`.
    """
    check_ndparams(changes, for_node=for_node)
    return kinds.updated(ND, old, changes)


def fill_ndparams(cluster: Values, group: Values, node: Values) -> NdParams:
    """The complete parameters, from the sparse mappings of all levels.

    Raises:
        ParameterError: a stored value has the wrong type.
    """
    merged = kinds.filled(DEFAULTS, cluster, group, node)
    try:
        return msgspec.convert(merged, NdParams)
    except msgspec.ValidationError as err:
        raise ParameterError(f"stored node parameters {merged}: {in_words(str(err))}") from err
