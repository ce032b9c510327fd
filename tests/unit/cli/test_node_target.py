"""What is told of a machine that could not be set up."""

import pytest

from pyganeti.cli.gnt_node.target import said
from pyganeti.kit.process import Command, Finished, ProcessError

DENIED = "root@node2: Permission denied (publickey,password)."
CHANGED = "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed."


def failed(text: str) -> ProcessError:
    return ProcessError(Command(("ssh",)), "exit code 255", Finished(255, "", text))


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (f"Permission denied, please try again.\n{DENIED}\n", DENIED),
        (f"{CHANGED}\n", CHANGED),
        ("node-daemon-setup: it belongs to another cluster\n", "it belongs to another cluster"),
        ("", "ssh: exit code 255"),
    ],
)
def test_it_is_told_without_repetitions(printed: str, told: str) -> None:
    assert said(failed(printed)) == told


def test_a_program_that_never_ran() -> None:
    assert said(ProcessError(Command(("ssh",)), "no such program")) == "ssh: no such program"
