"""Locks on the cluster's objects: who may work on what at the same time.

``modes`` (levels, modes, what goes together), ``request`` (what an opcode wants), ``arbiter``
(grants it; ``lock`` are its parts), ``owned`` (the locks of one opcode). Rules:
``docs/design/0003-jobs-locks-steps.md``.
"""

from .arbiter import Held, LockManager, LockState, LockWait
from .modes import ALL, BGL, SHOWN, Level, LockName, Mode, lock_name
from .owned import OwnedLocks
from .request import LockRequest, Opportunistic

__all__ = [
    "ALL",
    "BGL",
    "SHOWN",
    "Held",
    "Level",
    "LockManager",
    "LockName",
    "LockRequest",
    "LockState",
    "LockWait",
    "Mode",
    "Opportunistic",
    "OwnedLocks",
    "lock_name",
]
