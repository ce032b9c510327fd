"""``xen-console-wrapper``: connects a terminal to a guest of Xen; a paused one then goes on.

Run on the guest's node, over ssh where that is another machine:

    xen-console-wrapper XL INSTANCE

XL is Xen's command, ``xl`` or a path. The guest is told to go on a little later, so that its first
words are seen. Source: gnt-instance(8) CONSOLE, ``--paused``; xl(1) LIST.
"""

import sys
from collections.abc import Sequence
from typing import Final

from pyganeti.kit.process import Command, run_blocking
from pyganeti.tools.attaching import attached

_PROGRAM: Final = "xen-console-wrapper"
# Of a guest that is listed: name, id, memory, CPUs, state, time.
_COLUMNS: Final = 6
_STATE: Final = 4
_PAUSED: Final = "p"


def is_paused(listed: str, instance: str) -> bool:
    """Whether ``xl list`` says so of a guest; a name may have spaces, what follows it has none."""
    for line in listed.splitlines():
        words = line.rsplit(maxsplit=_COLUMNS - 1)
        if len(words) == _COLUMNS and words[0] == instance:
            return _PAUSED in words[_STATE]
    return False


def go_on(xl: str, instance: str) -> bool:
    """Let a guest go on if it is paused; whether it was.

    Raises:
        ProcessError: Xen does not know it, or does not answer.
    """
    if not is_paused(run_blocking(Command((xl, "list", instance))).stdout, instance):
        return False
    run_blocking(Command((xl, "unpause", instance)))
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the exit code is that of ``xl console``."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) != 2 or not all(words) or any(word.startswith("-") for word in words):
        print(f"usage: {_PROGRAM} XL INSTANCE", file=sys.stderr)
        return 2
    xl, instance = words
    return attached(_PROGRAM, (xl, "console", instance), lambda: go_on(xl, instance))


if __name__ == "__main__":
    sys.exit(main())
