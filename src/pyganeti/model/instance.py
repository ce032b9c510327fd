"""An instance."""

from .base import TaggedObject, always, values
from .enums import AdminState, AdminStateSource, Hypervisor
from .nic import Nic
from .params.kinds import Values


class Instance(TaggedObject, frozen=True, kw_only=True):
    """An instance; its parameter mappings hold only what differs from the levels above.

    Attributes:
        primary_node: UUID of the node it runs on.
        os: OS definition and variant, ``name+variant``.
        disks: UUIDs, in order.
        disks_active: the disks should be assembled on the primary node.
        network_port: TCP port of its display, where the hypervisor needs one.
        forthcoming: reserved only; nothing exists on a node.
    """

    name: str
    primary_node: str
    os: str
    hypervisor: Hypervisor
    hvparams: Values = values()
    beparams: Values = values()
    osparams: Values = values()
    osparams_private: Values = values()
    admin_state: AdminState
    admin_state_source: AdminStateSource
    nics: tuple[Nic, ...] = always(())
    disks: tuple[str, ...] = always(())
    disks_active: bool
    network_port: int | None = None
    forthcoming: bool = False
