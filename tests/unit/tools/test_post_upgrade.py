"""post-upgrade: what it renews, and that nonsense renews nothing."""

from collections.abc import Sequence

import pytest

from pyganeti.kit.process import Command, ProcessError
from pyganeti.tools.post_upgrade import main

CERTIFICATES, KEYS = "--new-node-certificates", "--new-ssh-keys"


class Runs:
    """Takes commands down; each ends with ``code``."""

    def __init__(self, code: int = 0) -> None:
        self.commands: list[list[str]] = []
        self._code = code

    def __call__(self, argv: Sequence[str]) -> int:
        self.commands.append(list(argv))
        return self._code


@pytest.mark.parametrize(
    ("old", "options"),
    [
        ("2.9.3", [CERTIFICATES, KEYS]),
        ("2.12.4", [CERTIFICATES, KEYS]),
        ("2.12.5", [KEYS]),
        ("2.12.6", [KEYS]),
        ("2.13.0~rc1", []),
        ("3.0.2", []),
        ("3.1", []),
    ],
)
def test_what_old_versions_lack_is_renewed(old: str, options: list[str]) -> None:
    runs = Runs()
    assert main([old], runs) == 0
    assert runs.commands == [["gnt-cluster", "renew-crypto", "-f", one] for one in options]


@pytest.mark.parametrize("words", [[], [""], ["now"], ["3"], ["3.1", "3.2"], ["-f"], ["3.x"]])
def test_nonsense_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs()
    assert main(words, runs) == 1
    assert "usage: post-upgrade VERSION" in capsys.readouterr().err
    assert runs.commands == []


def test_help_is_no_version() -> None:
    runs = Runs()
    assert main(["--help"], runs) == 0
    assert runs.commands == []


def test_each_is_tried_and_a_failure_told() -> None:
    runs = Runs(1)
    assert main(["2.9.3"], runs) == 1
    assert len(runs.commands) == 2


def test_a_command_that_is_missing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def missing(argv: Sequence[str]) -> int:
        raise ProcessError(Command(tuple(argv)), "No such file or directory")

    assert main(["2.9.3"], missing) == 1
    assert "No such file" in capsys.readouterr().err
