"""What is under way, in a file of the master: so that it can be gone on with after a crash.

    3.1.0 3.2 4711
    converted

First line as Ganeti writes it: release it began with, target, process. The second is the stage, if
it is not the first one.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from pyganeti.cli.upgrading.version import Version, parse_version
from pyganeti.kit.files import read_bytes, remove, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.model.errors import GenericError, OpPrereqError

_MODE: Final = 0o600


class Stage(StrEnum):
    """How far it has come, as far as it matters for the way back."""

    REVERSIBLE = ""
    TAKING = "taking"  # whether the database holds the target's configuration, only it knows
    CONVERTED = "converted"  # it does, and the target's daemons may work on it


class Intent(NamedTuple):
    """An upgrade under way.

    Attributes:
        release: what the cluster was of when it began, in full.
        target: what it is to become.
        pid: the process that works on it, or did.
        stage: how far it has come.
    """

    release: str
    target: Version
    pid: int
    stage: Stage = Stage.REVERSIBLE

    @property
    def current(self) -> Version:
        """What the cluster was of when it began."""
        return parse_version(self.release)


def read_intent(paths: Paths) -> Intent | None:
    """What is under way, or ``None``.

    Raises:
        GenericError: the file cannot be understood.
    """
    data = read_bytes(paths.upgrade_intent)
    if data is None:
        return None
    lines = data.decode("utf-8", "replace").splitlines()
    try:
        release, target, pid = lines[0].split()
        stage = Stage("".join(lines[1:]))
        intent = Intent(release, parse_version(target), int(pid), stage)
        parse_version(release)
    except (ValueError, IndexError, OpPrereqError) as err:
        raise GenericError(
            f"{paths.upgrade_intent} cannot be understood: {data[:80]!r}; if no upgrade was"
            " interrupted, remove it"
        ) from err
    return intent


def write_intent(paths: Paths, intent: Intent) -> None:
    """Make it durable. Raises: OSError."""
    lines = [f"{intent.release} {intent.target} {intent.pid}"]
    lines += [intent.stage] if intent.stage else []
    text = "".join(f"{line}\n" for line in lines)
    write_atomic(paths.upgrade_intent, text.encode(), mode=_MODE)


def remove_intent(paths: Paths) -> None:
    """Nothing is under way any more."""
    remove(paths.upgrade_intent)
