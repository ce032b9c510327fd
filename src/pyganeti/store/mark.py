"""The number of the last acknowledged transaction, kept beside the database.

A damaged frame in SQLite's write-ahead log looks to SQLite like the torn end of an interrupted
write: it drops that frame and all after it without a word. Compared with this number, the loss
shows. See ``docs/design/0001-state.md``, "Damage in the log".
"""

import os
from contextlib import suppress
from typing import Final
from zlib import crc32

_LENGTH: Final = 30
# A power cut may take back the writes since the last sync of the mark. It is never too high then,
# so nothing is refused wrongly, but loss among that many transactions would go unseen.
_SYNC_EVERY: Final = 256


class HighWaterMark:
    """A number in a small file: 20 digits, a blank, a CRC-32.

    Args:
        path: the file; made with mode 0600 when it is missing.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def read(self) -> int:
        """The number; 0 when none was written, or when it is damaged and so proves nothing."""
        line = os.pread(self._handle, _LENGTH, 0)
        number = line[:20]
        if line != _line(number) or not number.isdigit():
            return 0
        return int(number)

    def advance(self, seq: int) -> None:
        """Remember that ``seq`` is durable in the database; costs one write, no sync."""
        # The transaction is durable already and must not be called failed. A mark that stays
        # behind refuses nothing.
        with suppress(OSError):
            self._write(seq)
            if seq % _SYNC_EVERY == 0:
                os.fdatasync(self._handle)

    def reset(self) -> None:
        """Forget the number, durably: the contents are about to be replaced on purpose.

        Raises:
            OSError: it could not be written.
        """
        self._write(0)
        os.fsync(self._handle)

    def close(self) -> None:
        """Let go of the file; closing again is fine."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _write(self, seq: int) -> None:
        # In place, in one sector: whole or not at all.
        os.pwrite(self._handle, _line(b"%020d" % seq), 0)


def _line(number: bytes) -> bytes:
    return b"%s %08x\n" % (number, crc32(number))
