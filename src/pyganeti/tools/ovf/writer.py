"""Writes a description. Pure.

Package -> XML
"""

import re
from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from .package import (
    CPU,
    DISK,
    FORMATS,
    GNT,
    MEMORY,
    NETWORK,
    OVF,
    RASD,
    SCSI,
    VSSD,
    OvfError,
    Package,
)  # fmt: skip

# Elements without a prefix and attributes with one are of the same namespace, which ElementTree
# cannot say; so all names are written as they stand.
_SPACES: Final = {
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:vssd": VSSD,
    "xmlns:rasd": RASD,
    "xmlns:ovf": OVF,
    "xmlns": OVF,
    "xml:lang": "en-US",
}
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_NO_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NIC_FIELDS: Final = {
    "Mode": "mode", "MACAddress": "mac", "IPAddress": "ip", "Link": "link", "Net": "network",
}  # fmt: skip


def description(package: Package, *, external: bool) -> bytes:
    """The ``.ovf`` file.

    Args:
        package: what it describes; all is known.
        external: without what only Ganeti understands.

    Raises:
        OvfError: a text or name of it cannot stand in XML.
    """
    root = Element("Envelope", _SPACES if external else {**_SPACES, "xmlns:gnt": GNT})
    _references(root, package)
    networks = SubElement(root, "NetworkSection")
    _text(networks, "Info", "List of logical networks")
    for nic in package.nics:
        SubElement(networks, "Network", {"ovf:name": _checked(nic["name"])})
    if not external:
        _own(root, package)
    # A kind that others know, or one that says where it comes from.
    _system(root, package, "vmx-04" if external else "ganeti-ovf")
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return data + b"\n"


def _references(root: Element, package: Package) -> None:
    references = SubElement(root, "References")
    disks = SubElement(root, "DiskSection")
    _text(disks, "Info", "Virtual disk information")
    for index, disk in enumerate(package.disks):
        given = {
            "ovf:capacity": str(disk.capacity),
            "ovf:diskId": f"disk{index}",
            "ovf:fileRef": f"file{index}",
            "ovf:format": FORMATS[disk.format or "raw"],
        }
        SubElement(disks, "Disk", given)
        file = {"ovf:href": disk.file or "", "ovf:size": str(disk.file_size)}
        file["ovf:id"] = f"file{index}"
        SubElement(
            references, "File", {**file, "ovf:compression": "gzip"} if disk.compressed else file
        )


def _own(root: Element, package: Package) -> None:
    """What only Ganeti understands."""
    section = SubElement(root, "gnt:GanetiSection")
    own = package.own
    _text(section, "gnt:Version", "0")
    _text(section, "gnt:DiskTemplate", own["disk_template"])
    if "auto_balance" in own:
        _text(section, "gnt:AutoBalance", own["auto_balance"])
    _text(section, "gnt:Tags", own["tags"])
    _parameters(section, "gnt:OperatingSystem", own["os"], package.osparams)
    _parameters(section, "gnt:Hypervisor", own["hypervisor"], package.hvparams)
    networks = SubElement(section, "gnt:Network")
    for nic in package.nics:
        one = SubElement(networks, "gnt:Nic", {"ovf:name": _checked(nic["name"])})
        for tag, name in _NIC_FIELDS.items():
            _text(one, f"gnt:{tag}", nic.get(name, "None"))


def _parameters(section: Element, tag: str, name: str, values: Mapping[str, str]) -> None:
    found = SubElement(section, tag)
    _text(found, "gnt:Name", name)
    parameters = SubElement(found, "gnt:Parameters")
    for key, value in values.items():
        if not _NAME.fullmatch(key):
            raise OvfError(f"the parameter {key!r} cannot be the name of an XML element")
        _text(parameters, f"gnt:{key}", value)


def _system(root: Element, package: Package, kind_of_machine: str) -> None:
    name = package.name or ""
    system = SubElement(root, "VirtualSystem", {"ovf:id": _checked(name)})
    _text(system, "Info", "A virtual machine")
    _text(system, "Name", name)
    kind = SubElement(system, "OperatingSystemSection", {"ovf:id": "0"})
    _text(kind, "Info", "Installed guest operating system")
    hardware = SubElement(system, "VirtualHardwareSection")
    _text(hardware, "Info", "Virtual hardware requirements")
    family = SubElement(hardware, "System")
    _text(family, "vssd:ElementName", "Virtual Hardware Family")
    _text(family, "vssd:InstanceID", "0")
    _text(family, "vssd:VirtualSystemIdentifier", name)
    _text(family, "vssd:VirtualSystemType", kind_of_machine)
    for number, item in enumerate(_items(package), 1):
        element = SubElement(hardware, "Item")
        # The order of names is the standard's: the alphabet.
        for tag, value in sorted({**item, "InstanceID": str(number)}.items()):
            _text(element, f"rasd:{tag}", value)


def _items(package: Package) -> list[dict[str, str]]:
    """The hardware, piece by piece, without numbers."""
    found = [
        {
            "ElementName": f"{package.vcpus} virtual CPU(s)",
            "ResourceType": str(CPU),
            "VirtualQuantity": str(package.vcpus),
        },
        {
            "AllocationUnits": "byte * 2^20",
            "ElementName": f"{package.memory}MB of memory",
            "ResourceType": str(MEMORY),
            "VirtualQuantity": str(package.memory),
        },
    ]
    if package.disks:
        controller = {"Address": "0", "ElementName": "scsi_controller0"}
        found.append({**controller, "ResourceSubType": "lsilogic", "ResourceType": str(SCSI)})
    parent = str(len(found))
    found += [
        {
            "ElementName": f"disk{index}",
            "HostResource": f"ovf:/disk/disk{index}",
            "Parent": parent,
            "ResourceType": str(DISK),
        }
        for index in range(len(package.disks))
    ]
    for nic in package.nics:
        item = {"Connection": nic["name"], "ElementName": nic["name"], "ResourceType": str(NETWORK)}
        found.append({**item, "Address": nic["mac"]} if "mac" in nic else item)
    return found


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _checked(text)


def _checked(text: str) -> str:
    if _NO_TEXT.search(text):
        raise OvfError(f"{text[:80]!r} has characters that cannot stand in XML")
    return text
