"""Running the scripts of a hook directory: ``hooks/NAME-pre.d`` and ``-post.d``.

In order of their names, each with exactly the environment that the caller gave. One that others
than the node's administrator could change is not run, which is a failure: an operation that it was
to prevent is not let through. Source: hooks facts; ganeti hooks documentation; docs/security.md.
"""

import os
import re
from typing import Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.errors import HooksFailure
from pyganeti.wire.noderpc.call import NORMAL_S
from pyganeti.wire.noderpc.types import (
    HookOutcome,
    HookResult,
)

from .trusted import find_flaw

PATH: Final = "/sbin:/bin:/usr/sbin:/usr/bin"
PHASES: Final = ("pre", "post")
_SCRIPT_NAME: Final = re.compile(r"^[a-zA-Z0-9_-]+$")
_HOOK_NAME: Final = re.compile(r"^[a-z][a-z0-9-]*$")


class HookRunner:
    """The hook directories of a node.

    Args:
        hooks_dir: has a directory for each hook and phase.
        owner: who alone may own and change the scripts.
    """

    def __init__(self, hooks_dir: str, owner: int) -> None:
        self._directory = hooks_dir
        self._owner = owner

    async def run(
        self, hpath: str, phase: str, env: dict[str, str], runner: Runner
    ) -> tuple[HookResult, ...]:
        """Run all scripts of ``hpath`` and ``phase``; one that fails does not keep the others.

        Raises:
            HooksFailure: there is no such hook or phase.
        """
        if phase not in PHASES or not _HOOK_NAME.match(hpath):
            raise HooksFailure(f"no such hook: {hpath!r}, phase {phase!r}")
        return await self.run_all(f"{hpath}-{phase}.d", env, runner)

    async def run_all(
        self, name: str, env: dict[str, str], runner: Runner
    ) -> tuple[HookResult, ...]:
        """Run all scripts of the directory ``name``; one that fails does not keep the others."""
        directory = os.path.join(self._directory, name)
        full = {**env, "PATH": PATH}
        return tuple(
            [await self._one(f"{name}/{script}", full, runner) for script in _list(directory)]
        )

    async def _one(self, script: str, env: dict[str, str], runner: Runner) -> HookResult:
        path = os.path.join(self._directory, script)
        if not _is_program(path):
            return HookResult(script=script, outcome=HookOutcome.SKIP, output="")
        flaw = await in_thread(find_flaw, path, self._owner)
        if flaw is not None:
            return HookResult(script=script, outcome=HookOutcome.FAIL, output=f"not run: {flaw}")
        try:
            done = await runner(Command((path,), env=env, cwd="/", timeout_s=NORMAL_S))
        except ProcessError as err:
            return HookResult(script=script, outcome=HookOutcome.FAIL, output=_said(err))
        output = (done.stdout + done.stderr).strip()
        return HookResult(script=script, outcome=HookOutcome.SUCCESS, output=output)


def _said(err: ProcessError) -> str:
    if err.finished is None:
        return str(err)
    return (err.finished.stdout + err.finished.stderr).strip() or str(err)


def _list(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def _is_program(path: str) -> bool:
    name = os.path.basename(path)
    return bool(_SCRIPT_NAME.match(name)) and os.path.isfile(path) and os.access(path, os.X_OK)
