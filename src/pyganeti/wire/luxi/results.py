"""Reads what LUXI methods answer: a value of the form they have, or TypeError or ValueError.

Called by the client, which knows the method. Standard library only, because commands import it.
Any: all of it comes from JSON.
"""

from typing import Any


def _checked(holds: bool) -> None:
    if not holds:
        raise TypeError


def mapping(result: Any) -> dict[str, Any]:
    """An object."""
    _checked(isinstance(result, dict))
    return dict(result)


def plain_list(result: Any, length: int | None = None) -> list[Any]:
    """A list, of this length if there is one."""
    _checked(isinstance(result, list) and length in (None, len(result)))
    return list(result)


def rows(result: Any, width: int, count: int | None = None) -> list[list[Any] | None]:
    """Lists of one length, so many if that is known; ``None`` for what does not exist."""
    return [None if row is None else plain_list(row, width) for row in plain_list(result, count)]


def pair(result: Any) -> tuple[Any, Any]:
    """Two values."""
    first, second = plain_list(result, 2)
    return first, second


def pairs(result: Any) -> list[tuple[Any, Any]]:
    """A list of two values each."""
    return [pair(item) for item in plain_list(result)]


def definitions(result: Any) -> list[dict[str, str]]:
    """The definitions of fields in an answer to a query."""
    found = plain_list(mapping(result).get("fields"))
    for field in found:
        _checked(isinstance(field, dict) and {"name", "title", "kind", "doc"} <= field.keys())
    return found


def query_result(result: Any) -> dict[str, Any]:
    """An answer to a query: definitions, and a cell for each of them in each row."""
    width = len(definitions(result))
    for row in plain_list(result.get("data")):
        for cell in plain_list(row, width):
            _checked(isinstance(cell, list) and len(cell) == 2)
    return mapping(result)


def job_change(result: Any, width: int) -> tuple[list[Any], list[list[Any]]] | None:
    """Values and log entries of a job, or that nothing changed."""
    if result == "nochange":
        return None
    info, entries = pair(result)
    return plain_list(info, width), [plain_list(entry, 4) for entry in plain_list(entries or [])]
