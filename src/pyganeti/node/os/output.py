"""What OS scripts print, without the secrets that they were told.

Blocking; called in a worker thread.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from pyganeti.wire.noderpc.struct import Params

REDACTED: Final = b"<redacted>"
# A shorter value is no secret, and replacing it would make the output unreadable.
_SHORTEST: Final = 4
_CHUNK_BYTES: Final = 1 << 20


class Secrets:
    """The values that may stand in no text.

    Args:
        params: private and secret OS parameters.
    """

    def __init__(self, params: Params) -> None:
        found = {piece for value in params.values() for piece in _pieces(value)}
        # The first alternative that fits is taken, so the longest must stand first.
        ordered = sorted((os.fsencode(piece) for piece in found), key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None
        self.longest = len(ordered[0]) if ordered else 0

    def __bool__(self) -> bool:
        return self._pattern is not None

    def redact(self, data: bytes) -> bytes:
        """``data`` with each value replaced."""
        return data if self._pattern is None else self._pattern.sub(REDACTED, data)

    def redact_stream(self, source: BinaryIO) -> Iterator[bytes]:
        """All of ``source``, redacted; a value may lie across the borders of what is read."""
        rest = b""
        while chunk := source.read(_CHUNK_BYTES):
            data = rest + chunk
            # Before this place every value that begins is there to its end.
            safe = max(0, len(data) - self.longest + 1)
            done, rest = self._redact_until(data, safe)
            yield done
        yield self.redact(rest)

    def _redact_until(self, data: bytes, safe: int) -> tuple[bytes, bytes]:
        """What begins before ``safe``, redacted, and what is left."""
        pieces, at = [], 0
        for match in self._pattern.finditer(data) if self._pattern else ():
            if match.start() >= safe:
                break
            pieces += [data[at : match.start()], REDACTED]
            at = match.end()
        end = max(at, safe)
        return b"".join((*pieces, data[at:end])), data[end:]


def _pieces(value: object) -> Iterable[str]:
    """A value as scripts see it, and each line of it: what shows it may indent or cut it."""
    if value is None or isinstance(value, bool):
        return
    text = str(value)
    for piece in (text, *map(str.strip, text.splitlines())):
        if len(piece) >= _SHORTEST:
            yield piece


def redact_file(path: str, secrets: Secrets) -> None:
    """Replace the values in a log file, which keeps its mode and owner.

    A log that cannot be cleaned, as the disk is full, is emptied: secrets weigh more than it.
    """
    if not secrets:
        return
    temp = f"{path}.redacted"
    try:
        with open(path, "rb") as source, open(temp, "xb", opener=_private) as target:
            state = os.fstat(source.fileno())
            os.fchown(target.fileno(), state.st_uid, state.st_gid)
            os.fchmod(target.fileno(), state.st_mode & 0o7777)
            target.writelines(secrets.redact_stream(source))
        os.rename(temp, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temp)
        with suppress(FileNotFoundError):
            os.truncate(path, 0)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
