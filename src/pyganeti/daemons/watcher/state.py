"""What the watcher remembers of a node group from one run to the next.

A JSON file with Ganeti's names: ``{"instance": {NAME: {"restart_count": 1, "restart_when": 17e8}},
"node": {NAME: {"bootid": "..."}}}``. Without it the tries are counted anew and all nodes count as
freshly booted. Source: ganeti-watcher(8) FILES.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pyganeti.kit.files import read_bytes, write_atomic

# So many starts an instance gets, until that long has passed since the last one.
TRIES: Final = 5
FORGET_S: Final = 8 * 3600.0

_log = logging.getLogger(__name__)


class Tries(msgspec.Struct):
    """How often an instance was started, and when last, in seconds since the epoch."""

    restart_count: int = 0
    restart_when: float = 0.0


class Boot(msgspec.Struct):
    """The boot of a node in which its instances' disks were last activated."""

    bootid: str


class _File(msgspec.Struct):
    instance: dict[str, Tries] = msgspec.field(default_factory=dict)
    node: dict[str, Boot] = msgspec.field(default_factory=dict)


@dataclass
class GroupState:
    """Tries by instance and boots by node; :meth:`save` makes changes last.

    Args:
        path: of the file.
    """

    path: str
    _file: _File = field(default_factory=_File)

    @classmethod
    def load(cls, path: str) -> "GroupState":
        """Read the file; one that is missing or damaged remembers nothing."""
        data = read_bytes(path)
        if not data:
            return cls(path)
        try:
            return cls(path, msgspec.json.decode(data, type=_File))
        except msgspec.MsgspecError as err:
            _log.warning("%s is damaged and counts for nothing: %s", path, err)
            return cls(path)

    def save(self) -> None:
        """Write the file.

        Raises:
            OSError: the old one is as it was.
        """
        write_atomic(self.path, msgspec.json.encode(self._file) + b"\n", mode=0o600)

    def may_start(self, instance: str, now: float) -> bool:
        """Whether another start of it is worth a try."""
        tries = self._file.instance.get(instance)
        if tries is None:
            return True
        if now - tries.restart_when >= FORGET_S:
            del self._file.instance[instance]
            return True
        return tries.restart_count < TRIES

    def started(self, instance: str, now: float) -> None:
        """Count a try."""
        tries = self._file.instance.setdefault(instance, Tries())
        tries.restart_count += 1
        tries.restart_when = now

    def is_well(self, instance: str) -> bool:
        """Forget the tries of one that runs; whether there were any."""
        return self._file.instance.pop(instance, None) is not None

    def keep_only(self, instances: set[str], nodes: set[str]) -> None:
        """Forget what has left the group."""
        file = self._file
        file.instance = {name: tries for name, tries in file.instance.items() if name in instances}
        file.node = {name: boot for name, boot in file.node.items() if name in nodes}

    def has_booted(self, node: str, boot_id: str) -> bool:
        """Whether a node was booted since :meth:`knows_boot`."""
        known = self._file.node.get(node)
        return known is None or known.bootid != boot_id

    def knows_boot(self, node: str, boot_id: str) -> None:
        """Remember that nothing is left to do after this boot."""
        self._file.node[node] = Boot(boot_id)
