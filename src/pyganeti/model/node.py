"""A node."""

from .base import TaggedObject, sparse, values
from .params.kinds import Values
from .params.state import DiskState, HvState


class Node(TaggedObject, frozen=True, kw_only=True):
    """A machine of the cluster; at most one of the three role flags is set.

    Attributes:
        group: UUID of its node group.
        master_capable: may become master candidate.
        vm_capable: may have instances.
        ndparams: only what differs from its group.
        powered: as far as its out-of-band program said.
    """

    name: str
    primary_ip: str
    secondary_ip: str
    master_candidate: bool
    offline: bool
    drained: bool
    group: str
    master_capable: bool
    vm_capable: bool
    ndparams: Values = values()
    powered: bool
    hv_state_static: HvState = sparse()
    disk_state_static: DiskState = sparse()
