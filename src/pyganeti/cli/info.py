"""The form of all ``info`` commands: nested values as YAML with Ganeti's keys. Pure.

    pairs, dictionaries, lists, scalars -> text

A list of pairs is a mapping in the order given, a dictionary one sorted by key. Scalars stand as
they are, as Ganeti's do, so that not every text is valid YAML: programs ask for ``--format yaml``.
"""

from collections.abc import Mapping
from typing import Any, Final

_INDENT: Final = "  "


def render(data: object) -> str:
    """``data`` as text, with a line end after the last line."""
    lines: list[str] = []
    _block(lines, data, 0)
    return "\n".join(lines) + "\n"


def records(rows: list[list[Any]], fields: list[str]) -> list[dict[str, Any]]:
    """Queried objects by field name, without the statuses: each once, in natural order."""
    from pyganeti.model.names import nice_sort_key

    found = {}
    for row in rows:
        one = dict(zip(fields, (value for _, value in row), strict=True))
        found[str(one["name"])] = one
    return [found[name] for name in sorted(found, key=nice_sort_key)]


def params(custom: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in force; those that are inherited are marked as default."""
    shown: dict[str, Any] = {}
    for key, value in actual.items():
        if isinstance(value, dict) and value:
            shown[key] = params(custom.get(key) or {}, value)
        else:
            shown[key] = str(value) if key in custom else f"default ({value})"
    return shown


def listed(values: "list[str] | tuple[str, ...] | None") -> str:
    """A list in one line."""
    return ", ".join(values) if values else "(none)"


def quoted(text: str) -> str:
    """``text`` in one line, so that it cannot look like several."""
    if text.isprintable():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _pairs(data: object) -> list[tuple[str, Any]] | None:
    """The mapping that ``data`` is, or ``None``."""
    if isinstance(data, dict):
        return sorted((str(key), value) for key, value in data.items())
    if isinstance(data, list) and data and all(isinstance(item, tuple) for item in data):
        return data
    return None


def _block(lines: list[str], data: object, depth: int) -> None:
    pairs = _pairs(data)
    if pairs is not None:
        for key, value in pairs:
            _entry(lines, f"{_INDENT * depth}{quoted(key)}:", value, depth)
    elif isinstance(data, list):
        for item in data:
            _item(lines, item, depth)
    else:
        lines.append(_INDENT * depth + _text(data))


def _entry(lines: list[str], head: str, value: object, depth: int) -> None:
    # The blank after the colon is Ganeti's; scripts cut there.
    if isinstance(value, dict | list):
        lines.append(f"{head} ")
        _block(lines, value, depth + 1)
    else:
        lines.append(f"{head} {_text(value)}")


def _item(lines: list[str], item: object, depth: int) -> None:
    """A list's item: its first line carries the dash."""
    inner: list[str] = []
    _block(inner, item, depth + 1)
    if inner:
        inner[0] = f"{_INDENT * depth}- {inner[0][len(_INDENT) * (depth + 1) :]}"
    lines += inner


def _text(value: object) -> str:
    # A literal of Python's such as [1, 2] is valid as it stands: only text is looked at.
    return quoted(value) if isinstance(value, str) else str(value)
