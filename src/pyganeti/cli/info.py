"""The form of all ``info`` commands: nested values as YAML with Ganeti's keys. Pure.

    pairs, dictionaries, lists, scalars -> text

A list of pairs is a mapping in the order given, a dictionary one sorted by key. A scalar is quoted
only where it would not be one otherwise.
"""

from collections.abc import Mapping
from typing import Any, Final

_INDENT: Final = "  "
# A plain scalar may not begin with these.
_INDICATORS: Final = frozenset("[]{}&*!|>'\"%@`#,")


def render(data: object) -> str:
    """``data`` as text, with a line end after the last line."""
    lines: list[str] = []
    _block(lines, data, 0)
    return "\n".join(lines) + "\n"


def params(custom: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in force; those that are inherited are marked as default."""
    shown: dict[str, Any] = {}
    for key, value in actual.items():
        if isinstance(value, dict):
            shown[key] = params(custom.get(key) or {}, value)
        else:
            shown[key] = str(value) if key in custom else f"default ({value})"
    return shown


def listed(values: "list[str] | tuple[str, ...] | None") -> str:
    """A list in one line."""
    return ", ".join(values) if values else "(none)"


def quoted(text: str) -> str:
    """``text`` as a YAML scalar."""
    if not text:
        return text
    broken = (
        text[0] in _INDICATORS
        or text[:2] in ("- ", "? ", ": ")
        or ": " in text
        or " #" in text
        or text[-1] == ":"
        or text != text.strip()
        or not text.isprintable()
    )
    if not broken:
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
