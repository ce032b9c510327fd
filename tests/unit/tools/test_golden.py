"""Transcripts are read back as they were written, and Ganeti's are never overwritten with ours."""

from pathlib import Path

import pytest

from tools.golden import GoldenError, Run, capture_file, runner
from tools.transcript import Exchange, Transcript, TranscriptError, parse, render

OURS = "gnt-cluster (ganeti pyganeti-0.1.0) 3.1.0\n"
THEIRS = "gnt-cluster (ganeti 3.0.2-3) 3.0.2\n"
GANETI = Path(__file__).parents[2] / "golden" / "ganeti"


def programs(place: Path, version: str) -> Run:
    """Programs that answer with their last word, and ``--version`` with what they are told."""
    script = place / "programs"
    script.write_text(
        f"""case "$*" in *--version) echo '{version.strip()}'; exit;; esac
        shift $(($# - 1)); echo "$1"; echo complaint >&2; exit 3"""
    )
    return runner(["sh", str(script)])


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange("gnt-job list", "ID \n\n 1\n", "", 0),
        Exchange("gnt-job list", "no end", "\ncomplaint without end", 14),
        Exchange("gnt-job list", "", "| a bar\n= 1\n", 1, ("# a remark", "# and another")),
        Exchange("gnt-job list"),
        Exchange("gnt-os info", "a:\n\n\n", "", 0),
    ],
)
def test_an_exchange_is_read_back_as_it_was(exchange: Exchange) -> None:
    transcript = Transcript(("# of a test",), (exchange, Exchange("true", code=0)))
    assert parse(render(transcript)) == transcript


@pytest.mark.parametrize("line", ["what is this", "|glued", "\\ no line end"])
def test_a_line_of_no_kind_is_refused(line: str) -> None:
    with pytest.raises(TranscriptError, match="no line like"):
        parse(f"# head\n\n$ gnt-job list\n{line}\n= 0\n")


def test_a_capture_keeps_commands_and_remarks(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text("# Cluster: small\n\n# a remark\n$ echo 'one word'\n| old\n= 0\n")
    capture_file(programs(tmp_path, OURS), path, from_ganeti=False)
    assert path.read_text() == (
        f"# Captured from pyganeti: {OURS}# Cluster: small\n\n"
        "# a remark\n$ echo 'one word'\n| one word\n! complaint\n= 3\n"
    )


def test_what_ganeti_said_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text("# Cluster: small\n\n$ echo word\n")
    capture_file(programs(tmp_path, THEIRS), path, from_ganeti=True)
    captured = path.read_text()
    assert captured.startswith("# Captured from Ganeti: gnt-cluster (ganeti 3.0.2-3) 3.0.2\n")
    with pytest.raises(GoldenError, match="not overwritten"):
        capture_file(programs(tmp_path, OURS), path, from_ganeti=False)
    with pytest.raises(GoldenError, match="wanted to capture from Ganeti, and found"):
        capture_file(programs(tmp_path, OURS), path, from_ganeti=True)
    assert path.read_text() == captured


def test_commands_run_behind_the_prefix() -> None:
    done = runner(["env", "WORD=a b"])(["printenv", "WORD"])
    assert (done.stdout, done.returncode) == ("a b\n", 0)


@pytest.mark.parametrize("path", sorted(GANETI.glob("*.txt")), ids=lambda path: path.name)
def test_captured_files_are_as_the_tool_writes_them(path: Path) -> None:
    text = path.read_text("utf-8")
    transcript = parse(text)
    assert render(transcript) == text
    assert transcript.is_from_ganeti
    assert all(exchange.code is not None for exchange in transcript.exchanges)
