"""Query filters that commands make of the names they are given. Pure."""

from collections.abc import Iterable
from typing import Any

# Any: a filter is JSON, lists within lists.
Filter = list[Any]


def any_of(names: Iterable[str], field: str = "name") -> Filter | None:
    """Objects whose ``field`` is one of ``names``; without any, all objects."""
    parts = [["==", field, name] for name in names]
    return ["|", *parts] if parts else None


def all_of(parts: Iterable[Filter | None]) -> Filter | None:
    """Objects that match each of ``parts``; those that are ``None`` match all objects."""
    found = [part for part in parts if part is not None]
    return ["&", *found] if len(found) > 1 else found[0] if found else None


def online_nodes(names: Iterable[str], group: str | None) -> Filter | None:
    """Nodes that are not offline: of these names, and in this group, where those are given."""
    in_group = ["|", ["==", "group", group], ["==", "group.uuid", group]] if group else None
    return all_of([any_of(names), in_group, ["!", ["?", "offline"]]])
