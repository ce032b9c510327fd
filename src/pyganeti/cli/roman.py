"""``--roman``: whole numbers of an ``info`` command as Romans wrote them. Pure."""

from typing import Any, Final

_SIGNS: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
# They had no sign for more.
_LARGEST: Final = 4999


def roman(number: int) -> str:
    """``number`` in Roman signs; as it is where there are none."""
    if not 0 < number <= _LARGEST:
        return str(number)
    text = ""
    for value, sign in _SIGNS:
        count, number = divmod(number, value)
        text += sign * count
    return text


def romanized(data: Any) -> Any:
    """``data`` of an info command with all its whole numbers in Roman signs."""
    if isinstance(data, dict):
        return {key: romanized(value) for key, value in data.items()}
    if isinstance(data, list):
        return [romanized(item) for item in data]
    if isinstance(data, tuple):
        return tuple(romanized(item) for item in data)
    if isinstance(data, int) and not isinstance(data, bool):
        return roman(data)
    return data
