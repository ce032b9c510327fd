"""What a guest's QEMU writes about its own life, so that it is known when it has ended.

Two questions nobody is there to watch for: whether a copy that waited for its guest ever ran, and
whether a guest was shut down from inside or died. QEMU writes the events that answer them into a
file of its own, ``ctrl/NAME.trace``. What is not there did not happen, provided that QEMU writes at
all, which a command proves that is traced as well. The file is on a memory file system: after a
reboot of the node nothing is known.

Source: QEMU's tracing, log backend; events ``runstate_set``, ``qemu_system_shutdown_request``,
``qemu_system_powerdown_request`` and those of QMP commands.
"""

import os
import re
from typing import Final

from pyganeti.kit.files import read_bytes
from pyganeti.wire.noderpc.guests import GuestRole

from .layout import GuestPaths

PROOF: Final = "query-uuid"
"""Given to each QEMU that waits for a guest, and traced."""

SHUTDOWN_EVENTS: Final = frozenset(
    {"qemu_system_shutdown_request", "qemu_system_powerdown_request"}
)
"""What a QEMU must be able to tell, for a guest that its user may shut down."""

_PROOF_EVENT: Final = b"qmp_enter_query_uuid"
_BEGINS: Final = b"runstate_set"
_SHUTDOWN: Final = re.compile(rb"qemu_system_shutdown_request reason=(\d+)")
_POWER_BUTTON: Final = b"qemu_system_powerdown_request"


def arguments(paths: GuestPaths, *, incoming: bool, user_shutdown: bool) -> tuple[str, ...]:
    """Arguments that let QEMU say when it first runs, and who shuts it down."""
    events: list[str] = []
    if incoming:
        # A pattern, because a QEMU that has no such event refuses its name.
        events += ["runstate_set", "qmp_enter_query_uuid*"]
    if user_shutdown:
        events += sorted(SHUTDOWN_EVENTS)
    if not events:
        return ()
    return ("-D", paths.trace, *(word for event in events for word in ("-trace", event)))


def role_of_ended(paths: GuestPaths) -> GuestRole:
    """``LOST`` for a copy that is known never to have run, else ``ABSENT``."""
    said = read_bytes(paths.trace) or b""
    return GuestRole.LOST if _PROOF_EVENT in said and _BEGINS not in said else GuestRole.ABSENT


def was_shut_down(paths: GuestPaths, cause: int | None) -> bool:
    """Whether a guest that has ended was shut down from inside, by its own will.

    Not if we had pressed its power button: then it did as it was told. Ganeti's daemon says the
    same by a file beside it.

    Args:
        paths: of its files.
        cause: number of the cause ``guest-shutdown``, as far as QEMU tells it.
    """
    if os.path.exists(paths.shut_down):
        return True
    said = read_bytes(paths.trace) or b""
    if cause is None or _POWER_BUTTON in said:
        return False
    # The first one counts: what comes later is said by a QEMU that is about to end.
    found = _SHUTDOWN.search(said)
    return found is not None and int(found[1]) == cause
