"""What is wrong with a value, in words. Pure.

Where values are read by their types, msgspec says what does not fit, for programmers: in the names
of JSON's types and with a path. Those who gave the value get this.
"""

import re
from typing import Final

_TYPES: Final = {
    "array": "a list",
    "bool": "a boolean",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "a mapping",
    "str": "a string",
}
_QUOTED: Final = re.compile(r"`([^`]*)`")
# A message and the end of it that says where, as in: Expected `int`, got `str` - at `$.disks[0]`
_PARTS: Final = re.compile(
    r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$\.?(?P<path>[^`]*)`)?", re.S
)
_FORMS: Final = (
    (re.compile(r"Invalid enum value (.*)", re.S), r"\1 is none of the possible values"),
    (re.compile(r"Object missing required field `([^`]*)`"), r"'\1' is missing"),
    (re.compile(r"Object contains unknown field `(.*)`", re.S), r"there is no '\1'"),
    (re.compile(r"Expected (.*)", re.S), r"expected \1"),
)


def in_words(message: str) -> str:
    """A message of msgspec, the place of a nested value before it: ``[0].size: expected ...``."""
    place, what = placed(message)
    return f"{place}: {what}" if place else what


def placed(message: str) -> tuple[str, str]:
    """Where in a nested value the wrong one is, or an empty string; and what is wrong with it."""
    parts = _PARTS.fullmatch(message)
    assert parts is not None  # it matches anything
    what = parts["what"]
    for pattern, words in _FORMS:
        if pattern.fullmatch(what):
            what = pattern.sub(words, what)
            break
    key = "a key of " if parts["key"] else ""
    place = key + (parts["path"] or ("the mapping" if key else ""))
    if what.startswith("expected "):
        what = _QUOTED.sub(lambda found: _kinds(found[1]), what)
    return place, what


def _kinds(names: str) -> str:
    """Types as msgspec names them: ``int | null``."""
    return " or ".join(_TYPES.get(name, name) for name in names.split(" | "))
