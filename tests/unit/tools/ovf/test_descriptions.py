"""Descriptions of packages: Ganeti's are written and read, others are read, bad ones refused."""

from dataclasses import replace
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from pyganeti.tools.ovf.package import OvfError, Package, PackedDisk
from pyganeti.tools.ovf.reader import parsed, plain_name
from pyganeti.tools.ovf.writer import description

GOLDEN: Final = Path(__file__).parents[3] / "golden/ovf"
WHOLE: Final = Package(
    name="web1.example.com",
    vcpus=2,
    memory=1024,
    nics=(
        {
            "name": "bridged0", "mode": "bridged", "mac": "aa:00:00:11:22:33",
            "ip": "192.0.2.10", "link": "br0",
        },
        {
            "name": "routed1", "mode": "routed", "mac": "aa:00:00:11:22:34",
            "link": "100", "network": "front",
        },
    ),
    disks=(
        PackedDisk("disk0.raw", 64 << 20, format="raw", file_size=64 << 20),
        PackedDisk("disk1.raw", 32 << 20, format="raw", file_size=32 << 20),
    ),
    own={
        "os": "debootstrap+default", "disk_template": "drbd", "hypervisor": "kvm",
        "tags": "a b:c", "auto_balance": "True",
    },
    hvparams={"kernel_path": "", "acpi": "True"},
    osparams={"dhcp": "yes"},
)  # fmt: skip


def read(name: str) -> str:
    return (GOLDEN / name).read_text()


def as_read(package: Package) -> Package:
    """What can be read back: sizes of files are not needed."""
    return replace(package, disks=tuple(replace(disk, file_size=0) for disk in package.disks))


@pytest.mark.parametrize(("name", "external"), [("whole.ovf", False), ("external.ovf", True)])
def test_what_is_written_is_what_ganeti_writes(name: str, external: bool) -> None:
    written = description(WHOLE, external=external).decode()
    assert ElementTree.canonicalize(written) == ElementTree.canonicalize(read(name).rstrip("\n"))


def test_what_ganeti_writes_is_read() -> None:
    assert parsed(read("whole.ovf").encode()) == as_read(WHOLE)


def test_what_is_for_others_is_read() -> None:
    found = parsed(read("external.ovf").encode())
    nics = tuple(
        {name: nic[name] for name in ("name", "mac", "mode") if name in nic} for nic in WHOLE.nics
    )
    assert found == replace(as_read(WHOLE), nics=nics, own={}, hvparams={}, osparams={})


def test_what_others_write_is_read() -> None:
    assert parsed(read("virtualbox.ovf").encode()) == Package(
        name="vm",
        vcpus=1,
        memory=512,
        nics=({"name": "NAT"}, {"name": "my bridged net", "mode": "bridged"}),
        disks=(PackedDisk("d.vmdk", 64 << 20, format="vmdk"),),
    )


@pytest.mark.parametrize(
    ("unit", "memory"),
    [
        ("MegaBytes", 512), ("byte * 2^20", 512), ("byte*2^30", 512 << 10), ("GB", 512 << 10),
        ("MB", 512), ("", 512),
    ],
)  # fmt: skip
def test_units_of_memory(unit: str, memory: int) -> None:
    text = read("virtualbox.ovf").replace("MegaBytes", unit)
    assert parsed(text.encode()).memory == memory


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("MegaBytes", "parsecs", "'parsecs' is no unit of memory"),
        ("MegaBytes", "byte * 2^0", "says 0 for memory"),
        (">512<", ">-5<", "'-5' is no number of memory"),
        (">512<", f">{'9' * 500}<", "is no number of memory"),
        ("VirtualQuantity>1<", "VirtualQuantity>0<", "says 0 for CPUs"),
        ('ovf:href="d.vmdk"', 'ovf:href="../../etc/passwd"', "no name of a file beside"),
        ('ovf:href="d.vmdk"', 'ovf:href="http://192.0.2.1/x"', "no name of a file beside"),
        ('ovf:href="d.vmdk"', "", "no name of a file beside"),
        ('ovf:href="d.vmdk"', 'ovf:href="d.vmdk" ovf:chunkSize="5"', "in pieces"),
        ('ovf:href="d.vmdk"', 'ovf:href="d" ovf:compression="lzma"', "'lzma', known is gzip"),
        ('ovf:id="file1"', 'ovf:id="file2"', "the file 'file1', which is not described"),
        ("/disk/vmdisk1", "/disk/other", "disk 'other' that is not described"),
        ('ovf:capacity="67108864"', 'ovf:capacity="much"', "'much' is no number of bytes"),
        ("<VirtualSystem ", "<Other ", "no XML"),
        ("</VirtualSystem>", "</VirtualSystem><VirtualSystem/>", "2 machines"),
        ("<Envelope", "<!DOCTYPE x [<!ENTITY a 'b'>]><Envelope", "document type"),
        ('<?xml version="1.0"?>', "", ""),
        ("</Envelope>", "", "no XML"),
    ],
)
def test_bad_descriptions(old: str, new: str, said: str) -> None:
    text = read("virtualbox.ovf")
    assert old in text
    text = text.replace(old, new)
    if not said:
        parsed(text.encode())
        return
    with pytest.raises(OvfError) as failed:
        parsed(text.encode())
    assert said in str(failed.value)


@pytest.mark.parametrize("data", [b"", b"x", b"\0", b"\xff\xfe", b"<a/>", b"<?xml encoding='x'?>"])
def test_what_is_no_description(data: bytes) -> None:
    with pytest.raises(OvfError):
        parsed(data)


@pytest.mark.parametrize(
    "package",
    [
        replace(WHOLE, name="a\x00b"),
        replace(WHOLE, osparams={"a b": "c"}),
        replace(WHOLE, osparams={"1": "c"}),
        replace(WHOLE, osparams={"a": "\ud800"}),
        replace(WHOLE, hvparams={"<x>": "c"}),
        replace(WHOLE, nics=({"name": "a\x07"},)),
    ],
)
def test_what_no_description_can_say(package: Package) -> None:
    with pytest.raises(OvfError):
        description(package, external=False)


def test_markup_is_text() -> None:
    strange = replace(WHOLE, osparams={"script": "a<b & \"c\" ]]> 'd'"})
    assert parsed(description(strange, external=False)).osparams == strange.osparams


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "/a", "a\\b", "a\nb"])
def test_names_that_lead_elsewhere(name: str) -> None:
    with pytest.raises(OvfError):
        plain_name(name)
