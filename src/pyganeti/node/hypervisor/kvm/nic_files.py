"""Which interface belongs to which NIC of a guest: ``nic/NAME/INDEX`` and ``nic/NAME/UUID``.

As with Ganeti each NIC has both files. That with its UUID counts, since positions become others
when a NIC is taken out of a running guest.
"""

import os
from collections.abc import Sequence

from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.wire.noderpc.specs import NicSpec

from .layout import GuestPaths


def write_interface(paths: GuestPaths, nic: NicSpec, index: int, name: str) -> None:
    """Record the interface of a NIC at a position."""
    os.makedirs(paths.nics, 0o755, exist_ok=True)
    for key in (nic.uuid, str(index)):
        if key:
            write_atomic(paths.nic(key), name.encode("ascii"), mode=0o644, durable=False)


def interfaces(paths: GuestPaths, nics: Sequence[NicSpec]) -> list[str | None]:
    """The interface of each NIC, as far as it is on record."""
    return [
        (nic.uuid and _read(paths, nic.uuid)) or _read(paths, str(index)) or None
        for index, nic in enumerate(nics)
    ]


def forget_interface(paths: GuestPaths, nic: NicSpec, left: Sequence[NicSpec]) -> None:
    """Remove the record of a NIC that was taken out; those ``left`` get their new positions."""
    names = [(one, _read(paths, one.uuid)) for one in left]
    remove(paths.nic(nic.uuid))
    for key in os.listdir(paths.nics) if os.path.isdir(paths.nics) else ():
        if key.isdigit():
            remove(paths.nic(key))
    for index, (one, name) in enumerate(names):
        if name:
            write_interface(paths, one, index, name)


def _read(paths: GuestPaths, key: str) -> str:
    return (read_bytes(paths.nic(key)) or b"").decode("ascii").strip() if key else ""
