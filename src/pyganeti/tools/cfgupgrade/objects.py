"""Nodes, instances and disks of former versions as they are now. Pure.

Each function changes what it is given and leaves alone what is so already: what counts is how the
configuration looks, not which version it says it is of. Source: configurations before and after
Ganeti's tool of this name, in ``tests/golden/cfgupgrade``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pyganeti.kit.ids import Ids
from pyganeti.model.enums import DiskTemplate

# Any, here and below: JSON of a shape that is not known yet.
Config = dict[str, Any]

# Before 2.12 volumes were called by what makes them.
_TYPES: Final = {"lvm": DiskTemplate.PLAIN.value, "drbd8": DiskTemplate.DRBD.value}
# Reached from anywhere, or from where only their makers know.
_NOWHERE: Final = frozenset(
    {
        DiskTemplate.SHAREDFILE,
        DiskTemplate.GLUSTER,
        DiskTemplate.BLOCKDEV,
        DiskTemplate.RBD,
        DiskTemplate.EXT,
    }
)
_COMPUTED: Final = ("disk_template", "secondary_nodes", "disks_info")


def key_nodes_by_uuid(config: Config) -> None:
    """Before 2.9 nodes were known by their names."""
    nodes = config["nodes"]
    uuids = {name: node["uuid"] for name, node in nodes.items() if name != node["uuid"]}
    config["nodes"] = {node["uuid"]: node for node in nodes.values()}
    cluster = config["cluster"]
    cluster["master_node"] = uuids.get(cluster["master_node"], cluster["master_node"])
    for instance in config["instances"].values():
        instance["primary_node"] = uuids.get(instance["primary_node"], instance["primary_node"])
        for disk in _every_disk(instance["disks"]):
            if isinstance(disk.get("logical_id"), list):
                disk["logical_id"] = _with_uuids(disk, uuids)


def _with_uuids(disk: Config, uuids: Mapping[str, str]) -> list[Any]:
    parts = disk["logical_id"]
    if disk.get("dev_type") not in ("drbd", "drbd8"):
        return list(parts)
    return [*(uuids.get(name, name) for name in parts[:2]), *parts[2:]]


def _every_disk(disks: list[Any]) -> Iterator[Config]:
    """Disks that stand in their instance, and those below them."""
    for disk in disks:
        if isinstance(disk, dict):
            yield disk
            yield from _every_disk(disk.get("children") or [])


def key_instances_by_uuid(config: Config) -> None:
    """Before 2.11 instances were known by their names."""
    instances = config["instances"].values()
    config["instances"] = {instance["uuid"]: instance for instance in instances}


def complete_instances(config: Config, ids: Ids) -> None:
    """What instances have got since then."""
    for instance in config["instances"].values():
        for name in ("hvparams", "beparams", "osparams", "osparams_private"):
            instance.setdefault(name, {})
        instance.setdefault("admin_state_source", "admin")
        instance.setdefault("disks_active", instance.get("admin_state") == "up")
        for nic in instance.setdefault("nics", []):
            nic.setdefault("uuid", ids.uuid())
            nic.setdefault("nicparams", {})


def part_disks(config: Config, ids: Ids, now: float) -> None:
    """Before 2.13 disks stood in their instances."""
    disks = config.setdefault("disks", {})
    for instance in config["instances"].values():
        template = instance.get("disk_template")
        for index, disk in enumerate(instance.setdefault("disks", [])):
            if not isinstance(disk, dict):
                continue
            _complete_disk(disk, instance["primary_node"], ids, now)
            if template == DiskTemplate.SHAREDFILE and disk["dev_type"] == DiskTemplate.FILE:
                disk |= {"dev_type": template, "nodes": []}
            disk.setdefault("iv_name", f"disk/{index}")
            disk["ctime"], disk["mtime"] = instance.get("ctime", now), instance.get("ctime", now)
            disks[disk["uuid"]] = disk
        instance["disks"] = [
            disk["uuid"] if isinstance(disk, dict) else disk for disk in instance["disks"]
        ]
        for name in _COMPUTED:
            instance.pop(name, None)


def _complete_disk(disk: Config, primary: str, ids: Ids, now: float) -> None:
    disk.pop("physical_id", None)
    disk["dev_type"] = _TYPES.get(disk["dev_type"], disk["dev_type"])
    nodes = [primary]
    if disk["dev_type"] == DiskTemplate.DRBD:
        nodes = list(disk["logical_id"][:2])
    elif disk["dev_type"] in _NOWHERE:
        nodes = []
    disk.setdefault("nodes", nodes)
    disk.setdefault("uuid", ids.uuid())
    disk.setdefault("serial_no", 1)
    disk.setdefault("params", {})
    disk.setdefault("ctime", now)
    disk.setdefault("mtime", now)
    for child in disk.get("children") or []:
        _complete_disk(child, primary, ids, now)
        child["nodes"] = list(disk["nodes"])
