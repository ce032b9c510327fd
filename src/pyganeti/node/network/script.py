"""The site's own script for interfaces: its environment. Pure.

Where ``/etc/ganeti/kvm-vif-bridge`` exists, it does what bridging and routing would, with all it
may want to know in its environment. Source: nicparams.json, ``setup_script_env``.
"""

from typing import Final

from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NetworkSpec,
)

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(instance: InstanceSpec, index: int, name: str, action: str) -> dict[str, str]:
    """Environment for NIC ``index``; ``action`` is ``up`` or ``down``. What is unset is absent."""
    nic = instance.nics[index]
    values = {
        "PATH": PATH,
        "ACTION": action,
        "INSTANCE": instance.name,
        "MAC": nic.mac,
        "MODE": nic.mode,
        "INTERFACE": name,
        "INTERFACE_INDEX": str(index),
        "INTERFACE_UUID": nic.uuid,
        "INTERFACE_NAME": nic.name or "",
        "TAGS": " ".join(instance.tags),
        "IP": nic.ip or "",
        "LINK": nic.link,
        "VLAN": nic.vlan,
        "BRIDGE": nic.link if nic.mode == "bridged" else "",
        **(_network(nic.network) if nic.network else {}),
    }
    return {key: value for key, value in values.items() if value or key == "TAGS"}


def _network(network: NetworkSpec) -> dict[str, str]:
    return {
        "NETWORK_NAME": network.name,
        "NETWORK_UUID": network.uuid,
        "NETWORK_TAGS": " ".join(network.tags),
        "NETWORK_SUBNET": network.network,
        "NETWORK_GATEWAY": network.gateway or "",
        "NETWORK_SUBNET6": network.network6 or "",
        "NETWORK_GATEWAY6": network.gateway6 or "",
        "NETWORK_MAC_PREFIX": network.mac_prefix or "",
    }
