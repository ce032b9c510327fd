"""Out-of-band programs: ``PROGRAM COMMAND NODE``, run on the master.

    exit code 0: done, an answer in JSON for power-status and health; else: failed, stderr says why

Source: the out-of-band interface of Ganeti; gnt-node(8) POWER, HEALTH.
"""

import json
import os
from typing import Any, Final

from pyganeti.kit.process import Command, ProcessError, Runner
from pyganeti.kit.threads import in_thread
from pyganeti.model.enums import OobCommand
from pyganeti.model.errors import OpExecError
from pyganeti.wire.noderpc.power import OobAnswer, RunOobCall

STATUSES: Final = frozenset({"CRITICAL", "OK", "UNKNOWN", "WARNING"})
_EXCERPT: Final = 200


def oob_command(call: RunOobCall) -> Command:
    """Let the program do what ``call`` wants."""
    argv = (call.program, str(call.command), call.remote_node)
    return Command(argv, timeout_s=call.timeout, cwd="/", contained=True)


def parse_answer(command: OobCommand, text: str) -> OobAnswer:
    """Read what the program printed.

    Raises:
        OpExecError: it is not what ``command`` has to answer.
    """
    try:
        value = json.loads(text) if text.strip() else None
    except ValueError as err:
        raise _nonsense(command, text) from err
    if command is OobCommand.POWER_STATUS:
        if isinstance(value, dict) and isinstance(value.get("powered"), bool):
            return OobAnswer(powered=value["powered"])
    elif command is OobCommand.HEALTH:
        if isinstance(value, list) and all(_is_item(one) for one in value):
            return OobAnswer(health=tuple((item, status) for item, status in value))
    elif value is None:
        return OobAnswer()
    raise _nonsense(command, text)


def _is_item(value: Any) -> bool:  # Any: JSON
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and value[1] in STATUSES
    )


def _nonsense(command: OobCommand, text: str) -> OpExecError:
    return OpExecError(f"unexpected answer to {command}: {text[:_EXCERPT]!r}")


def _is_program(path: str) -> bool:
    return os.path.isabs(path) and os.path.isfile(path) and os.access(path, os.X_OK)


async def run_oob(call: RunOobCall, runner: Runner) -> OobAnswer:
    """See ``RunOobCall``."""
    if not await in_thread(_is_program, call.program):
        raise OpExecError(f"there is no out-of-band program {call.program!r}")
    try:
        done = await runner(oob_command(call))
    except ProcessError as err:
        said = err.finished.stderr.strip()[:_EXCERPT] if err.finished is not None else ""
        raise OpExecError(said or str(err)) from err
    return parse_answer(call.command, done.stdout)
