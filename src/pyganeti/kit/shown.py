"""Values in messages: cut where they are long or deep, since a client may have made them up."""

from collections.abc import Iterable
from itertools import islice
from reprlib import Repr
from typing import Final

_LONGEST: Final = 80
# Beyond that the message is cut anyway.
_ITEMS: Final = 20
_REDACTED: Final = "<redacted>"


def cut(text: str, longest: int = 500) -> str:
    """A message of a library, which may repeat what a client made up."""
    return text if len(text) <= longest else f"{text[:longest]}..."


class _Short(Repr):
    def __init__(self, hidden: Iterable[str]) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = _LONGEST
        self.maxlist = self.maxtuple = self.maxdict = _ITEMS
        self._hidden = frozenset(hidden)

    def repr_dict(self, x: dict[object, object], level: int) -> str:
        """As usual, but in order, and without what must not be seen."""
        if level <= 0 and x:
            return "{...}"
        pieces = [
            f"{self.repr1(key, level - 1)}: {self._value(key, value, level - 1)}"
            for key, value in islice(x.items(), self.maxdict)
        ]
        return "{" + ", ".join([*pieces, "..."] if len(x) > self.maxdict else pieces) + "}"

    def _value(self, key: object, value: object, level: int) -> str:
        hidden = isinstance(key, str) and key in self._hidden
        return repr(_REDACTED) if hidden else self.repr1(value, level)


def shown(value: object, hidden: Iterable[str] = ()) -> str:
    """``value`` as in Python, of at most 80 characters.

    Args:
        value: JSON.
        hidden: keys whose values are not shown, at any depth.
    """
    text = _Short(hidden).repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
