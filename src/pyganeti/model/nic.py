"""A network interface of an instance, as it stands in the instance's ``nics``."""

from .base import Part, values
from .params.kinds import Values


class Nic(Part, frozen=True, kw_only=True):
    """A NIC; ``nicparams`` holds only what differs from the cluster (``PartialNic``).

    Attributes:
        mac: lower case, six pairs.
        ip: an IP address, if it has one.
        network: UUID of the network it belongs to.
        name: a name given by the user, unique within the instance.
    """

    mac: str
    uuid: str
    ip: str | None = None
    network: str | None = None
    name: str | None = None
    nicparams: Values = values()
