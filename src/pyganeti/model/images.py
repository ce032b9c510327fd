"""Images of helpers, as the cluster names them: paths, or URLs. Pure.

Source: gnt-cluster(8) ``--install-image``, ``--zeroing-image``.
"""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

URLS: Final = ("http://", "https://", "ftp://")


def shown(image: str) -> str:
    """``image`` for a message: a URL without user, password and query."""
    if not image.startswith(URLS):
        return image
    try:
        parts = urlsplit(image)
    except ValueError:
        return "(a malformed URL)"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
