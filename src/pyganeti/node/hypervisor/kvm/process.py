"""A guest's QEMU process, found by its pid file and proved by its command line in ``/proc``.

A pid alone proves nothing: after a reboot or a wrap it may be anybody's.
"""

import os
from dataclasses import dataclass

from pyganeti.kit.files import read_bytes

from .layout import GuestPaths

_MIB_SUFFIXES = {"K": 1 / 1024, "M": 1, "G": 1024}


@dataclass(frozen=True, slots=True)
class GuestProcess:
    """A running guest: its pid and command line."""

    pid: int
    argv: tuple[str, ...]

    def value(self, option: str) -> str:
        """What follows ``option`` on the command line, or an empty string."""
        if option not in self.argv[:-1]:
            return ""
        return self.argv[self.argv.index(option) + 1]

    def memory_mib(self) -> int:
        """Memory it was started with."""
        text = self.value("-m").partition(",")[0].removeprefix("size=")
        factor = _MIB_SUFFIXES.get(text[-1:].upper())
        number = text[:-1] if factor else text
        return int(float(number) * (factor or 1)) if number.isdigit() else 0

    def vcpus(self) -> int:
        """Virtual CPUs it was started with."""
        text = self.value("-smp").partition(",")[0].removeprefix("cpus=")
        return int(text) if text.isdigit() else 1

    def cpu_seconds(self) -> float:
        """CPU time it has used; 0 when it has just ended."""
        fields = (read_bytes_quietly(f"/proc/{self.pid}/stat").rpartition(b")")[2]).split()
        if len(fields) < 13:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_bytes_quietly(path: str) -> bytes:
    """Content of a file in ``/proc``; empty when the process is gone."""
    try:
        return read_bytes(path) or b""
    except ProcessLookupError:
        return b""


def find(paths: GuestPaths) -> GuestProcess | None:
    """The guest's process, if it runs."""
    text = (read_bytes(paths.pid) or b"").strip()
    if not text.isdigit():
        return None
    words = read_bytes_quietly(f"/proc/{int(text)}/cmdline").split(b"\0")
    argv = tuple(word.decode("utf-8", "replace") for word in words)
    process = GuestProcess(int(text), argv)
    return process if process.value("-pidfile") == paths.pid else None
