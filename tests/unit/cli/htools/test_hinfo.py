"""hinfo prints what Ganeti's prints on every cluster of the bed."""

import io
from pathlib import Path

import pytest

from pyganeti.cli.htools.main import run
from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case

from . import bed

CLUSTERS = archive.read_clusters()
CASES = archive.read_answers("hinfo")


def hinfo(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return run("hinfo", arguments, {}, out, err), out.getvalue(), err.getvalue()


def test_the_bed_has_every_cluster() -> None:
    assert {case.cluster for case, _ in CASES} == set(CLUSTERS)


@pytest.mark.parametrize(("case", "answer"), CASES, ids=[case.name for case, _ in CASES])
def test_prints_what_ganetis_prints(case: Case, answer: Answer, tmp_path: Path) -> None:
    assert bed.ours(case, CLUSTERS, tmp_path) == answer


def _simple(tmp_path: Path, instance: str = "") -> str:
    """A file with a cluster of two groups, a node in each."""
    node = "1|9000|0|8000|9000|8000|8|{}|{}\n"
    text = "a|ua|preferred||\nb|ub|preferred||\n\nn" + node.format("M", "ua")
    text += "m" + node.format("N", "ub") + "\n" + instance + "\ntag\n"
    path = tmp_path / "cluster.data"
    path.write_text(text)
    return str(path)


def test_names_instances_with_nodes_in_two_groups(tmp_path: Path) -> None:
    data = _simple(tmp_path, "i|1000|1000|1|running|Y|n1|m1|drbd||1\n")
    code, out, err = hinfo("-t", data)
    assert code == 0
    assert "Found instances belonging to multiple node groups:\n" in out
    assert err.endswith("\n\n  i\n")


def test_an_empty_cluster(tmp_path: Path) -> None:
    (tmp_path / "empty.data").write_text("g|u|preferred|\n\n\n\n")
    code, out, err = hinfo("-t", str(tmp_path / "empty.data"), "-v")
    assert (code, err) == (0, "")
    assert "Cluster is empty.\nLoaded 0 nodes, 0 instances, 1 node group\n" in out
    assert out.endswith("Cluster score: 0.00000000\n")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-O", "nodex"), "Error: wrong node name(s) set as offline: nodex\n\n"),
        (("argument",), "Error: This program doesn't take any arguments.\n"),
        (("--mond",), "Error: hinfo: --mond is not built yet in this version (pending)\n"),
        (("-L", "-m", "host"), "Error: Only one of the rapi, luxi, and data files options"),
        (("-t", "/nowhere/at/all"), "failed to load data, aborting: /nowhere/at/all: openFile:"),
    ],
)
def test_refuses(options: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    code, _, err = hinfo("-t", _simple(tmp_path), *options)
    assert code == 1
    assert complaint in err


def _wrong(pair: tuple[Case, Answer]) -> bool:
    return pair[0].program == "hinfo" and pair[1].code == 1 and pair[0].name.startswith("hinfo-bro")


BROKEN = [pair for pair in archive.read_answers("options") if _wrong(pair)]


@pytest.mark.parametrize(("case", "answer"), BROKEN, ids=[case.name for case, _ in BROKEN])
def test_a_spoiled_file_is_refused_on_one_line(case: Case, answer: Answer, tmp_path: Path) -> None:
    got = bed.ours(case, CLUSTERS, tmp_path)
    assert (got.code, got.out) == (answer.code, answer.out)
    assert got.err.startswith("Error: failed to load data, aborting: ")
    assert got.err.count("\n") == 1
