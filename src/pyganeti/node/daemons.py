"""Daemons of a node, started and stopped by noded. Pure."""

import sys
from typing import Final

from pyganeti.kit.process import Command
from pyganeti.wire.noderpc.call import FAST_S

_DAEMON_UTIL: Final = "pyganeti.tools.daemon_util"


def daemons_command(*words: str) -> Command:
    """Let ``daemon-util`` start or stop daemons."""
    return Command((sys.executable, "-P", "-m", _DAEMON_UTIL, *words), timeout_s=FAST_S)
