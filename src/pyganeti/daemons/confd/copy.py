"""Files that confd follows: the node's copy of the configuration, and the key.

A question makes it look whether a file is another one than last time. Nothing is asked of a node
where nobody asks confd.
"""

import asyncio
import logging
import os
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.files import read_bytes
from pyganeti.kit.threads import in_thread
from pyganeti.model.codec import decode_config
from pyganeti.model.errors import ConfigurationError, GenericError
from pyganeti.model.view import ClusterView

from .answers import Answers

_log = logging.getLogger(__name__)

# As often the configuration is read again, at most.
INTERVAL_S: Final = 1.0

_State = tuple[int, int, int]


def _state(path: str) -> _State | None:
    """What another content of a file changes; ``None`` when there is no file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


class Key:
    """The key that signs, read anew when it was renewed.

    Args:
        path: its file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._state: _State | None = None
        self._key = b""

    def get(self) -> bytes:
        """All of the file.

        Raises:
            ConfigurationError: there is none, or it is empty.
            OSError: it cannot be read.
        """
        state = _state(self._path)
        if state is None or state != self._state:
            self._key = read_bytes(self._path) or b""
            self._state = state
        if not self._key.strip():
            raise ConfigurationError(f"no key in {self._path}: this node belongs to no cluster")
        return self._key


class ConfigCopy:
    """The node's ``config.data``, read anew when it has changed.

    Args:
        path: where it lies.
        clock: for the interval.
    """

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._state: _State | None = None
        self._read_at = -INTERVAL_S
        self._found: Answers | GenericError = _none(path)
        self._reading = asyncio.Lock()

    async def answers(self) -> Answers:
        """What there is to answer from.

        Raises:
            GenericError: nothing; says why.
        """
        state = _state(self._path)
        if state is None:
            self._state, self._found = None, _none(self._path)
        elif state != self._state and self._may_read():
            # Its state from before: what comes while it is read is read the next time.
            self._state, self._read_at = state, self._clock.monotonic()
            async with self._reading:
                self._found = await in_thread(self._read)
        elif isinstance(self._found, GenericError):
            # Whoever asks while the first copy is read has its answers too.
            async with self._reading:
                pass
        if isinstance(self._found, GenericError):
            raise self._found
        return self._found

    def _may_read(self) -> bool:
        return self._state is None or self._clock.monotonic() - self._read_at >= INTERVAL_S

    def _read(self) -> Answers | GenericError:
        try:
            data = read_bytes(self._path)
            if data is None:
                return _none(self._path)
            view = ClusterView.from_config(decode_config(data))
        except (GenericError, OSError) as err:
            _log.error("%s cannot be used: %s", self._path, err)
            return ConfigurationError(f"the configuration on this node cannot be used: {err}")
        _log.info("read the configuration, serial %d", view.serial)
        return Answers(view)


def _none(path: str) -> ConfigurationError:
    return ConfigurationError(f"this node is no master candidate: there is no {path}")
