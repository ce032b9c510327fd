"""Checks the names of an instance's disks or NICs, by which commands find them.

Called for the devices that an instance will have, before any is made. Source: gnt-instance(8).
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from pyganeti.model.errors import ECode, OpPrereqError


class Named(Protocol):
    """A disk or a NIC, or what is asked of one."""

    @property
    def name(self) -> str | None:
        """What the user calls it."""
        ...


def check_device_names(kind: str, devices: Sequence[Named], uuids: Collection[str] = ()) -> None:
    """Refuse names that do not tell one device from the others.

    Args:
        kind: plural, for messages.
        devices: all of them.
        uuids: theirs, as far as they have some; commands take them for names, too.

    Raises:
        OpPrereqError: ``ECode.NOTUNIQUE``, two have the same; ``ECode.INVAL``, one would be taken
            for an index or for the UUID of another.
    """
    names = [device.name for device in devices if device.name]
    if len(names) != len(set(names)):
        raise OpPrereqError(f"two {kind} have the same name", ECode.NOTUNIQUE)
    for name in names:
        if _is_number(name):
            text = f"{name!r} is no name for {kind}, it would be taken for an index"
            raise OpPrereqError(text, ECode.INVAL)
        if name in uuids:
            text = f"{name!r} is no name for {kind}, it is the UUID of one"
            raise OpPrereqError(text, ECode.INVAL)


def _is_number(name: str) -> bool:
    try:
        int(name)
    except ValueError:
        return False
    return True
