"""Bad input made from good: JSON taken apart and put together wrongly, and bytes spoiled.

    kept inputs -> Mutator(seed) -> one input after another, the same for the same seed

A mutation works on the tree where there is one, so that most of what comes out is still read and
gets deep into what reads it; a smaller part is spoiled as text.
"""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

# Any: JSON.
Json = Any

LONGEST: Final = 64 * 1024
_SMALL: Final = 1000
_WORDS: Final = 5000
_DEEP: Final = (2, 30, 65, 90, 110, 2000)

VALUES: Final[Sequence[Json]] = (
    None, True, False, 0, 1, -1, 2, 15, 16, 64, 127, 128, 255, 256, 1000, 65535, 65536, 2**31 - 1,
    2**31, -(2**31) - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, -(10**30), 10**400,
    0.0, -0.0, 0.5, -1.5, 1e-300, 1e300, 1.0, 1e16, "", " ", "\0", "\n", "\t", "0", "1", "-1",
    "1.0", "1e5", "0x10", "true", "null", "None", "nan", "inf", "\u0661", "x", "x" * 300,
    "x" * 5000, "\ud800", "\udfff\ud800", "\U0001f600", "\u202e", "e\u0301", "'", '"', "\\", "/",
    "..", "../../etc/passwd", "/", "/dev/null", "*", "?", "[", "(", "(a+)+$", "%s", "%n", "{}",
    "{0.__class__}", "$(id)", "`id`", ";", "-", "--help", "a,b", "a=b", "a:b", "\x03", "\x7f",
    [], {}, [None], [[]], [{}], {"": None}, {"a": 1}, [1, 2], ["a", "b"], ["a", 1], [["a", 1]],
)  # fmt: skip

# Spoils what a JSON library would not write.
_TOKENS: Final = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-", b"01", b"1.", b".5", b"+1", b"0x1", b"1e",
    b"'a'", b'"\\ud800"', b'"\\u0000"', b'"\\x41"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"',
    b"\x00", b"\x03", b"\xef\xbb\xbf", b"nul", b"undefined", b",", b":", b"{", b"}", b"[", b"]",
    b'"', b"\\", b"/**/", b'{"a":1,"a":2}', b"9" * 5000, b"\r\n", b"\n", b"\r\n\r\n",
)  # fmt: skip


class Mutator:
    """Makes inputs.

    Args:
        seed: of all choices.
        inputs: what to start from; grows through :meth:`keep`.
    """

    def __init__(self, seed: int, inputs: Sequence[bytes]) -> None:
        self._random = random.Random(seed)
        self._inputs = list(inputs)
        self._words: list[Json] = list(VALUES)
        self._known: set[str] = set()
        for data in inputs:
            self._learn(data)

    def keep(self, data: bytes) -> None:
        """Start from ``data`` as well."""
        self._inputs.append(data)
        self._learn(data)

    def _learn(self, data: bytes) -> None:
        """Use the texts and keys of ``data`` elsewhere, too."""
        tree = _parse(data)
        if tree is not _NOTHING and len(self._words) < _WORDS:
            new = {word for word in _texts(tree) if len(word) < 200} - self._known
            self._known |= new
            self._words += sorted(new)

    def make(self) -> bytes:
        """The next input."""
        choice = self._random
        data = choice.choice(self._inputs)
        tree = _parse(data)
        if tree is not _NOTHING and choice.random() < 0.85:
            for _ in range(choice.choice((1, 1, 1, 2, 3, 6))):
                tree = self._bent(tree)
            data = _text(tree, choice)
            if choice.random() < 0.8:
                return data[:LONGEST]
        for _ in range(choice.choice((1, 1, 2, 4))):
            # Cut each time: what is repeated more than once would become all of memory.
            data = self._spoiled(data)[:LONGEST]
        return data[:LONGEST]

    # --- trees

    def _bent(self, tree: Json) -> Json:
        """``tree`` with one change at a random place."""
        places = list(_places(tree))
        if not places or self._random.random() < 0.03:
            return self._other(tree)
        container, key = self._random.choice(places)
        how = self._random.randrange(9)
        if how == 0:
            del container[key]
        elif how == 1 and isinstance(container, list):
            container.insert(key, _copy(container[self._random.randrange(len(container))]))
        elif how == 1:
            container[self._word()] = _copy(container[key])
        elif how == 2 and isinstance(container, dict):
            container[self._word()] = container.pop(key)
        else:
            container[key] = self._other(container[key])
        return tree

    def _word(self) -> str:
        for _ in range(20):
            word = self._random.choice(self._words)
            if isinstance(word, str):
                return word
        return "x"

    def _other(self, value: Json) -> Json:
        """Something in the place of ``value``."""
        how = self._random.randrange(12)
        if how < 5:
            return _copy(self._random.choice(self._words))
        if how == 5:
            return self._nested(value)
        if how == 6:
            return self._converted(value)
        if how == 7:
            other = _parse(self._random.choice(self._inputs))
            places = [] if other is _NOTHING else list(_places(other))
            container, key = self._random.choice(places) if places else ([other], 0)
            return None if container[key] is _NOTHING else container[key]
        if how == 8 and _is_small(value):
            return [_copy(value) for _ in range(self._random.choice((0, 2, 3, 50)))]
        if how == 9 and isinstance(value, int):
            return value + self._random.choice((-1, 1, 2**31, 2**63))
        if how == 10 and isinstance(value, str):
            return value * self._random.choice((2, 100)) if len(value) < 500 else value[:10]
        return self._nudged(value)

    def _nested(self, value: Json) -> Json:
        key = self._word()[:10]
        as_list = self._random.random() < 0.5
        for _ in range(self._random.choice(_DEEP)):
            value = [value] if as_list else {key: value}
        return value

    def _converted(self, value: Json) -> Json:
        if isinstance(value, str):
            return (
                int(value)
                if value.isascii() and value.isdecimal() and len(value) < 4000
                else [value]
            )
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int):
            return self._random.choice((str(value)[:100], [value], bool(value)))
        if isinstance(value, dict):
            return [[key, item] for key, item in value.items()]
        if isinstance(value, list):
            return {str(number): item for number, item in enumerate(value)}
        return str(value)

    def _nudged(self, value: Json) -> Json:
        if isinstance(value, str) and value:
            at = self._random.randrange(len(value))
            return value[:at] + self._word()[:20] + value[at + 1 :]
        return _copy(self._random.choice(VALUES))

    # --- bytes

    def _spoiled(self, data: bytes) -> bytes:
        """``data`` with one change of its bytes."""
        begin, end = sorted(self._random.randrange(len(data) + 1) for _ in range(2))
        how = self._random.randrange(7)
        if how == 0:
            return data[:begin]
        if how == 1:
            return data[:begin] + data[end:]
        if how == 2:
            return data[:end] + data[begin:end] * self._random.choice((1, 3, 100)) + data[end:]
        if how == 3:
            return data[:begin] + bytes([self._random.randrange(256)]) + data[begin + 1 :]
        if how == 4:
            other = self._random.choice(self._inputs)
            return data[:begin] + other[self._random.randrange(len(other) + 1) :]
        if how == 5 and begin < len(data):
            flipped = data[begin] ^ (1 << self._random.randrange(8))
            return data[:begin] + bytes([flipped]) + data[begin + 1 :]
        return data[:begin] + self._random.choice(_TOKENS) + data[begin:]


class _Nothing:
    """Not JSON."""


_NOTHING: Final = _Nothing()


def _parse(data: bytes) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _NOTHING


def _text(tree: Json, choice: random.Random) -> bytes:
    try:
        text = json.dumps(tree, ensure_ascii=choice.random() < 0.5, separators=(",", ":"))
    except (RecursionError, ValueError):
        return b"[" * 5000
    return text.encode("utf-8", "surrogatepass")


def _places(tree: Json) -> Iterator[tuple[Json, Json]]:
    """Every container with each of its keys; in no particular depth, without recursion."""
    left = [tree]
    while left:
        container = left.pop()
        if isinstance(container, dict | list):
            keys = container.keys() if isinstance(container, dict) else range(len(container))
            for key in keys:
                yield container, key
                left.append(container[key])


def _texts(tree: Json) -> Iterator[str]:
    for container, key in _places([tree]):
        if isinstance(key, str):
            yield key
        if isinstance(container[key], str):
            yield container[key]


def _is_small(value: Json) -> bool:
    try:
        return len(json.dumps(value)) < _SMALL
    except (RecursionError, ValueError):
        return False


def _copy(value: Json) -> Json:
    """A value that can be changed; shared parts would change together."""
    try:
        return json.loads(json.dumps(value))
    except (RecursionError, ValueError):
        return None
