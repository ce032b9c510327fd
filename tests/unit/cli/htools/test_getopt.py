"""Words into options and arguments, and the table of options."""

import pytest

from pyganeti.cli.htools.getopt import Option, Value, completion, split, table

LOUD = Option("v", "verbose", "say more")
SHOW = Option("p", "print-nodes", "show nodes", Value.OPTIONAL, "FIELDS")
FILE = Option("t", "text-data", "read a file", Value.REQUIRED, "FILE", "file")
LEAST = Option("", "min-gain", "stop early", Value.REQUIRED, "DELTA", "float")
BOUND = Option("", "min-gain-limit", "only below", Value.REQUIRED, "SCORE", "float")
ALL = (LOUD, SHOW, FILE, LEAST, BOUND)


@pytest.mark.parametrize(
    ("words", "given", "arguments"),
    [
        (["-v", "a", "-t", "f", "b"], [(LOUD, None), (FILE, "f")], ["a", "b"]),
        (["-vtf"], [(LOUD, None), (FILE, "f")], []),
        (["-vp"], [(LOUD, None), (SHOW, None)], []),
        (["-pname,pcnt", "x"], [(SHOW, "name,pcnt")], ["x"]),
        (["-p", "x"], [(SHOW, None)], ["x"]),
        (["--print-nodes=a", "--print-nodes"], [(SHOW, "a"), (SHOW, None)], []),
        (["--text=f", "--text-data="], [(FILE, "f"), (FILE, "")], []),
        (["--min-gain", "-1"], [(LEAST, "-1")], []),
        (["--min-gain-l", "1"], [(BOUND, "1")], []),
        (["--", "-v"], [], ["-v"]),
        (["-"], [], ["-"]),
    ],
)
def test_sorts_words(
    words: list[str], given: list[tuple[Option, str | None]], arguments: list[str]
) -> None:
    found = split(words, ALL)
    assert (found.given, found.arguments, found.complaint()) == (given, arguments, "")


def test_tells_all_that_is_wrong_and_unknown_options_last() -> None:
    assert split(["-Zx", "--bogus=3", "--verbose=1", "-t"], ALL).complaint() == (
        "option `--verbose' doesn't allow an argument\n"
        "option `-t' requires an argument FILE\n"
        "unrecognized option `-Z'\n"
        "unrecognized option `-x'\n"
        "unrecognized option `--bogus=3'\n"
    )


def test_lists_what_a_beginning_may_mean() -> None:
    assert split(["--min-"], ALL).complaint() == (
        "option `--min-' is ambiguous; could be one of:\n"
        "    --min-gain=DELTA        stop early\n"
        "    --min-gain-limit=SCORE  only below\n"
    )


def test_lays_options_out_in_columns() -> None:
    assert table([LOUD, SHOW, LEAST]) == (
        "  -v          --verbose               say more\n"
        "  -p[FIELDS]  --print-nodes[=FIELDS]  show nodes\n"
        "              --min-gain=DELTA        stop early\n"
    )


def test_names_options_for_a_shell() -> None:
    assert completion([FILE, LEAST]) == "-t,--text-data file\n--min-gain float\n"
