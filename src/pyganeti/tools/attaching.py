"""What console wrappers have in common: a terminal is connected, then a paused guest goes on."""

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from pyganeti.kit.process import ProcessError, run_attached

_CONNECTED_S: Final = 2.0


def attached(program: str, command: Sequence[str], go_on: Callable[[], object]) -> int:
    """Run ``command`` on this terminal; its exit code, or 1 if it could not be run.

    Args:
        program: whose errors are told.
        command: connects the terminal.
        go_on: called a little later, so that a guest's first words are seen.
    """

    def quietly() -> None:
        # Nothing that could be said here is worth more than what is on the terminal.
        with suppress(OSError, ProcessError):
            go_on()

    timer = threading.Timer(_CONNECTED_S, quietly)
    timer.daemon = True
    timer.start()
    try:
        return run_attached(command)
    except ProcessError as err:
        print(f"{program}: {err}", file=sys.stderr)
        return 1
    finally:
        timer.cancel()
