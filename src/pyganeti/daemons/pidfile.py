"""A daemon's own pid file: locked as long as it lives, filled once it is ready.

``tools/pidfile.py`` reads it. Source: contract between daemon-util and the daemons.
"""

import fcntl
import os
from typing import Final

from pyganeti.kit.files import remove, write_atomic
from pyganeti.model.errors import GenericError
from pyganeti.tools.pidfile import running_pid, status_path, wait_until

# What is left of a killed daemon with gigabytes of memory goes within a second or two.
PATIENCE_S: Final = 10.0


class PidFile:
    """The pid file of this process.

    A daemon that was killed holds it until the kernel has taken it down: it is waited for. So is
    one that is not ready, since nobody can tell the two apart.

    Args:
        path: where it lies.
        patience_s: how long.

    Raises:
        GenericError: another process holds it.
        OSError: it cannot be made.
    """

    def __init__(self, path: str, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        # Root's lie in a directory that is not root's alone: a link there is not followed.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._handle = os.open(path, flags, 0o644)
        wait_until(lambda: self._take() or running_pid(path) is not None, patience_s)
        if not self._take():
            os.close(self._handle)
            raise GenericError(f"already running: another process holds {path}")
        # What a former process wrote must not be taken for ours while we are not ready.
        os.ftruncate(self._handle, 0)
        remove(status_path(path))

    def _take(self) -> bool:
        """Lock it, unless another process has; whether it is ours."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def announce(self) -> None:
        """Say that this process is ready."""
        os.pwrite(self._handle, f"{os.getpid()}\n".encode("ascii"), 0)

    def tell(self, text: str, more_s: float) -> None:
        """Say what keeps this process from ending, and for how long it may, in a file beside it."""
        write_atomic(status_path(self._path), f"{more_s:g} {text}\n".encode(), durable=False)

    def close(self) -> None:
        """Give it up. The file stays, empty: removing it would race with the next process.

        What was told stays, too: whoever waits for our end may not have read it yet.
        """
        os.ftruncate(self._handle, 0)
        os.close(self._handle)
