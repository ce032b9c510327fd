"""Names: what they may look like, how they are sorted and when one stands for another.

Source: gnt-instance(8), gnt-node(8), gnt-cluster(8) on tags; RFC 1123 for host names.
"""

import re
from collections.abc import Iterable
from typing import Final

from .errors import ECode, OpPrereqError, TagError

MAX_TAG_LENGTH: Final = 128
MAX_TAGS_PER_OBJECT: Final = 4096

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOSTNAME: Final = re.compile(rf"^{_LABEL}(?:\.{_LABEL})*\.?$")
_MAX_HOSTNAME: Final = 255
_TAG: Final = re.compile(r"^[\w.+*/:@-]+$")
_UUID: Final = re.compile(r"^[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}$")
_MAC: Final = re.compile(r"^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$")
_DIGITS: Final = re.compile(r"([0-9]+)")

NiceKey = tuple[tuple[str, int], ...]


def check_hostname(name: str) -> str:
    """``name`` in lower case, without a final dot.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is no host name.
    """
    lower = name.lower()
    if len(name) > _MAX_HOSTNAME or not _HOSTNAME.match(lower):
        raise OpPrereqError(
            f"{name!r} is not a valid host name: expected labels of letters, digits, '-' and '_', "
            "separated by dots",
            ECode.INVAL,
        )
    return lower.removesuffix(".")


def check_tag(tag: str) -> str:
    """``tag`` as it is.

    Raises:
        TagError: it is empty, too long, or has characters that tags cannot have.
    """
    if len(tag) > MAX_TAG_LENGTH:
        raise TagError(f"tag {tag!r} has {len(tag)} characters, {MAX_TAG_LENGTH} are allowed")
    if not _TAG.match(tag):
        raise TagError(f"tag {tag!r} is not valid: expected letters, digits and any of _.+*/:@-")
    return tag


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """All tags an object shall have, sorted, each once.

    Raises:
        TagError: one is not valid, or there are too many.
    """
    result = tuple(sorted({check_tag(tag) for tag in tags}))
    if len(result) > MAX_TAGS_PER_OBJECT:
        raise TagError(f"{len(result)} tags on one object, {MAX_TAGS_PER_OBJECT} are allowed")
    return result


def check_mac(mac: str) -> str:
    """``mac`` in lower case.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is no MAC address, or that of a group of stations.
    """
    lower = mac.lower()
    if not _MAC.match(lower):
        raise OpPrereqError(f"{mac!r} is not a MAC address, as in aa:00:00:12:34:56", ECode.INVAL)
    if int(lower[:2], 16) & 1:
        raise OpPrereqError(f"{mac!r} is a multicast MAC address", ECode.INVAL)
    return lower


def is_uuid(text: str) -> bool:
    """Whether ``text`` looks like a UUID as we write them."""
    return _UUID.match(text) is not None


def nice_sort_key(name: str) -> NiceKey:
    """Sort key of the natural order: numbers within names by value, ``node2`` before ``node10``."""
    parts = _DIGITS.split(name)
    # split() leaves texts at even places and numbers at odd ones.
    texts, numbers = parts[::2], parts[1::2]
    return tuple((text, int(number)) for text, number in zip(texts, (*numbers, "-1"), strict=False))


def nice_sorted(names: Iterable[str]) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=nice_sort_key)


def name_prefixes(name: str) -> tuple[str, ...]:
    """What, in lower case, may stand for ``name``: ``a``, ``a.b``, ``a.b.c`` for ``A.b.c``."""
    words = name.lower().split(".")
    return tuple(".".join(words[:count]) for count in range(1, len(words) + 1))


def matches_name(short: str, name: str) -> bool:
    """Whether ``short`` may stand for ``name``: it is the name, or its beginning up to a dot."""
    lower, full = short.lower(), name.lower()
    return full == lower or full.startswith(lower + ".")


def glob_pattern(glob: str) -> str:
    """A regular expression for names that ``glob`` fits: ``*`` and ``?`` stay within a component.

    What follows the glob are further components: ``web*`` fits ``web1.example.com``.
    """
    signs = {"*": "[^.]*", "?": "[^.]"}
    body = "".join(signs.get(char) or re.escape(char) for char in glob)
    return rf"^{body}(\..*)?$"
