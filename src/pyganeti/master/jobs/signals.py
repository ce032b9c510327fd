"""What a job tells programs that watch it, and how it waits for them.

Called by the test opcodes, before their locks and while they run. Source: gnt-debug(8) DELAY,
TEST-JOBQUEUE; log entries of types ``delay-test`` and ``jqueue-test``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pyganeti.master.jobs.doorbells import Doorbell, Doorbells
from pyganeti.model.enums import LogType
from pyganeti.model.errors import OpExecError

# Type and content of an entry in the job's log. Any: JSON of a shape that the type names.
Tell = Callable[[LogType, Any], None]


class Signals:
    """Signals of one opcode.

    Args:
        tell: adds to the job's log.
        bells: makes sockets.
        shown: waits until others may be told what the job does.
    """

    def __init__(self, tell: Tell, bells: Doorbells, shown: Callable[[], Awaitable[None]]) -> None:
        self.tell = tell
        self._bells = bells
        self._shown = shown

    @asynccontextmanager
    async def bell(self, kind: LogType, *content: object) -> AsyncIterator[Doorbell]:
        """A socket that is there meanwhile; its path and ``content`` stand in the job's log.

        Raises:
            OpExecError: it cannot be made.
        """
        # Who answers the bell then finds the job in the state in which it rang.
        await self._shown()
        try:
            async with self._bells.hang() as bell:
                self.tell(kind, [bell.path, *content])
                yield bell
        except OSError as err:
            raise OpExecError(f"no socket to be told at can be made: {err}") from err
