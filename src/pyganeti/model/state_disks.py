"""Disks that keep what a guest's machine remembers, told by their names. Pure.

They are disks of the instance as any other, but that the guest and the OS scripts do not see them.
Source: docs/design/0012-firmware.md.
"""

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.params.hv_kvm import boots_uefi, has_tpm
from pyganeti.model.params.kinds import Values

UEFI_VARS: Final = "ganeti-uefi-vars"
TPM_STATE: Final = "ganeti-tpm-state"
NAMES: Final = frozenset({UEFI_VARS, TPM_STATE})
# What any template can have, and more than any of them needs.
SIZE_MIB: Final = 4

_REASONS: Final = {UEFI_VARS: "boot_type=uefi", TPM_STATE: "tpm=2.0"}


class NamedDisk(Protocol):
    """What counts of a disk."""

    @property
    def name(self) -> str | None:
        """As its user calls it."""
        ...

    @property
    def size(self) -> int:
        """In MiB."""
        ...


D = TypeVar("D", bound=NamedDisk)


def is_state(name: str | None) -> bool:
    """Whether a disk of that name is one of them."""
    return name in NAMES


def seen(disks: Iterable[D]) -> tuple[D, ...]:
    """Those that the guest sees, in order."""
    return tuple(disk for disk in disks if not is_state(disk.name))


def behind(disks: Iterable[D]) -> tuple[D, ...]:
    """All of them, those that the guest sees first: so their numbers are those it knows."""
    every = tuple(disks)
    return (*seen(every), *(disk for disk in every if is_state(disk.name)))


def needed(hvparams: Values) -> tuple[str, ...]:
    """Names of the disks that an instance with these filled parameters must have."""
    wanted = ((UEFI_VARS, boots_uefi(hvparams)), (TPM_STATE, has_tpm(hvparams)))
    return tuple(name for name, is_needed in wanted if is_needed)


def lacking(hvparams: Values, names: Iterable[str | None]) -> tuple[str, ...]:
    """Names of those that are not among ``names``."""
    there = frozenset(names)
    return tuple(name for name in needed(hvparams) if name not in there)


def check_states(instance: str, hvparams: Values, disks: Iterable[NamedDisk]) -> None:
    """Refuse an instance whose machine could not keep what it remembers.

    Args:
        instance: its name, for messages.
        hvparams: its filled parameters.
        disks: all that it will have.

    Raises:
        OpPrereqError: ``ECode.INVAL``; names the disk, and what helps.
    """
    every = tuple(disks)
    names = [disk.name for disk in every]
    for name in sorted(NAMES):
        if names.count(name) > 1:
            raise OpPrereqError(f"instance {instance} has two disks {name}", ECode.NOTUNIQUE)
    for name in lacking(hvparams, names):
        text = f"instance {instance} has {_REASONS[name]}, which needs its disk {name}"
        raise OpPrereqError(f"{text}: {add_command(instance, name)}", ECode.INVAL)
    for disk in every:
        if is_state(disk.name) and disk.size < SIZE_MIB:
            text = f"disk {disk.name} has {disk.size} MiB, it needs {SIZE_MIB}"
            raise OpPrereqError(text, ECode.INVAL)


def add_command(instance: str, name: str) -> str:
    """How a user gets a disk that is missing."""
    return f"gnt-instance modify -H {_REASONS[name]} {instance} makes it"
