"""The network and the NICs by which instances ask their node for metadata. Pure.

Source: gnt-cluster(8) ``--instance-communication-network``, gnt-instance(8) ``--communication``;
``docs/design/0016-communication.md``.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from .address_pool import new_pool, with_outside
from .instance import Instance
from .network import Network

PREFIX: Final = "ganeti:communication:"
"""What the names of communication NICs begin with; the instance's name follows."""

SERVICE_IP: Final = "169.254.169.254"
"""Where an instance finds the metadata daemon of its node."""

SERVICE_MAC: Final = "fe:00:a9:fe:a9:fe"
"""The hardware address behind it, on every node: an instance that moves need not look for it."""

HELPER_IP: Final = "169.254.169.253"
"""What a guest that runs an untrusted script has, on each node: see page 0018."""

NETWORK4: Final = "169.254.0.0/16"
NETWORK6: Final = "fe80::/10"
MAC_PREFIX: Final = "52:54:00"
CONNECTION: Final[Mapping[str, object]] = {
    "mode": "routed",
    "link": "communication_rt",
    "vlan": "",
}


def nic_name(instance: str) -> str:
    """The name of an instance's communication NIC."""
    return PREFIX + instance


def is_communication(name: str | None) -> bool:
    """Whether a NIC of this name is for communication."""
    return name is not None and name.startswith(PREFIX)


def new_network(name: str) -> Network:
    """A network for communication, without a UUID; no instance gets the address of the service."""
    network = Network(
        uuid="", name=name, network=NETWORK4, network6=NETWORK6, mac_prefix=MAC_PREFIX
    )
    return with_outside(new_pool(network), [SERVICE_IP], ())


def is_fit(network: Network) -> bool:
    """Whether instances can communicate in a network that somebody else made."""
    return (network.network, network.gateway) == (NETWORK4, None)


def renamed(instance: Instance, name: str) -> Instance:
    """``instance`` under another name, which its communication NIC has too."""
    nics = tuple(
        msgspec.structs.replace(nic, name=nic_name(name)) if is_communication(nic.name) else nic
        for nic in instance.nics
    )
    return msgspec.structs.replace(instance, name=name, nics=nics)
