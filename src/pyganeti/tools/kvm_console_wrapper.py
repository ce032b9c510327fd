"""``kvm-console-wrapper``: connects a terminal to a guest; a paused one then goes on.

Run on the guest's node by ``gnt-instance console``, over ssh where that is another machine:

    kvm-console-wrapper MONITOR COMMAND...

MONITOR is the guest's monitor socket, COMMAND what connects the terminal. The guest is told to go
on a little later, so that its first words are seen. Source: gnt-instance(8) CONSOLE, ``--paused``.
"""

import socket
import sys
from collections.abc import Sequence
from typing import Final

from pyganeti.tools.attaching import attached

_ANSWER_S: Final = 10.0
_PROMPT: Final = b"(qemu) "
# Paused by us before its first instruction, or by its user. No other pause is ours to end: above
# all not that of a copy which was sent to another node, or waits for one.
_OURS: Final = frozenset({"paused", "paused (prelaunch)"})


def go_on(monitor: str) -> bool:
    """Let the guest behind ``monitor`` go on if it was paused; whether it was.

    Raises:
        OSError: the monitor does not answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER_S)
        connection.connect(monitor)
        _until_prompt(connection)
        if parse_status(_ask(connection, b"info status")) not in _OURS:
            return False
        _ask(connection, b"cont")
        return True


def parse_status(text: str) -> str:
    """The state in the answer to ``info status``; empty if there is none."""
    for line in text.splitlines():
        _, found, state = line.partition("VM status: ")
        if found:
            return state.strip()
    return ""


def _ask(connection: socket.socket, command: bytes) -> str:
    connection.sendall(command + b"\n")
    return _until_prompt(connection)


def _until_prompt(connection: socket.socket) -> str:
    said = b""
    while not said.endswith(_PROMPT):
        more = connection.recv(4096)
        if not more:
            raise ConnectionError("the monitor has closed the connection")
        said += more
    return said.decode("utf-8", "replace")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; the exit code is the command's."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) < 2:
        print("usage: kvm-console-wrapper MONITOR COMMAND...", file=sys.stderr)
        return 2
    monitor, *command = words
    return attached("kvm-console-wrapper", command, lambda: go_on(monitor))


if __name__ == "__main__":
    sys.exit(main())
