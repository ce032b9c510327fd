"""Users that guests run as, where each has one of its own: ``security_model=pool``.

A user id of the cluster's pool is taken as long as any process of this machine has it, so nothing
has to be given back: with its QEMU's end, however it came, it is free. ``uid/NAME`` says which one
a guest has, as Ganeti writes it.
"""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from pyganeti.kit.files import write_atomic
from pyganeti.kit.process import is_at_work
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HypervisorError
from pyganeti.model.uid_pool import UidRange

from .layout import GuestPaths
from .process import read_bytes_quietly

_UIDS: Final = b"Uid:"


class UserPool:
    """The users of this node's guests.

    Args:
        ranges: reads the cluster's pool.
        taken: user ids that processes of this machine have.
    """

    def __init__(
        self,
        ranges: Callable[[], tuple[UidRange, ...]],
        taken: Callable[[], frozenset[int]] | None = None,
    ) -> None:
        self._ranges = ranges
        self._taken = taken or used_uids
        self._starting: set[int] = set()
        self._choice = asyncio.Lock()

    def check(self) -> None:
        """Refuse guests with users of their own where there is no pool.

        Raises:
            HypervisorError: it is empty.
        """
        if not self._ranges():
            text = "'pool', expected none or user, because the cluster's pool of user ids is empty"
            raise HypervisorError(f"hypervisor parameter security_model: {text}")

    @asynccontextmanager
    async def one(self, name: str, paths: GuestPaths) -> AsyncIterator[str]:
        """A user that nobody else has, held while a QEMU is started that then has it itself.

        Raises:
            HypervisorError: all are taken.
        """
        uid = await self._choose(name)
        try:
            write_atomic(paths.uid, str(uid).encode("ascii"), mode=0o644, durable=False)
            yield user_name(uid)
        finally:
            self._starting.discard(uid)

    async def _choose(self, name: str) -> int:
        async with self._choice:
            taken = await in_thread(self._taken) | self._starting
            for first, last in self._ranges():
                for uid in range(first, last + 1):
                    if uid not in taken:
                        self._starting.add(uid)
                        return uid
        raise HypervisorError(f"{name}: all user ids of the cluster's pool are taken on this node")


def user_name(uid: int) -> str:
    """A user as QEMU takes it: by name, so that it gets the user's groups, or else by number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{uid}:{uid}"


def used_uids() -> frozenset[int]:
    """Real, effective, saved and file system user ids of all processes."""
    found: set[int] = set()
    for pid in os.listdir("/proc"):
        # One that is being taken down does nothing any more, however long that takes.
        if pid.isdigit() and is_at_work(int(pid)):
            found |= uids_of(pid)
    return frozenset(found)


def uids_of(pid: str) -> frozenset[int]:
    """The same of one process; none if it is gone."""
    # Not the owner of the directory: that is root for a program that has changed its user.
    for line in read_bytes_quietly(f"/proc/{pid}/status").splitlines():
        if line.startswith(_UIDS):
            return frozenset(map(int, line.removeprefix(_UIDS).split()))
    return frozenset()
