"""UEFI firmware of a node, found by the descriptors that distributions install for QEMU.

Source: QEMU's docs/interop/firmware.json; docs/design/0012-firmware.md.
"""

import fnmatch
import glob
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import HypervisorError

DIRECTORIES: Final = ("/etc/qemu/firmware", "/usr/share/qemu/firmware")
# A firmware with one of these needs more of a machine than ours have.
_REFUSED: Final = frozenset({"amd-sev-es", "amd-sev-snp", "intel-tdx", "requires-smm"})
_PARTS: Final = ("executable", "nvram-template")
# Descriptors know no aliases.
_VERSIONED: Final = {"pc": "pc-i440fx-", "q35": "pc-q35-"}

# Any: JSON of a descriptor.
Descriptor = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Firmware:
    """A UEFI firmware.

    Attributes:
        code: file with the program.
        template: file with an empty store of variables.
        store_size: its size in bytes.
    """

    code: str
    template: str
    store_size: int


def find_firmware(machine: str, directories: Iterable[str] = DIRECTORIES) -> Firmware:
    """The firmware for guests of a machine type: the first that suits, by name.

    Raises:
        HypervisorError: this node has none.
    """
    for descriptor in _descriptors(directories):
        found = _firmware(descriptor, machine)
        if found is not None:
            return found
    text = f"this node has no UEFI firmware for machines {machine} (Debian's package ovmf)"
    raise HypervisorError(f"hypervisor parameter boot_type: 'uefi', expected bios, because {text}")


def _descriptors(directories: Iterable[str]) -> Iterator[Descriptor]:
    """All of them; of two with one name that of the first directory counts, an empty one hides."""
    paths: dict[str, str] = {}
    for directory in directories:
        for path in glob.glob(f"{glob.escape(directory)}/*.json"):
            paths.setdefault(os.path.basename(path), path)
    for name in sorted(paths):
        try:
            found = json.loads(read_bytes(paths[name]) or b"null")
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _firmware(descriptor: Descriptor, machine: str) -> Firmware | None:
    try:
        mapping = descriptor["mapping"]
        suits = (
            "uefi" in descriptor["interface-types"]
            and mapping["device"] == "flash"
            and not _REFUSED.intersection(descriptor["features"])
            and any(_is_target(target, machine) for target in descriptor["targets"])
        )
        if not suits or {mapping[part]["format"] for part in _PARTS} != {"raw"}:
            return None
        code, template = (str(mapping[part]["filename"]) for part in _PARTS)
        if not os.path.isfile(code):
            return None
        return Firmware(code, template, os.path.getsize(template))
    except (AttributeError, KeyError, TypeError, OSError):
        return None  # of another kind, or its files are not installed


def _is_target(target: Descriptor, machine: str) -> bool:
    full = _VERSIONED.get(machine, machine)
    return target["architecture"] == "x86_64" and any(
        fnmatch.fnmatch(full, pattern) for pattern in target["machines"]
    )
