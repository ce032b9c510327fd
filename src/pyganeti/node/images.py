"""Images that guests boot a copy of: on this node, or on a server.

Called by :mod:`~pyganeti.node.helper_guests`. What a message shows of a URL has neither password
nor query. Source: gnt-cluster(8) ``--install-image``, ``--zeroing-image``.
"""

import base64
import io
import os
import stat
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from typing import BinaryIO, Final, Protocol
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit

from pyganeti.kit.clock import Clock
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.model.images import URLS, shown

LARGEST: Final = 64 << 30
"""Bytes that an image may have at most: what a server sends must not fill a node's disk."""

# The longest silence of a server, and what all of an image may take.
_SILENCE_S: Final = 20.0
_FETCH_S: Final = 3600.0
_PIECE: Final = 4 << 20
_HOLE: Final = bytes(_PIECE)


class _Source(Protocol):
    """What an image is read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...

    def close(self) -> None:
        """Be done with it."""
        ...


async def check(image: str, what: str) -> None:
    """Refuse an image that cannot be had here now, or is too large.

    Raises:
        OpExecError: names the image and the reason.
    """
    copy = _Copy(image, what)
    try:
        await in_thread(copy.open)
    finally:
        await in_thread(copy.close)


async def fetch(image: str, path: str, what: str, clock: Clock) -> int:
    """Make a copy of ``image`` at ``path``; its size in bytes.

    Cancelled, it ends within seconds. What was written of a copy that fails is left there.

    Args:
        image: path on this node, or a URL.
        path: of the copy.
        what: the image is, for messages: ``"install image"``.
        clock: for the limit.

    Raises:
        OpExecError: names the image and the reason.
    """
    deadline = clock.monotonic() + _FETCH_S
    copy = _Copy(image, what)
    try:
        await in_thread(copy.open)
        await in_thread(copy.create, path)
        while await in_thread(copy.piece):
            if clock.monotonic() >= deadline:
                raise _error(image, what, f"not had after {_FETCH_S:g} s")
        return await in_thread(copy.finish)
    finally:
        await in_thread(copy.close)


class _Copy:
    """An image, and its copy. Blocking; holds what it opened, so that it can be closed always."""

    def __init__(self, image: str, what: str) -> None:
        self._image = image
        self._what = what
        self._source: _Source | None = None
        self._target: BinaryIO | None = None
        self._size: int | None = None

    def open(self) -> None:
        """Open the image to read it."""
        image = self._image
        try:
            opened = _open_url(image) if image.startswith(URLS) else _open_file(image)
        except HTTPError as err:
            err.close()
            raise self._error(f"HTTP status {err.code} {err.reason}") from None
        except OSError as err:
            raise self._error(err.strerror or getattr(err, "reason", err)) from None
        except (HTTPException, ValueError) as err:
            # Not chained: its text may hold the URL as it was.
            raise self._error(f"no usable answer ({type(err).__name__})") from None
        self._source, self._size = opened
        if self._size is not None and self._size > LARGEST:
            raise self._error(f"it has {self._size} bytes, more than the {LARGEST} it may have")

    def create(self, path: str) -> None:
        """Make an empty copy."""
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            os.unlink(path)
        self._target = open(path, "xb", opener=_private)  # noqa: SIM115 - see close()

    def piece(self) -> bool:
        """Copy some bytes; whether there were any. Zeros become a hole."""
        assert self._source is not None
        assert self._target is not None
        try:
            piece = self._source.read(_PIECE)
            if piece == _HOLE:
                self._target.seek(len(piece), io.SEEK_CUR)
            else:
                self._target.write(piece)
        except OSError as err:
            raise self._error(err.strerror or err) from None
        except HTTPException as err:
            raise self._error(f"broken off ({type(err).__name__})") from None
        if self._target.tell() > LARGEST:
            raise self._error(f"it is longer than the {LARGEST} bytes it may have")
        return bool(piece)

    def finish(self) -> int:
        """Give the copy its size, with the hole at its end; compare it with what was announced."""
        assert self._target is not None
        found = self._target.tell()
        self._target.truncate(found)
        if self._size is not None and found != self._size:
            raise self._error(f"broken off after {found} of {self._size} bytes")
        if not found:
            raise self._error("it is empty")
        return found

    def close(self) -> None:
        """Close both; may be repeated."""
        for one in (self._source, self._target):
            if one is not None:
                one.close()

    def _error(self, why: object) -> OpExecError:
        return _error(self._image, self._what, why)


def _error(image: str, what: str, why: object) -> OpExecError:
    return OpExecError(f"{what} {shown(image)}: {why}")


def _open_file(image: str) -> tuple[_Source, int]:
    # A device or a pipe may block for ever.
    descriptor = os.open(image, os.O_RDONLY | os.O_NONBLOCK)
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        is_directory = stat.S_ISDIR(state.st_mode)
        raise OSError(0, "Is a directory" if is_directory else "Not a regular file")
    return os.fdopen(descriptor, "rb"), state.st_size


def _open_url(image: str) -> tuple[_Source, int | None]:
    request = urllib.request.Request(image)  # noqa: S310 - of the schemes in URLS
    parts = urlsplit(image)
    user, separator, host = parts.netloc.rpartition("@")
    if separator and parts.scheme != "ftp":
        request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)))  # noqa: S310
        token = base64.b64encode(unquote(user).encode()).decode("ascii")
        request.add_unredirected_header("Authorization", f"Basic {token}")
    source = urllib.request.urlopen(request, timeout=_SILENCE_S)  # noqa: S310
    length = source.headers.get("Content-Length", "")
    return source, int(length) if length.isdecimal() else None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
