"""Reads a description, whoever wrote it. Pure.

XML -> Package
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from .package import (
    CPU,
    DISK,
    FORMATS,
    GNT,
    MEMORY,
    MIB,
    NETWORK,
    OVF,
    OvfError,
    Package,
    PackedDisk,
)

_UNIT: Final = re.compile(r"byte\s*\*\s*2\^(\d{1,2})")
# As older programs say it, and some of today's.
_UNITS: Final = {
    "byte": 1, "bytes": 1, "kb": 1 << 10, "kilobytes": 1 << 10, "mb": MIB, "megabytes": MIB,
    "gb": 1 << 30, "gigabytes": 1 << 30,
}  # fmt: skip
# Texts that mean that there is nothing.
_NOTHING: Final = ("", "none", "auto")
_MODES: Final = ("bridged", "routed")


class _Builder(TreeBuilder):
    """Descriptions have no document type, and so no entities that could grow."""

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> NoReturn:
        """Refuse it."""
        raise OvfError("the description has a document type declaration, which none should have")


def parsed(data: bytes) -> Package:
    """The package that an ``.ovf`` file describes.

    Raises:
        OvfError: it is no such file, or what it says is no package of one machine.
    """
    parser = XMLParser(target=_Builder())  # noqa: S314 - see _Builder
    try:
        parser.feed(data)
        root: Element = parser.close()
    except (ParseError, ValueError) as err:
        raise OvfError(f"the description is no XML: {err}") from err
    systems = root.findall("{*}VirtualSystem")
    if len(systems) != 1 or root.find("{*}VirtualSystemCollection") is not None:
        raise OvfError(f"the package has {len(systems)} machines of its own, expected one")
    (system,) = systems
    section = root.find(f"{{{GNT}}}GanetiSection")
    own = Element("none") if section is None else section
    items = list(_items(system))
    return Package(
        name=_said(system, "Name") or _attribute(system, "id"),
        vcpus=_quantity(items, CPU, 1, "CPUs"),
        memory=_quantity(items, MEMORY, MIB, "memory"),
        nics=tuple(_nics(root, own, items)),
        disks=tuple(_disks(root, items)),
        own=_own(own),
        hvparams=_parameters(own, "Hypervisor"),
        osparams=_parameters(own, "OperatingSystem"),
    )


def _said(parent: Element, *tags: str) -> str | None:
    """The text of an element below ``parent``; nothing if it says nothing."""
    text = (parent.findtext("/".join(f"{{*}}{tag}" for tag in tags)) or "").strip()
    return None if text.lower() in _NOTHING else text


def _attribute(element: Element, name: str) -> str | None:
    return element.get(f"{{{OVF}}}{name}", element.get(name))


def _items(system: Element) -> Iterator[dict[str, str]]:
    for item in system.findall("{*}VirtualHardwareSection/{*}Item"):
        yield {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in item}


def _of_kind(items: list[dict[str, str]], kind: int) -> list[dict[str, str]]:
    return [item for item in items if item.get("ResourceType") == str(kind)]


def _quantity(items: list[dict[str, str]], kind: int, unit: int, what: str) -> int | None:
    """How much of it there is, in ``unit``."""
    for item in _of_kind(items, kind):
        factor = _factor(item.get("AllocationUnits") or "", unit, what) if kind == MEMORY else 1
        count = _number(item.get("VirtualQuantity"), what) * factor // unit
        if count <= 0:
            raise OvfError(f"the package says {count} for {what}")
        return count
    return None


def _factor(text: str, default: int, what: str) -> int:
    """Bytes of a unit."""
    found = _UNIT.fullmatch(text.strip().lower())
    if found:
        return int(1 << int(found[1]))
    if text and text.strip().lower() not in _UNITS:
        raise OvfError(f"{text[:80]!r} is no unit of {what}")
    return _UNITS[text.strip().lower()] if text else default


def _number(text: str | None, what: str) -> int:
    if not (text and text.isascii() and text.isdigit() and len(text) < 18):
        raise OvfError(f"{(text or '')[:80]!r} is no number of {what}")
    return int(text)


def _disks(root: Element, items: list[dict[str, str]]) -> Iterator[PackedDisk]:
    """Disks in the order in which the machine has them, or without that as they are listed."""
    files = {_attribute(file, "id"): file for file in root.findall("{*}References/{*}File")}
    disks = {
        _attribute(disk, "diskId") or "": disk for disk in root.findall("{*}DiskSection/{*}Disk")
    }
    places = [item.get("HostResource", "") for item in _of_kind(items, DISK)]
    wanted = [place.rpartition("/")[2] for place in places] or list(disks)
    for number in wanted:
        if number not in disks:
            raise OvfError(f"the machine has a disk {number[:80]!r} that is not described")
        yield _disk(disks[number], files)


def _disk(disk: Element, files: Mapping[str | None, Element]) -> PackedDisk:
    unit = _factor(_attribute(disk, "capacityAllocationUnits") or "", 1, "disks")
    capacity = _number(_attribute(disk, "capacity"), "bytes of a disk") * unit
    reference = _attribute(disk, "fileRef")
    if not reference:
        return PackedDisk(None, capacity)
    if reference not in files:
        raise OvfError(f"a disk is in the file {reference[:80]!r}, which is not described")
    file = files[reference]
    if _attribute(file, "chunkSize"):
        raise OvfError(f"the file {reference[:80]!r} is in pieces, which is not supported")
    compression = (_attribute(file, "compression") or "identity").lower()
    if compression not in ("identity", "gzip"):
        raise OvfError(f"a disk is compressed with {compression[:80]!r}, known is gzip")
    place = (_attribute(disk, "format") or "").partition("#")[0]
    known = {where.partition("#")[0]: name for name, where in FORMATS.items()}
    name = plain_name(_attribute(file, "href") or "")
    return PackedDisk(name, capacity, compression == "gzip", known.get(place))


def plain_name(text: str) -> str:
    """``text``, the name of a file beside the description.

    Raises:
        OvfError: it leads elsewhere.
    """
    if not text or "/" in text or "\\" in text or text.startswith(".") or not text.isprintable():
        raise OvfError(f"{text[:200]!r} is no name of a file beside the description")
    return text


def _nics(root: Element, own: Element, items: list[dict[str, str]]) -> Iterator[Mapping[str, str]]:
    written = {
        _attribute(nic, "name"): nic for nic in own.findall(f"{{{GNT}}}Network/{{{GNT}}}Nic")
    }
    for item in _of_kind(items, NETWORK):
        name = item.get("Connection", "")
        found = {"name": name, "mac": item.get("Address", "")}
        found["mode"] = next((mode for mode in _MODES if mode in name.lower()), "")
        nic = written.get(name)
        if nic is not None:
            for tag, key in (
                ("Mode", "mode"), ("MACAddress", "mac"), ("IPAddress", "ip"), ("Link", "link"),
                ("Net", "network"),
            ):  # fmt: skip
                found[key] = _said(nic, tag) or ""
        yield {key: value for key, value in found.items() if value.lower() not in _NOTHING}


def _own(own: Element) -> dict[str, str]:
    found = {
        "os": _said(own, "OperatingSystem", "Name"),
        "disk_template": _said(own, "DiskTemplate"),
        "hypervisor": _said(own, "Hypervisor", "Name"),
        "auto_balance": _said(own, "AutoBalance"),
        "tags": _said(own, "Tags"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _parameters(own: Element, tag: str) -> dict[str, str]:
    found = own.find(f"{{*}}{tag}/{{*}}Parameters")
    if found is None:
        return {}
    return {child.tag.rpartition("}")[2]: child.text or "" for child in found}
