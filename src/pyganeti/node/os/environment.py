"""The environment of OS scripts. Pure.

Source: ganeti-os-interface(7), COMMON ENVIRONMENT; INVENTORY of variables in the facts.
"""

from typing import Any, Final

from pyganeti.model.state_disks import is_state
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.wire.noderpc.specs import (
    InstanceSpec,
    NicSpec,
)
from pyganeti.wire.noderpc.struct import Params

from .definition import OsDefinition

PATH: Final = "/sbin:/bin:/usr/sbin:/usr/bin"
_FILES: Final = ("file", "sharedfile", "gluster")


def core(definition: OsDefinition, name: str, osparams: Params, debug: int) -> dict[str, str]:
    """Variables of every script: the OS, its variant and parameters (``OSP_*``)."""
    _base, _plus, variant = name.partition("+")
    if not variant and definition.variants:
        variant = definition.variants[0]
    found = {
        "PATH": PATH,
        "OS_API_VERSION": str(definition.api_version),
        "OS_NAME": definition.name,
        "DEBUG_LEVEL": str(debug),
    }
    if definition.variants or variant:
        found["OS_VARIANT"] = variant
    return found | {f"OSP_{key.upper()}": _text(value) for key, value in osparams.items()}


def for_instance(
    definition: OsDefinition,
    instance: InstanceSpec,
    disks: tuple[GuestDisk, ...],
    *,
    debug: int = 0,
) -> dict[str, str]:
    """Variables of the scripts that work on an instance. Private parameters are among them."""
    osparams = {**instance.osparams, **instance.osparams_private}
    # What firmware and TPM remember is no matter of the OS's.
    disks = tuple(disk for disk in disks if not is_state(disk.spec.name))
    found = core(definition, instance.os, osparams, debug) | {
        "INSTANCE_NAME": instance.name,
        "INSTANCE_OS": instance.os,
        "INSTANCE_UUID": instance.uuid,
        "INSTANCE_CTIME": _text(instance.ctime),
        "INSTANCE_MTIME": _text(instance.mtime),
        "INSTANCE_PRIMARY_NODE": instance.primary_node_name or instance.primary_node,
        "INSTANCE_SECONDARY_NODES": " ".join(instance.secondary_nodes),
        "HYPERVISOR": instance.hypervisor,
        "DISK_COUNT": str(len(disks)),
        "NIC_COUNT": str(len(instance.nics)),
    }
    for index, disk in enumerate(disks):
        found |= _disk(f"DISK_{index}_", disk, instance.hvparams)
    for index, nic in enumerate(instance.nics):
        found |= _nic(f"NIC_{index}_", nic, instance.hvparams)
    backend = {f"INSTANCE_BE_{key}": _text(value) for key, value in instance.beparams.items()}
    hypervisor = {f"INSTANCE_HV_{key}": _text(value) for key, value in instance.hvparams.items()}
    return found | backend | hypervisor


def for_dump(role: str, device: GuestDisk, index: int) -> dict[str, str]:
    """What the scripts ``export`` and ``import`` get besides, about the disk that is theirs.

    Args:
        role: ``EXPORT`` or ``IMPORT``.
        device: what is to be read or written.
        index: of the disk.
    """
    found = {
        f"{role}_INDEX": str(index),
        f"{role}_DEVICE": device.link,
        f"{role}_DISK_PATH": device.link,
    }
    return found | ({f"{role}_DISK_URI": device.uri} if device.uri else {})


def _disk(prefix: str, disk: GuestDisk, hvp: Params) -> dict[str, str]:
    found = {
        "PATH": disk.link,
        "URI": disk.uri,
        "ACCESS": disk.spec.mode,
        "UUID": disk.spec.uuid,
        "NAME": disk.spec.name or "",
        "SIZE": str(disk.spec.size),
        "FRONTEND_TYPE": _text(hvp.get("disk_type", "")),
        "BACKEND_TYPE": _backend(disk),
    }
    optional = ("URI", "NAME", "FRONTEND_TYPE")
    return {f"{prefix}{key}": value for key, value in found.items() if value or key not in optional}


def _backend(disk: GuestDisk) -> str:
    if disk.spec.dev_type in _FILES:
        return f"file:{disk.spec.logical_id[0]}"
    return "block"


def _nic(prefix: str, nic: NicSpec, hvp: Params) -> dict[str, str]:
    found = {
        "MAC": nic.mac,
        "UUID": nic.uuid,
        "NAME": nic.name or "",
        "IP": nic.ip or "",
        "MODE": nic.mode,
        "LINK": nic.link,
        "BRIDGE": nic.link if nic.mode == "bridged" else "",
        "FRONTEND_TYPE": _text(hvp.get("nic_type", "")),
    }
    if nic.network is not None:
        found |= {
            "NETWORK_NAME": nic.network.name,
            "NETWORK_UUID": nic.network.uuid,
            "NETWORK_SUBNET": nic.network.network,
            "NETWORK_GATEWAY": nic.network.gateway or "",
            "NETWORK_SUBNET6": nic.network.network6 or "",
            "NETWORK_GATEWAY6": nic.network.gateway6 or "",
            "NETWORK_MAC_PREFIX": nic.network.mac_prefix or "",
            "NETWORK_TAGS": " ".join(nic.network.tags),
        }
    return {f"{prefix}{key}": value for key, value in found.items() if value}


def _text(value: Any) -> str:  # Any: parameter values are strings, numbers, booleans or null
    return "" if value is None else str(value)
