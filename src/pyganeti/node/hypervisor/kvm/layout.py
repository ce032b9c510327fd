"""Where a guest's files lie below ``run/ganeti/kvm-hypervisor``. Source: layout.json.

pid/NAME, uid/NAME, ctrl/NAME.{monitor,qmp,serial,qga,tpm,trace,shutdown,balloon},
conf/NAME.runtime,
nic/NAME/{INDEX,UUID} (name of the interface), chroot/, chroot-quarantine/, keymap/.
Where sockets could not be reached under so long a NAME, ctrl/ has =DIGEST in its place.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pyganeti.kit.paths import MAX_SOCKET_PATH
from pyganeti.model.errors import HypervisorError

DIRECTORIES = ("pid", "uid", "ctrl", "conf", "nic", "chroot", "chroot-quarantine", "keymap")
# Of all sockets.
_LONGEST: Final = ".monitor"
_DIGITS: Final = 24


@dataclass(frozen=True, slots=True)
class GuestPaths:
    """Paths of one guest's files; those below ``ctrl`` begin with ``control``."""

    pid: str
    uid: str
    control: str
    monitor: str
    qmp: str
    serial: str
    trace: str
    shut_down: str
    balloon: str
    agent: str
    tpm: str
    runtime: str
    nics: str
    chroot: str
    quarantine: str

    def nic(self, key: int | str) -> str:
        """The file with the name of a NIC's interface; ``key`` is its position or UUID."""
        return f"{self.nics}/{key}"

    @property
    def sockets(self) -> tuple[str, str, str, str]:
        """All sockets."""
        return self.monitor, self.qmp, self.serial, self.agent

    @property
    def files(self) -> tuple[str, ...]:
        """All sockets, and all files but those of NICs."""
        told = (self.trace, self.shut_down, self.balloon)
        return (*self.sockets, self.runtime, self.pid, self.uid, *told)

    def check_sockets(self) -> None:
        """Refuse a guest whose sockets nobody could reach.

        Raises:
            HypervisorError: the directory's path is too long, whatever the guest's name.
        """
        if not _is_reachable(self.control):
            raise HypervisorError(
                f"the path of socket {self.control}{_LONGEST} is longer than the"
                f" {MAX_SOCKET_PATH} bytes Linux allows; use a shorter directory"
            )


def _is_reachable(control: str) -> bool:
    return len(os.fsencode(f"{control}{_LONGEST}")) <= MAX_SOCKET_PATH


def _control(directory: str, name: str) -> str:
    """What the guest's control files begin with; no host name begins as a digest does."""
    control = f"{directory}/ctrl/{name}"
    if _is_reachable(control):
        return control
    return f"{directory}/ctrl/={sha256(name.encode()).hexdigest()[:_DIGITS]}"


class KvmLayout:
    """The directory of all guests' files."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.pids = f"{directory}/pid"

    def make(self) -> None:
        """Make the directories that are missing.

        Raises:
            OSError: with the path.
        """
        for name in DIRECTORIES:
            os.makedirs(f"{self.directory}/{name}", 0o755, exist_ok=True)

    def started(self) -> tuple[str, ...]:
        """Names of the guests that were started here and not stopped since, sorted."""
        try:
            files = os.listdir(f"{self.directory}/conf")
        except FileNotFoundError:
            return ()
        suffix = ".runtime"
        return tuple(sorted(file.removesuffix(suffix) for file in files if file.endswith(suffix)))

    def guest(self, name: str) -> GuestPaths:
        """Paths of the guest ``name``.

        Raises:
            HypervisorError: it is no name of an instance.
        """
        if not name or "/" in name or name.startswith("."):
            raise HypervisorError(f"{name!r} is no name of an instance")
        base = self.directory
        control = _control(base, name)
        return GuestPaths(
            pid=f"{base}/pid/{name}",
            uid=f"{base}/uid/{name}",
            control=control,
            monitor=f"{control}{_LONGEST}",
            qmp=f"{control}.qmp",
            serial=f"{control}.serial",
            trace=f"{control}.trace",
            shut_down=f"{control}.shutdown",
            balloon=f"{control}.balloon",
            agent=f"{control}.qga",
            tpm=f"{control}.tpm",
            runtime=f"{base}/conf/{name}.runtime",
            nics=f"{base}/nic/{name}",
            chroot=f"{base}/chroot/{name}",
            quarantine=f"{base}/chroot-quarantine",
        )
