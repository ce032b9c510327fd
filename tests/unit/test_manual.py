"""The manual pages describe the programs as they are, and a drift is found."""

from pathlib import Path

import pytest

from pyganeti.cli.main import load_tool
from tools import make_man

PAGE = (make_man.MAN / "gnt-node.rst").read_text("utf-8")


def wrong(page: str) -> list[str]:
    return [*make_man.wrong_parts(load_tool("gnt-node"), page), *make_man.wrong_words(page)]


def test_the_page_is_right() -> None:
    assert wrong(PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("take a known node in again", "do something else", "options differ"),
        (".. generated: remove\n", ".. formerly: remove\n", "has 0 parts '.. generated: remove'"),
        ("generated: remove\n", "generated: join\n", "gnt-node join, which does not exist or is"),
        ("$ gnt-node add node2", "$ gnt-node join node2", "gnt-node join, which does not exist"),
        ("$ gnt-node add node2", "$ gnt-node add --units m n", "gnt-node add --units, which"),
        ("is given), an address", "or ``--nonsense``), an", "mentions --nonsense, which no"),
    ],
)
def test_a_drift_is_found(old: str, new: str, finding: str) -> None:
    assert old in PAGE
    assert any(finding in one for one in wrong(PAGE.replace(old, new, 1)))


def test_a_missing_page_is_found(tmp_path: Path) -> None:
    assert "docs/man/gnt-job.rst is missing" in list(make_man.findings(tmp_path))


def test_other_programs_tell_their_options_too() -> None:
    text = (make_man.MAN / "node-cleanup.rst").read_text("utf-8")
    assert list(make_man.wrong_program("node-cleanup", text)) == []
    assert list(make_man.wrong_program("node-cleanup", text.replace("--no-backup", "--never"))) == [
        "does not mention --no-backup",
        "mentions --never, which node-cleanup has not",
    ]
