"""A node group."""

from collections.abc import Mapping

from .base import TaggedObject, always, sparse, values
from .enums import AllocPolicy
from .params.disk import DiskParams
from .params.kinds import Values
from .params.state import DiskState, HvState


class NodeGroup(TaggedObject, frozen=True, kw_only=True):
    """Nodes that share a storage network; its mappings hold only what differs from the cluster.

    Attributes:
        members: kept as it was read; which nodes belong to it, the nodes themselves say.
        networks: NIC parameters by the UUID of each connected network.
    """

    name: str
    members: tuple[str, ...] = always(())
    ndparams: Values = values()
    alloc_policy: AllocPolicy
    ipolicy: Values = values()
    diskparams: DiskParams = values()
    networks: Mapping[str, Values] = values()
    hv_state_static: HvState = sparse()
    disk_state_static: DiskState = sparse()
