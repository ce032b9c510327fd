"""Standard output that cannot be written."""

import os
import sys
from typing import TextIO

import pytest

from pyganeti.cli import main


def broken_pipe() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return open(writer, "w", encoding="utf-8")


def full_disk(buffering: int = -1) -> TextIO:
    return open("/dev/full", "w", buffering=buffering, encoding="utf-8")


@pytest.mark.parametrize("buffering", [-1, 1])
@pytest.mark.parametrize("words", [[], ["--version"], ["list", "--help"]])
def test_a_full_disk_is_said_in_one_line(
    words: list[str],
    buffering: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["gnt-instance", *words])
    with full_disk(buffering) as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main.gnt_instance() == 1
    line = "Failure: cannot write to standard output: No space left on device\n"
    assert capsys.readouterr().err == line


def test_a_reader_that_has_gone_is_no_news(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gnt-instance"])
    with broken_pipe() as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main.gnt_instance() == 1
    assert capsys.readouterr().err == ""


def test_a_closed_output_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gnt-instance", "--version"])
    monkeypatch.setattr(sys, "stdout", None)
    assert main.gnt_instance() == 1
    assert capsys.readouterr().err.endswith("standard output: Bad file descriptor\n")


def test_an_error_of_a_file_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object) -> int:
        raise FileNotFoundError(2, "No such file", "/nowhere")

    monkeypatch.setattr(main, "run_tool", missing)
    with pytest.raises(FileNotFoundError):
        main.gnt_instance()
