"""Hypervisor parameters: the sets by hypervisor, and how the levels fill each other.

Inheritance: built-in, cluster, OS (per hypervisor), instance. Some parameters cannot be set for an
instance (``cluster_only``). Source: gnt-cluster(8) and gnt-instance(8).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pyganeti.model.enums import Hypervisor
from pyganeti.model.errors import ParameterError

from . import kinds
from .hv_container import CHROOT, FAKE, LXC
from .hv_kvm import KVM
from .hv_xen import XEN_HVM, XEN_PVM
from .kinds import ParamSet, Values

SETS: Final[Mapping[Hypervisor, ParamSet]] = MappingProxyType(
    {
        Hypervisor.CHROOT: CHROOT,
        Hypervisor.FAKE: FAKE,
        Hypervisor.KVM: KVM,
        Hypervisor.LXC: LXC,
        Hypervisor.XEN_HVM: XEN_HVM,
        Hypervisor.XEN_PVM: XEN_PVM,
    }
)

DEFAULTS: Final[Mapping[Hypervisor, Values]] = MappingProxyType(
    {hypervisor: params.defaults for hypervisor, params in SETS.items()}
)

CLUSTER_ONLY: Final = frozenset(
    param.name for params in SETS.values() for param in params.params.values() if param.cluster_only
)


def check_cluster_hvparams(hypervisor: Hypervisor, values: Values) -> dict[str, object]:
    """Values for the cluster or an OS, converted and checked one by one.

    Raises:
        ParameterError: the first that is not acceptable.
    """
    return kinds.check_values(SETS[hypervisor], values)


def updated_cluster_hvparams(
    hypervisor: Hypervisor, old: Values, changes: Values
) -> dict[str, object]:
    """The cluster's or an OS's sparse mapping with ``changes``; see :func:`kinds.updated`."""
    return kinds.updated(SETS[hypervisor], old, changes)


def check_instance_hvparams(hypervisor: Hypervisor, values: Values) -> dict[str, object]:
    """Values for an instance, converted and checked one by one.

    Raises:
        ParameterError: the first that is not acceptable, or that only the cluster can set.
    """
    _refuse_cluster_only(values)
    return kinds.check_values(SETS[hypervisor], values)


def updated_instance_hvparams(
    hypervisor: Hypervisor, old: Values, changes: Values
) -> dict[str, object]:
    """An instance's sparse mapping with ``changes``; ``default`` forgets a value.

    Raises:
        ParameterError: as :func:`check_instance_hvparams`.
    """
    _refuse_cluster_only(changes)
    return kinds.updated(SETS[hypervisor], old, changes)


def _refuse_cluster_only(values: Values) -> None:
    refused = sorted(CLUSTER_ONLY & values.keys())
    if refused:
        raise ParameterError(
            f"hypervisor parameter {refused[0]!r} can be set for the cluster, not for an instance"
        )


def fill_hvparams(
    hypervisor: Hypervisor, cluster: Values, os: Values, instance: Values
) -> dict[str, object]:
    """The complete mapping of one instance, each level the sparse mapping for ``hypervisor``."""
    return kinds.filled(DEFAULTS[hypervisor], cluster, os, instance)


def check_complete_hvparams(hypervisor: Hypervisor, values: Values) -> None:
    """Look at a filled mapping: each value, then all together.

    Raises:
        ParameterError: the first contradiction.
    """
    kinds.check_complete(SETS[hypervisor], values)


def node_checks(hypervisor: Hypervisor, values: Values) -> dict[str, kinds.NodeCheck]:
    """What the node must find at the values of a filled mapping; empty values need nothing."""
    return {
        name: param.node_check
        for name, param in SETS[hypervisor].params.items()
        if param.node_check and values.get(name)
    }
