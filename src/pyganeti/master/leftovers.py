"""Undo actions that could not be run when their job ended, tried again until they can.

See ``docs/design/0003-jobs-locks-steps.md`` (Steps and undo). A task of masterd.
"""

import logging
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.master.config import ConfigState
from pyganeti.master.journal import Leftover, decode_leftover, parse_key
from pyganeti.master.nodes import NodeAccess, NodeWriter
from pyganeti.master.run import UndoContext, UndoRegistry, run_undo
from pyganeti.model.errors import GenericError
from pyganeti.store.interface import Batch, Contents, Delete, Store, Table

_log = logging.getLogger(__name__)

RETRY_S: Final = 30.0


class Leftovers:
    """What is left to be undone.

    Args:
        store: where it stands.
        clock: for the pauses.
        config: to commit changes.
        access: to call nodes.
        undos: the registered actions.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config: ConfigState,
        access: NodeAccess,
        undos: UndoRegistry,
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._access = access
        self._undos = undos
        self._items: dict[str, Leftover] = {}

    def load(self, contents: Contents) -> None:
        """Take up what an earlier master left."""
        self._items = {key: decode_leftover(data) for key, data in contents[Table.LEFTOVER].items()}

    def add(self, key: str, item: Leftover) -> None:
        """Remember one that was just made durable."""
        self._items[key] = item

    def lines(self) -> list[str]:
        """What is left, a line each, for people."""
        return [
            f"job {parse_key(key)[0]}: {item.undo.step}: {item.reason}"
            for key, item in sorted(self._items.items())
        ]

    async def run(self) -> None:
        """Try again, for ever."""
        while True:
            await self._clock.sleep(RETRY_S)
            await self.retry()

    async def retry(self) -> None:
        """Try each once, newest step of a job first."""
        for key in sorted(self._items, reverse=True):
            item = self._items[key]
            job, op, step = parse_key(key)
            nodes = NodeWriter(self._access, job=job, op=op)
            nodes.step = step
            try:
                context = UndoContext(self._config, nodes, lambda line: _log.info("%s", line))
                await run_undo(self._undos, item.undo, context)
                await self._store.commit(Batch((Delete(Table.LEFTOVER, key),)))
            except GenericError as err:
                _log.info("job %s: %s cannot be undone yet: %s", job, item.undo.step, err)
            else:
                del self._items[key]
