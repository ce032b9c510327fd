"""Whether a running guest finds on another node what it was started with. Pure.

Asked before a migration, since a guest that misses something there crashes there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyganeti.wire.noderpc.guests import (
    HostTraits,
    MigrationInfo,
)

_NUMBER = re.compile(r"\d+")
# CPU models that are whatever the node has.
_HOST_MODELS = frozenset({"host", "max"})
_HARDWARE = "kvm"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which two nodes differ.

    Attributes:
        text: what differs, as a sentence about the target.
        fatal: the guest would not run on there.
        version: it is of the hypervisor's version, and nothing else.
    """

    text: str
    fatal: bool
    version: bool = False


def differences(guest: MigrationInfo, source: HostTraits, target: HostTraits) -> list[Difference]:
    """What the guest would find changed, worst first."""
    found = [*_machine(guest, target), *_version(source, target), *_cpu(guest, source, target)]
    return sorted(found, key=lambda difference: not difference.fatal)


def _machine(guest: MigrationInfo, target: HostTraits) -> Iterator[Difference]:
    if guest.machine and guest.machine not in target.machines:
        yield Difference(f"its QEMU {target.version} has no machine type {guest.machine}", True)
    if guest.accelerator == _HARDWARE and target.accelerator != _HARDWARE:
        yield Difference("it runs no guests under KVM, and this one does", True)


def _version(source: HostTraits, target: HostTraits) -> Iterator[Difference]:
    if source.version == target.version:
        return
    older = _numbers(target.version) < _numbers(source.version)
    text = f"its hypervisor has version {target.version}, that of the source {source.version}"
    # A newer one knows how an older one describes a guest; the other way round it need not.
    yield Difference(text, older, version=True)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(version)[:3]]


def _cpu(guest: MigrationInfo, source: HostTraits, target: HostTraits) -> Iterator[Difference]:
    # An emulated CPU is the same everywhere.
    if guest.accelerator != _HARDWARE:
        return
    sees_host = guest.cpu.partition(",")[0] in _HOST_MODELS
    if source.cpu_vendor != target.cpu_vendor:
        vendors = f"{target.cpu_vendor}, that of the source by {source.cpu_vendor}"
        yield Difference(f"its CPU is made by {vendors}", sees_host)
    missing = sorted(set(source.cpu_flags) - set(target.cpu_flags))
    if missing:
        yield Difference(f"its CPU lacks {', '.join(missing)}", sees_host)
