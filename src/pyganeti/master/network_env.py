"""Variables that describe a network to hooks, without a prefix. Source: hook facts."""

from pyganeti.model.network import Network

_SEPARATOR = " "


def network_env(network: Network) -> dict[str, str]:
    """What is not set is empty."""
    return {
        "NETWORK_NAME": network.name,
        "NETWORK_UUID": network.uuid,
        "NETWORK_TAGS": _SEPARATOR.join(network.tags),
        "NETWORK_SUBNET": network.network,
        "NETWORK_GATEWAY": network.gateway or "",
        "NETWORK_SUBNET6": network.network6 or "",
        "NETWORK_GATEWAY6": network.gateway6 or "",
        "NETWORK_MAC_PREFIX": network.mac_prefix or "",
    }
