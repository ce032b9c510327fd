"""How deep JSON is nested, told from its text alone. Pure.

    text -> is_too_deep -> decoder -> values

What works on decoded values (redacting, encoding, comparing, printing) calls itself once or twice a
level, and Python ends that with an error after 1 000 calls. Whoever takes JSON from outside asks
here first; behind that border nobody has to care.
"""

import re
from itertools import accumulate
from typing import Final

# Ten times what the deepest opcode, filter or configuration object needs.
MAX_NESTING: Final = 100

_BRACKETS: Final = b"[]{}"
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS: Final = bytes(set(range(256)) - set(_BRACKETS))
# Possessive, and content with the end of the text: else one quote too many takes square time.
_TEXTS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def has_too_many(data: bytes, limit: int) -> bool:
    """Whether ``data`` may hold more than ``limit`` values; commas in texts count as well.

    A list takes many times its text: what is decoded is bounded by this, not by its length.
    """
    # Each value but the first has a comma or a bracket before it.
    return len(data) > limit and sum(map(data.count, (b",", b"[", b"{"))) > limit


def is_too_deep(data: bytes, limit: int = MAX_NESTING) -> bool:
    """Whether arrays and objects in ``data`` are nested deeper than ``limit``.

    What is not JSON gets an answer as well, which means nothing then.
    """
    # Nearly all there is has fewer than that.
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    brackets = _TEXTS.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > limit
