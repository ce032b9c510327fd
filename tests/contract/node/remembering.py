"""Guests whose machine remembers: what they need of this machine, and their disks."""

import os
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from pyganeti.kit.process import is_at_work
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import GuestDisk
from pyganeti.node.hypervisor.kvm.firmware import find_firmware
from pyganeti.node.hypervisor.kvm.layout import GuestPaths, KvmLayout
from pyganeti.node.hypervisor.kvm.process import read_bytes_quietly
from pyganeti.wire.noderpc.specs import DiskSpec, InstanceSpec

from .qemu_guests import instance, kvm, skip_without_qemu

MIB: Final = 1 << 20
VARS: Final = "ganeti-uefi-vars"
TPM: Final = "ganeti-tpm-state"


def skip_without_firmware() -> None:
    """Skip the test where QEMU or a UEFI firmware is not installed."""
    skip_without_qemu()
    try:
        find_firmware("pc")
    except HypervisorError as err:
        pytest.skip(str(err))


async def skip_without_tpm(directory: Path) -> None:
    """Skip the test where QEMU or swtpm is not installed."""
    skip_without_qemu()
    try:
        await kvm(directory).check_params(guest(tpm="2.0").hvparams)
    except HypervisorError as err:
        if "parameter tpm" not in str(err):
            raise
        pytest.skip(str(err))


def guest(memory: int = 256, **changes: Any) -> InstanceSpec:
    """A guest without a disk of its own."""
    spec = instance(**changes)
    return msgspec.structs.replace(spec, beparams={"maxmem": memory, "vcpus": 1})


def disk(directory: Path, name: str | None, content: bytes = b"") -> GuestDisk:
    """A disk of 4 MiB, that begins with ``content`` unless it is there already."""
    path = directory / (name or "disk")
    if not path.exists():
        path.write_bytes(content)
        os.truncate(path, 4 * MIB)
    number = {None: "0", VARS: "1", TPM: "2"}[name]
    place = ("loop", str(path))
    spec = DiskSpec(dev_type="file", logical_id=place, size=4, uuid=number * 36, name=name)
    return GuestDisk(spec, str(path))


def paths(directory: Path) -> GuestPaths:
    """Of the guest's files."""
    return KvmLayout(str(directory)).guest("web1")


def tpms(directory: Path) -> list[int]:
    """Processes of TPMs of guests below ``directory``."""
    found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in found if is_at_work(pid) and _is_tpm(pid, directory)]


def _is_tpm(pid: int, directory: Path) -> bool:
    words = read_bytes_quietly(f"/proc/{pid}/cmdline").split(b"\0")
    return words[0] == b"swtpm" and any(os.fsencode(directory) in word for word in words)
