"""What a node's DRBD is: version, helper program, minors in use. Source: gnt-cluster(8) INIT."""

import re
from typing import Final, Protocol

from pyganeti.kit.files import read_bytes
from pyganeti.model.errors import BlockDeviceError
from pyganeti.wire.noderpc.types import DrbdInfo

from .device import Drbd

HELPER: Final = "/sys/module/drbd/parameters/usermode_helper"
_PROC: Final = "/proc/drbd"
_VERSION: Final = re.compile(r"^version: (\S+)", re.MULTILINE)


class DrbdFacts(Protocol):
    """Tells what a node's DRBD is."""

    def helper(self) -> str:
        """The program that the kernel calls when something happens to a device.

        Raises:
            BlockDeviceError: DRBD is not there.
        """
        ...

    async def info(self) -> DrbdInfo:
        """All there is to tell, an error included."""
        ...


class KernelFacts:
    """See :class:`DrbdFacts`.

    Args:
        drbd: DRBD's programs.
    """

    def __init__(self, drbd: Drbd) -> None:
        self._drbd = drbd

    def helper(self) -> str:
        """See :class:`DrbdFacts`."""
        return read_helper()

    async def info(self) -> DrbdInfo:
        """See :class:`DrbdFacts`."""
        try:
            helper = self.helper()
            minors = tuple(sorted(await self._drbd.states()))
        except BlockDeviceError as err:
            return DrbdInfo(error=str(err))
        found = _VERSION.search((read_bytes(_PROC) or b"").decode("ascii", "replace"))
        return DrbdInfo(version="" if found is None else found[1], helper=helper, minors=minors)


def read_helper() -> str:
    """The helper program of this machine's kernel.

    Raises:
        BlockDeviceError: the module is not loaded.
    """
    data = read_bytes(HELPER)
    if data is None:
        raise BlockDeviceError("the kernel module drbd is not loaded")
    return data.decode("utf-8", "replace").strip()
