"""One disk in ``gnt-instance info``, with its children. Pure. Source: gnt-instance(8) INFO."""

from typing import Any, Final

from pyganeti.model.units import format_unit

# A disk as OP_INSTANCE_QUERY_DATA returns it: Ganeti's keys.
Disk = dict[str, Any]
# Where a disk's status stands, and how much of it is told.
_SIDES: Final = (("pstatus", "on primary"), ("sstatus", "on secondary"))

# What is said of a node's part of a mirror that is neither good nor being synced.
_LOCAL: Final = {3: " *UNCERTAIN STATE*", 4: " *MISSING DISK*"}


def disk_details(disk: Disk, static: bool, *, top: bool = True, index: int = 0) -> Any:
    """One disk as pairs, in the order printed."""
    name = disk["iv_name"] if top and disk["iv_name"] else f"child {index}"
    size = format_unit(disk["size"], "h") if isinstance(disk["size"], int) else disk["size"]
    details: list[tuple[str, Any]] = [(name, f"{disk['dev_type']}, size {size}")]
    if top:
        if disk.get("spindles") is not None:
            details.append(("spindles", disk["spindles"]))
        details.append(("access mode", disk["mode"]))
    details += _logical(disk)
    if not static:
        details += [(title, _status(disk[key])) for key, title in _SIDES if disk[key]]
    details += [("name", disk["name"]), ("UUID", disk["uuid"])]
    children = disk["children"] or []
    if children:
        details.append(
            (
                "child devices",
                [
                    disk_details(child, static, top=False, index=number)
                    for number, child in enumerate(children)
                ],
            )
        )
    return details


def _logical(disk: Disk) -> list[tuple[str, Any]]:
    """Where the disk's data is; a DRBD disk's parts by name."""
    drbd = disk.get("drbd_info")
    if disk["dev_type"] == "drbd" and drbd:
        return [
            ("nodeA", f"{drbd['primary_node']}, minor={drbd['primary_minor']}"),
            ("nodeB", f"{drbd['secondary_node']}, minor={drbd['secondary_minor']}"),
            ("port", drbd["port"]),
        ]
    if disk["logical_id"] is None:
        return []
    parts = disk["logical_id"]
    if not isinstance(parts, list | tuple):
        return [("logical_id", parts)]
    # A volume reads as LVM writes it; other identifiers as they are.
    shown = "/".join(str(part) for part in parts) if disk["dev_type"] == "plain" else list(parts)
    return [("logical_id", str(shown))]


def _status(status: list[Any]) -> str:
    """A device's state: path and numbers; of a mirror, how far the sync is and what is wrong."""
    path, major, minor, percent, estimate, degraded, ldisk = status
    numbers = ("N/A" if number is None else str(number) for number in (major, minor))
    text = f"{path} ({':'.join(numbers)})"
    if ldisk is None:
        return text
    if percent is None:
        text += " in sync"
    else:
        left = f"ETA {estimate}s" if estimate else "ETA unknown"
        text += f" *RECOVERING* {percent:5.2f}%, {left}"
    text += f", status {'*DEGRADED*' if degraded else 'ok'}"
    return text + _LOCAL.get(ldisk, "")
