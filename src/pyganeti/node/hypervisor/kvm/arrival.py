"""Whether a copy that waited for its guest ever ran; known even when its QEMU has ended.

QEMU writes each change of a guest's state into a file of its own. What is not there did not
happen, provided that QEMU writes at all, which a command proves that is traced as well. The file is
on a memory file system: after a reboot of the node nothing is known.

Source: QEMU's tracing, log backend; events ``runstate_set`` and those of QMP commands.
"""

from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.wire.noderpc.guests import GuestRole

from .layout import GuestPaths

PROOF: Final = "query-uuid"
"""Given to each QEMU that waits for a guest, and traced."""

_PROOF_EVENT: Final = b"qmp_enter_query_uuid"
_BEGINS: Final = b"runstate_set"


def arguments(paths: GuestPaths) -> tuple[str, ...]:
    """Arguments that let a QEMU which waits for a guest say when it runs."""
    # A pattern, because a QEMU that has no such event refuses its name.
    events = ("-trace", "runstate_set", "-trace", "qmp_enter_query_uuid*")
    return ("-D", paths.arrival, *events)


def role_of_ended(paths: GuestPaths) -> GuestRole:
    """``LOST`` for a copy that is known never to have run, else ``ABSENT``."""
    said = read_bytes(paths.arrival) or b""
    return GuestRole.LOST if _PROOF_EVENT in said and _BEGINS not in said else GuestRole.ABSENT
