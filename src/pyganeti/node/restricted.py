"""Restricted commands: programs that a node's administrator lets the cluster run, by name only.

    name -> directory and file checked -> one at a time -> output

A refusal takes as long whatever the reason, and the reason stands in the node's log only: so nobody
learns from the master what lies on a node. Without the directory the feature is off.
Source: gnt-node(8) RESTRICTED-COMMAND.
"""

import asyncio
import logging
import os
import re
from typing import Final

from pyganeti.kit.clock import Clock
from pyganeti.kit.paths import Paths
from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import OpExecError
from pyganeti.wire.noderpc.call import SLOW_S

from .trusted import find_flaw

_log = logging.getLogger(__name__)

REFUSAL_S: Final = 10.0
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
# An unlucky command may wait for a long one, but not for ever.
_TURN_S: Final = 8.0


class _NotAllowed(Exception):
    """Why a command is not run."""


class RestrictedCommands:
    """The restricted commands of a node.

    Args:
        paths: where they lie.
        clock: for the delay.
        owner: who alone may own and change them.
    """

    def __init__(self, paths: Paths, clock: Clock, owner: int) -> None:
        self._directory = paths.restricted_dir
        self._clock = clock
        self._owner = owner
        self._turn = asyncio.Lock()

    async def run(self, name: str, runner: Runner) -> str:
        """Run the command ``name`` without arguments; its output.

        Raises:
            OpExecError: it was not run, or failed.
        """
        try:
            async with asyncio.timeout(_TURN_S):
                await self._turn.acquire()
        except TimeoutError:
            raise await self._refused(name, "another one is running") from None
        try:
            path = await in_thread(self._checked, name)
            command = Command((path,), env={"PATH": _PATH}, cwd="/", timeout_s=SLOW_S)
            done = await runner(command)
        except _NotAllowed as err:
            raise await self._refused(name, str(err)) from err
        except ProcessError as err:
            said = "" if err.finished is None else err.finished.stdout + err.finished.stderr
            raise OpExecError(f"{err}; output: {said}" if said else str(err)) from err
        finally:
            self._turn.release()
        return done.stdout + done.stderr

    async def _refused(self, name: str, why: str) -> OpExecError:
        _log.error("restricted command %r was not run: %s", name, why)
        await self._clock.sleep(REFUSAL_S)
        return OpExecError("the command was not run, the node's log says why")

    def _checked(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise _NotAllowed("that is no name of a command")
        path = os.path.join(self._directory, name)
        flaw = find_flaw(path, self._owner)
        if flaw is not None:
            raise _NotAllowed(flaw)
        if not os.access(path, os.X_OK):
            raise _NotAllowed(f"{path} is not executable")
        return path
