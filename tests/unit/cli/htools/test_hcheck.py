"""hcheck prints what Ganeti's prints on every cluster of the bed."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pyganeti.cli.htools.main import run
from pyganeti.cli.htools.shell import assignment
from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case

from . import bed

CLUSTERS = archive.read_clusters()
CASES = archive.read_answers("hcheck")
_TOLD = re.compile(r"\nStatistics for group \S+ after .*|HCHECK_FINAL_.*", re.S)


def hcheck(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return run("hcheck", arguments, {}, out, err), out.getvalue(), err.getvalue()


def _crashed(answer: Answer) -> bool:
    """Whether Ganeti's program stumbled over instances with nodes in two groups."""
    return "IntMap.!" in answer.err


def _without_end(answer: Answer) -> Answer:
    """``answer`` without what it says of the balanced cluster."""
    return replace(answer, out=_TOLD.sub("", answer.out))


ANSWERED = [pair for pair in CASES if not _crashed(pair[1])]


def test_the_bed_has_every_cluster() -> None:
    assert {case.cluster for case, _ in CASES} == set(CLUSTERS)
    assert len(CASES) - len(ANSWERED) == 2


@pytest.mark.parametrize(("case", "answer"), ANSWERED, ids=[case.name for case, _ in ANSWERED])
def test_prints_what_ganetis_prints(case: Case, answer: Answer, tmp_path: Path) -> None:
    got = bed.ours(case, CLUSTERS, tmp_path)
    if case.cluster.startswith("everything") and "--no-simulation" not in case.args:
        # There hbal finds its way down by other steps.
        assert _without_end(got) == _without_end(answer)
    else:
        assert got == answer


@pytest.mark.parametrize("name", sorted(n for n in CLUSTERS if n.startswith("groups-split")))
def test_instances_with_nodes_in_two_groups_stay(name: str, tmp_path: Path) -> None:
    path = tmp_path / "cluster.data"
    path.write_text(CLUSTERS[name])
    code, out, err = hcheck("-t", str(path), "--machine-readable")
    assert (code, err) == (1, "")
    assert out.endswith("HCHECK_FINAL_CLUSTER_NEED_REBALANCE=1\nHCHECK_OK=1\n")


def _small(tmp_path: Path) -> str:
    path = tmp_path / "small.data"
    path.write_text(
        "a|u|preferred||\n\nn|9000|0|8000|9000|8000|8|M|u\n\ni|1000|1000|1|running|Y|n||plain||1\n"
        "\n\n"
    )
    return str(path)


def test_quiet_is_told_by_the_exit_code_alone(tmp_path: Path) -> None:
    data = _small(tmp_path)
    assert hcheck("-t", data, "-q") == (1, "", "")
    assert hcheck("-t", data, "-q", "--no-simulation") == (0, "", "")
    assert hcheck("-t", data, "-q", "--no-capacity-checks") == (0, "", "")


def test_a_cluster_without_nodes_has_nothing_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty.data").write_text("g|u|preferred|\n\n\n\n")
    code, out, _ = hcheck("-t", str(tmp_path / "empty.data"), "--machine-readable")
    assert (code, out.splitlines()[0]) == (0, "HCHECK_GROUP_UUID_0=u")
    assert "HCHECK_INIT_CLUSTER_GN1_FAIL=0\nHCHECK_INIT_CLUSTER_NEED_REBALANCE=0\n" in out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-O", "nodex"), "Error: wrong node name(s) set as offline: nodex\n\n"),
        (("argument",), "Error: This program doesn't take any arguments.\n"),
        (("--select-instances", "x"), 'failed to load data, aborting: Unknown instance(s): ["x"]'),
        (("--exclude-instances", "x"), 'failed to load data, aborting: Unknown instance(s): ["x"]'),
        (("-t", "/nowhere/at/all"), "failed to load data, aborting: /nowhere/at/all: openFile:"),
    ],
)
def test_refuses(options: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    code, out, err = hcheck("-t", _small(tmp_path), *options)
    assert (code, out) == (1, "")
    assert complaint in err


def test_values_that_shells_would_take_apart_are_in_quotes() -> None:
    assert assignment("A", "1.5") == "A=1.5"
    assert assignment("A", "a-b,c") == "A='a-b,c'"
    assert assignment("A", "it's") == "A='it'\\''s'"
    assert assignment("A", "") == "A="
