"""Tables of nodes, beside those that Ganeti's hinfo prints."""

import pytest

from pyganeti.htools.state import State
from pyganeti.htools.tables import nodes_table, table
from pyganeti.htools.text import parse_text
from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case

CLUSTERS = archive.read_clusters()
_TITLE = "Cluster status:\n"


def _is_usual(case: Case, answer: Answer) -> bool:
    """Whether one group is shown with the usual fields."""
    plus = any("+" in word for word in case.args)
    return _TITLE in answer.err and not plus and not case.cluster.startswith("groups")


SHOWN = [pair for pair in archive.read_answers("hinfo") if _is_usual(*pair)]


def test_the_bed_shows_many_tables() -> None:
    assert len(SHOWN) > 60


@pytest.mark.parametrize(("case", "answer"), SHOWN, ids=[case.name for case, _ in SHOWN])
def test_shows_nodes_as_ganeti_does(case: Case, answer: Answer) -> None:
    cluster = parse_text(CLUSTERS[case.cluster])
    state = State.of(cluster, cluster.groups[0].uuid)
    names = [node.name.split(".")[0] for node in state.nodes]
    theirs = answer.err.partition(_TITLE)[2].partition("\n\n")[0]
    assert nodes_table(state, names) == f"{theirs}\n"


def test_shows_the_fields_that_are_asked_for() -> None:
    cluster = parse_text(CLUSTERS["plain-4x14"])
    state = State.of(cluster, cluster.groups[0].uuid)
    lines = nodes_table(state, ["a", "bb", "c", "d"], ["name", "pcnt"]).splitlines()
    assert lines[0] == " Name pcnt"
    assert [line.split()[0] for line in lines[1:]] == ["a", "bb", "c", "d"]


def test_numbers_stand_to_the_right() -> None:
    assert table([["N", "x"], ["ab", "10"]], [False, True]) == " N   x\n ab 10\n"
