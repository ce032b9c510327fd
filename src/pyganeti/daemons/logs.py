"""Logging of a daemon: its file, opened anew on request, and syslog if wanted."""

import logging
import logging.handlers
import os
import sys
from typing import Final, TextIO

_FORMAT: Final = "%(asctime)s: {name} pid=%(process)d %(levelname)s %(message)s"
_SYSLOG_FORMAT: Final = "{name}[%(process)d]: %(levelname)s %(message)s"
_MODE: Final = 0o600


class ReopenedFile(logging.StreamHandler[TextIO]):
    """A log file that can be opened anew after it was moved away."""

    def __init__(self, path: str) -> None:
        self._path = path
        super().__init__(_open(path))

    def reopen(self) -> None:
        """Close the file and open it by name again."""
        old = self.setStream(_open(self._path))
        if old is not None:
            old.close()

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
        super().close()


def _open(path: str) -> TextIO:
    # Root writes in this directory, which is not root's alone: a link there is not followed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return open(os.open(path, flags, _MODE), "a", encoding="utf-8")


def set_up_logging(name: str, path: str, *, debug: bool, syslog: str) -> ReopenedFile | None:
    """Send what this process logs to ``path`` and, as ``syslog`` says, to syslog.

    A terminal that is there gets it too. Returns the file's handler, if there is one.
    """
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    formatter = logging.Formatter(_FORMAT.format(name=name))
    file = None if syslog == "only" else ReopenedFile(path)
    handlers: list[logging.Handler] = [] if file is None else [file]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(formatter)
    if syslog != "no":
        facility = logging.handlers.SysLogHandler.LOG_DAEMON
        system = logging.handlers.SysLogHandler("/dev/log", facility)
        system.setFormatter(logging.Formatter(_SYSLOG_FORMAT.format(name=name)))
        handlers.append(system)
    for handler in handlers:
        root.addHandler(handler)
    # One line for each change of a selector's state is of no use to anybody.
    logging.getLogger("asyncio").setLevel(logging.INFO if debug else logging.WARNING)
    # It logs every message, VNC passwords included.
    logging.getLogger("qemu").setLevel(logging.WARNING)
    return file
