"""What a package says, and the names that its description is made of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pyganeti.model.errors import GenericError

OVF: Final = "http://schemas.dmtf.org/ovf/envelope/1"
_CIM: Final = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
RASD: Final = f"{_CIM}/CIM_ResourceAllocationSettingData"
VSSD: Final = f"{_CIM}/CIM_VirtualSystemSettingData"
GNT: Final = "http://ganeti"
# Of hardware, as the Common Information Model numbers it.
CPU: Final = 3
MEMORY: Final = 4
SCSI: Final = 6
NETWORK: Final = 10
DISK: Final = 17
# A disk's format, and where that is described.
FORMATS: Final[Mapping[str, str]] = {
    "raw": "http://en.wikipedia.org/wiki/Byte",
    "cow": "http://www.gnome.org/~markmc/qcow-image-format.html",
    "vmdk": "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized",
}
MIB: Final = 1 << 20


class OvfError(GenericError):
    """A package, an export or an image cannot be converted; the text says why."""


@dataclass(frozen=True, slots=True)
class PackedDisk:
    """A disk of a package.

    Attributes:
        file: its image, beside the description; ``None`` for one that is empty.
        capacity: bytes.
        compressed: whether the image is a gzip file.
        format: of the image, a key of :data:`FORMATS`; ``None`` for others, or if it is not said.
        file_size: of the image, bytes.
    """

    file: str | None
    capacity: int
    compressed: bool = False
    format: str | None = None
    file_size: int = 0


@dataclass(frozen=True, slots=True)
class Package:
    """A package with one virtual machine.

    Attributes:
        nics: of each what is known: ``name`` of its network, ``mac``, ``mode``, ``link``, ``ip``,
            ``network``.
        memory: MiB.
        own: what Ganeti wrote beside the standard: ``os``, ``disk_template``, ``hypervisor``,
            ``auto_balance`` and ``tags``, as far as they are there.
    """

    name: str | None
    vcpus: int | None
    memory: int | None
    nics: tuple[Mapping[str, str], ...] = ()
    disks: tuple[PackedDisk, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    hvparams: Mapping[str, str] = field(default_factory=dict)
    osparams: Mapping[str, str] = field(default_factory=dict)
