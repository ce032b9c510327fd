"""A network that instances' NICs can belong to."""

from .base import TaggedObject


class Network(TaggedObject, frozen=True, kw_only=True):
    """An IPv4 network, with an IPv6 one beside it or not.

    Attributes:
        network: address and prefix length.
        mac_prefix: three pairs, for NICs in it.
        reservations: one character an address, ``1`` for taken by the cluster.
        ext_reservations: the same, for addresses taken outside it.
    """

    name: str
    network: str
    mac_prefix: str | None = None
    network6: str | None = None
    gateway: str | None = None
    gateway6: str | None = None
    reservations: str | None = None
    ext_reservations: str | None = None
