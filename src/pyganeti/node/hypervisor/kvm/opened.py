"""Files that a running QEMU is given open, because it cannot open them itself.

One that is shut into a directory does not see them, and one with a user of its own may not. Those
that a guest is started with are opened before it gives that up. Source: QEMU's QMP reference,
``add-fd``; qemu(1), file descriptor sets.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError

from .qmp import Qmp

# Drivers of block nodes that open a path.
_OPENING: Final = frozenset({"file", "host_device"})


@asynccontextmanager
async def given_open(
    qmp: Qmp,
    name: str,
    node: dict[str, Any],  # Any: JSON of QEMU's schema
) -> AsyncIterator[dict[str, Any]]:
    """What ``blockdev-add`` is to be told instead of ``node``, so that it opens no path.

    Only the block node holds the file then, so what is unplugged is in use no more.

    Raises:
        HypervisorError: the file cannot be opened, or QEMU does not take it.
    """
    place = node["file"]
    if place["driver"] not in _OPENING:
        yield node
        return
    number = await _give(qmp, name, place["filename"], read_only=node["read-only"])
    try:
        yield {**node, "file": {**place, "filename": f"/dev/fdset/{number}"}}
    finally:
        # One that cannot be taken back, because QEMU is gone, is of no use to anybody.
        with suppress(HypervisorError):
            await qmp.execute("remove-fd", **{"fdset-id": number})


async def _give(qmp: Qmp, name: str, path: str, *, read_only: bool) -> int:
    flags = os.O_CLOEXEC | (os.O_RDONLY if read_only else os.O_RDWR)
    try:
        fd = await in_thread(os.open, path, flags)
    except OSError as err:
        raise HypervisorError(f"{name}: {path}: {err.strerror}") from err
    try:
        return await qmp.add(fd)
    finally:
        os.close(fd)
