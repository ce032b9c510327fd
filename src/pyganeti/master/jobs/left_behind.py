"""What an undo that could not be run would have touched; pure. Called by the leftovers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pyganeti.master.jobs.journal import Undo
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView

# Until these have run, a guest may, or a program that writes to disks.
ENDS_GUESTS: Final = frozenset(
    {
        "backup.end_zeroing",
        "instance.end_helper",
        "instance.settle_migration",
        "instance.stop",
        "node.end_tasks",
    }
)


def nodes_of(undo: Undo, view: ClusterView) -> list[Node]:
    """The members of the cluster that it calls, each once."""
    args = undo.args
    named = args.get("nodes") or [args.get("node") or args.get("spec", {}).get("primary_node")]
    disks = (disk for disk in args.get("disks", ()) if isinstance(disk, dict))
    named = [*named, *(node for disk in disks for node in disk.get("nodes", ()))]
    known = (view.find_node(node) for node in dict.fromkeys(named) if isinstance(node, str))
    return [node for node in known if node is not None]


def places_of(undo: Undo) -> list[str]:
    """Volumes and files that it would remove or rename, each once, as their storage names them."""
    return list(dict.fromkeys(_places(undo.args)))


def _places(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        parts = value.get("children")
        place = value.get("logical_id")
        if isinstance(place, Sequence) and not isinstance(place, str) and not parts:
            yield "/".join(str(word) for word in place)
        for item in value.values():
            yield from _places(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _places(item)
