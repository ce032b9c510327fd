"""What move-instance asks of the clusters: from an instance's description to requests. Pure."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyganeti.model.errors import GenericError

from .options import Json, Parameters

_REDACTED: Final = "<redacted>"
# Of a NIC's description, by place; the seventh is the network's UUID, which is its cluster's own.
_NIC_KEYS: Final = ("name", "uuid", "ip", "mac", "mode", "link", "vlan", "network", "netinfo")
_NETWORKED: Final = ("mode", "link", "vlan")
_GENERATED: Final = "generate"


class PlanError(GenericError):
    """An instance cannot be moved like this."""


def creation(info: Json, ready: Json, options: argparse.Namespace, *, opportunistic: bool) -> Json:
    """The request that makes the instance at the destination.

    Args:
        info: the instance at the source, from OP_INSTANCE_QUERY_DATA.
        ready: what OP_BACKUP_PREPARE answered.
        options: from :func:`options.parse`.
        opportunistic: only nodes that are not locked.

    Raises:
        PlanError: what it needs is secret and was not given, or a NIC is left out.
    """
    if not info["disks"]:
        raise PlanError("it has no disks, and nothing would be sent")
    wanted = {
        "__version__": 1, "mode": "remote-import", "name": destination_name(info, options),
        "os": info["os"], "hypervisor": info["hypervisor"],
        "disk_template": options.dest_disk_template or info["disk_template"],
        "disks": [_disk(disk) for disk in info["disks"]], "nics": _nics(info, options.nics),
        "beparams": _merged(info["be_instance"], options.beparams),
        "hvparams": _merged(info["hv_instance"], options.hvparams),
        "osparams": _os_parameters(info, options.osparams),
        "start": info["config_state"] == "up", "ip_check": False, "name_check": False,
        "source_handshake": ready["handshake"], "source_x509_ca": ready["x509_ca"],
        "source_instance_name": info["name"], "compress": options.compress,
        "pnode": options.dest_primary_node, "snode": options.dest_secondary_node,
        "iallocator": options.iallocator, "opportunistic_locking": opportunistic or None,
    }  # fmt: skip
    return {key: value for key, value in wanted.items() if value is not None}


def destination_name(info: Json, options: argparse.Namespace) -> str:
    """How it is called in the end."""
    return str(options.dest_instance_name or info["name"])


def export(ready: Json, listening: Json, options: argparse.Namespace) -> Json:
    """The request that sends the disks: where to is what the destination's job told."""
    wanted = {
        "mode": "remote", "destination": listening["disks"], "shutdown": True,
        "remove_instance": not options.keep_source_instance, "compress": options.compress,
        "x509_key_name": ready["x509_key_name"], "destination_x509_ca": listening["x509_ca"],
    }  # fmt: skip
    # One that goes on afterwards is down while it is sent, if its disks have no snapshots.
    return wanted | ({"long_sleep": True} if options.keep_source_instance else {})


def failure(results: Sequence[Any]) -> tuple[str, str]:
    """Why a job failed, from the results of its opcodes: text, and Ganeti's code or nothing."""
    for result in results:
        if isinstance(result, list) and len(result) == 2 and isinstance(result[1], list):
            parts = [str(part) for part in result[1]]
            return (parts or [str(result[0])])[0], (parts[1] if len(parts) > 1 else "")
        if isinstance(result, str) and result:
            return result, ""
    return "it says no reason", ""


def _disk(disk: Json) -> Json:
    found = {"size": disk["size"], "mode": disk["mode"]}
    more = {key: disk[key] for key in ("name", "spindles") if disk.get(key) is not None}
    return found | more


def _merged(given: Mapping[str, Any], changes: Parameters) -> Json:
    """The instance's own parameters with changes; ``None`` goes back to the cluster's."""
    found = {**given, **changes}
    return {key: value for key, value in found.items() if value is not None}


def _os_parameters(info: Json, changes: Parameters) -> Json:
    found = _merged(info["os_instance"], changes)
    hidden = sorted(key for key, value in found.items() if value == _REDACTED)
    if hidden:
        text = f"its private OS parameters {', '.join(hidden)} are not told to anybody"
        raise PlanError(f"{text}: remove them first, and set them at the destination")
    return found


def _nics(info: Json, changes: Mapping[int, Parameters]) -> list[Json]:
    found = [_nic(dict(zip(_NIC_KEYS, nic, strict=False))) for nic in info["nics"]]
    for index in sorted(changes):
        if index > len(found):
            raise PlanError(f"NIC {index} would follow NIC {len(found) - 1}, with none between")
        if index == len(found):
            found.append({"mac": _GENERATED})
        # A network brings these with it.
        gone: tuple[str, ...] = _NETWORKED if changes[index].get("network") else ()
        if any(key in changes[index] for key in ("mode", "link")):
            gone = ("network",)
        kept = {key: value for key, value in found[index].items() if key not in gone}
        found[index] = _merged(kept, changes[index])
    return found


def _nic(nic: Json) -> Json:
    keys = ["name", "ip", "mac"]
    if nic.get("netinfo"):
        nic["network"] = nic["netinfo"]["name"]
        keys.append("network")
    else:
        keys += _NETWORKED
    return {key: nic[key] for key in keys if nic.get(key) not in (None, "")}
