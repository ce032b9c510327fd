"""Memory that a running guest gives up, and how much it has.

QEMU is asked only for guests that were ever told to give some up, of which a file knows: it serves
one at a time, and a list of a hundred guests must not ask each of them, or wait for one that is
being moved. The file holds what the guest was told, for when its QEMU is busy.

Source: QEMU's QMP reference, ``balloon``, ``query-balloon``; gnt-instance(8) MODIFY.
"""

import asyncio
from typing import Final

from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.model.errors import HypervisorError
from pyganeti.node.hypervisor.base import more_than_started
from pyganeti.node.storage.base import MIB

from .layout import GuestPaths
from .process import GuestProcess
from .qmp import Qmp, qmp_session

# Who looks at a list does not wait for a QEMU that somebody else talks to.
_ANSWER_S: Final = 2.0


async def inflate(name: str, found: GuestProcess, paths: GuestPaths, memory_mib: int) -> None:
    """Let a guest use so much memory; it gives up the rest as it can.

    Raises:
        HypervisorError: it was started with less, or QEMU refused.
    """
    started_with = found.memory_mib()
    if memory_mib > started_with:
        raise more_than_started(name, memory_mib, started_with)
    async with qmp_session(paths.qmp, name) as qmp:
        _note(paths, memory_mib)
        await qmp.execute("balloon", value=memory_mib * MIB)


async def note(qmp: Qmp, found: GuestProcess, paths: GuestPaths) -> None:
    """Remember that a guest from another node has less memory than it was started with."""
    memory_mib = await _ask(qmp)
    if memory_mib != found.memory_mib():
        _note(paths, memory_mib)


async def memory_of(name: str, found: GuestProcess, paths: GuestPaths) -> int:
    """Memory in MiB that a guest has now."""
    told = (read_bytes(paths.balloon) or b"").strip()
    if not told.isdigit():
        return found.memory_mib()
    try:
        async with asyncio.timeout(_ANSWER_S), qmp_session(paths.qmp, name) as qmp:
            return await _ask(qmp)
    except (HypervisorError, TimeoutError):
        return int(told)


async def _ask(qmp: Qmp) -> int:
    return int((await qmp.execute("query-balloon"))["actual"]) // MIB


def _note(paths: GuestPaths, memory_mib: int) -> None:
    write_atomic(paths.balloon, str(memory_mib).encode("ascii"), mode=0o644, durable=False)
