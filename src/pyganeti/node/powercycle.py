"""Reboot of the machine at once, as its reset button does: ``gnt-node powercycle``.

The kernel is told through its trigger for emergencies. Source: gnt-node(8) POWERCYCLE.
"""

import os
from collections.abc import Callable
from typing import Final

from pyganeti.model.errors import OpExecError

TRIGGER: Final = "/proc/sysrq-trigger"
# So the answer is on its way before.
DELAY_S: Final = 5.0
_REBOOT: Final = b"b"

Later = Callable[[float, Callable[[], None]], None]


class Powercycle:
    """Reboots this machine.

    Args:
        trigger: where the kernel is told; ``None`` on a virtual node, which is no machine.
        later: calls something after some seconds.
    """

    def __init__(self, trigger: str | None, later: Later) -> None:
        self._trigger = trigger
        self._later = later

    def schedule(self) -> str:
        """Reboot soon; what to tell the user.

        Raises:
            OpExecError: it cannot be done.
        """
        if self._trigger is None:
            raise OpExecError("a virtual node cannot be rebooted")
        if not os.access(self._trigger, os.W_OK):
            raise OpExecError(f"{self._trigger} cannot be written to: the kernel lacks it")
        self._later(DELAY_S, self._reboot)
        return f"Reboot scheduled in {DELAY_S:.0f} seconds"

    def _reboot(self) -> None:
        assert self._trigger is not None
        handle = os.open(self._trigger, os.O_WRONLY)
        try:
            os.write(handle, _REBOOT)
        finally:
            os.close(handle)
