"""The highest epoch a node has seen: durable before anything of it is done.

The dispatcher asks :meth:`EpochKeeper.enter` before each call. Source:
docs/design/0002-node-calls.md, "Epoch".
"""

import asyncio
from collections.abc import Awaitable, Callable

from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import ConfigurationError, StaleEpoch

EndBelow = Callable[[int], Awaitable[None]]


class EpochKeeper:
    """Lets calls of the current epoch in, in an order that fences off older masters.

    Guarantee: once :meth:`enter` has returned for an epoch, no work of a lower one runs or begins
    here, and this stays so after a crash.

    Args:
        path: the epoch file.
        end_below: ends all work of epochs below its argument and returns when it has ended.

    Raises:
        ConfigurationError: the file does not hold a number.
    """

    def __init__(self, path: str, end_below: EndBelow) -> None:
        self._path = path
        self._end_below = end_below
        self._stored = _read(path)
        # While a higher epoch is being made durable the older one must not begin anything more.
        self._coming = self._stored
        self._lock = asyncio.Lock()

    @property
    def current(self) -> int:
        """The highest durable epoch."""
        return self._stored

    @property
    def seen(self) -> int:
        """The highest epoch that was asked for: lower ones are refused, durable or not."""
        return self._coming

    async def enter(self, epoch: int) -> None:
        """Let a call of ``epoch`` in.

        Raises:
            StaleEpoch: a higher one was seen; carries it.
            OSError: the epoch could not be made durable; the call must not be done.
        """
        if epoch == self._stored == self._coming:
            return
        self._check(epoch)
        self._coming = epoch
        async with self._lock:
            self._check(epoch)
            if epoch > self._stored:
                await self._advance(epoch)

    def _check(self, epoch: int) -> None:
        if epoch < self._coming:
            text = f"epoch {epoch} is over, this node obeys epoch {self._coming}"
            raise StaleEpoch(text, self._coming)

    async def _advance(self, epoch: int) -> None:
        await self._end_below(epoch)
        await in_thread(write_atomic, self._path, f"{epoch}\n".encode(), mode=0o600)
        self._stored = epoch


def _read(path: str) -> int:
    data = read_bytes(path)
    if data is None:
        return 0
    try:
        return int(data)
    except ValueError as err:
        raise ConfigurationError(f"{path} does not hold a number: {data[:40]!r}") from err
