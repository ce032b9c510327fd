"""What all htools answer alike: roles, help, versions, wrong command lines."""

import io
from pathlib import Path

import pytest

from pyganeti.cli.htools.main import run
from pyganeti.cli.htools.tools import TOOLS
from tests.unit.cli.htools.bed import ours, same_form
from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case

CLUSTERS = archive.read_clusters()
_TOLD = ("--help", "-h", "--help-completion")


def _about_the_line(case: Case, answer: Answer) -> bool:
    """Whether the command line alone decided the answer."""
    told = answer.code == 0 and any(word in case.args for word in _TOLD)
    return told or answer.err.startswith(("Command line error:", "Error while parsing"))


ALONE = [pair for pair in archive.read_answers("options") if _about_the_line(*pair)]


def test_the_bed_tries_all_tools() -> None:
    assert len(ALONE) > 250
    assert {case.program for case, _ in ALONE} == set(TOOLS)


@pytest.mark.parametrize(("case", "answer"), ALONE, ids=[case.name for case, _ in ALONE])
def test_answers_a_command_line_as_ganeti(case: Case, answer: Answer, tmp_path: Path) -> None:
    assert same_form(ours(case, CLUSTERS, tmp_path)) == same_form(answer)


def _run(program: str, *words: str, role: str = "") -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    env = {"HTOOLS": role} if role else {}
    return run(program, words, env, out, err), out.getvalue(), err.getvalue()


def test_the_variable_wins_over_the_name() -> None:
    code, out, _ = _run("hbal", "--version", role="hinfo")
    assert (code, out.split()[0]) == (0, "hinfo")


def test_a_name_that_is_no_role_is_told_the_roles() -> None:
    code, out, err = _run("htools")
    assert (code, out) == (1, "")
    assert "Unrecognised personality 'htools'." in err
    assert all(f" {name}" in err for name in TOOLS)
