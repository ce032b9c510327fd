"""Books of simulated guests that notice when two copies of one run at the same time."""

from collections import defaultdict

from pyganeti.node.hypervisor.fake.records import MemoryRecords, Record
from pyganeti.wire.noderpc.guests import GuestRole

_RUNS = frozenset({GuestRole.RUNNING, GuestRole.OUTGOING})


class Copies:
    """Which nodes run each guest.

    Attributes:
        doubles: each time when a guest ran on several nodes at once: its name and theirs.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, set[str]] = defaultdict(set)
        self.doubles: list[tuple[str, tuple[str, ...]]] = []

    def put(self, node: str, name: str, *, runs: bool) -> None:
        """The copy of a guest on a node runs from now on, or does not."""
        nodes = self._nodes[name]
        if not runs:
            nodes.discard(node)
            return
        nodes.add(node)
        if len(nodes) > 1:
            self.doubles.append((name, tuple(sorted(nodes))))


class WatchedRecords(MemoryRecords):
    """Books of one node.

    Args:
        node: its name.
        copies: told of all changes.
    """

    def __init__(self, node: str, copies: Copies) -> None:
        super().__init__()
        self._node = node
        self._copies = copies

    def put(self, record: Record) -> None:
        """See ``Records``."""
        super().put(record)
        self._copies.put(self._node, record.name, runs=record.role in _RUNS and not record.ended)

    def remove(self, name: str) -> None:
        """See ``Records``."""
        super().remove(name)
        self._copies.put(self._node, name, runs=False)
