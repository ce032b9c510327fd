"""Clusters made up, beside those that Ganeti makes up and saves."""

from dataclasses import replace

import pytest

from pyganeti.cli.htools.simulate import simulate
from pyganeti.htools.errors import InputError
from pyganeti.htools.model import Cluster
from pyganeti.htools.text import format_text, parse_text
from tools.htools_bed import archive

ANSWERS = archive.read_answers("options")
SAVED = [
    (case, text)
    for case, answer in ANSWERS
    if case.name.startswith("hspace-simulated-drbd")
    for name, text in answer.files.items()
    if name == "saved.standard"
]


def _empty(cluster: Cluster) -> Cluster:
    """``cluster`` without what an allocation changes."""
    nodes = tuple(replace(n, free_disk=0, free_spindles=0) for n in cluster.nodes)
    return replace(cluster, nodes=nodes, instances=())


def test_makes_up_what_ganeti_makes_up() -> None:
    assert len(SAVED) >= 4
    for case, text in SAVED:
        specs = [case.args[k + 1] for k, word in enumerate(case.args) if word == "--simulate"]
        assert format_text(_empty(simulate(specs))) == format_text(_empty(parse_text(text)))


@pytest.mark.parametrize("spec", ["p,3,100g,8g", "x,3,100g,8g,4", "p,x,100g,8g,4", "p,3,100q,8g,4"])
def test_refuses_what_ganeti_refuses_in_its_words(spec: str) -> None:
    (answer,) = (a for c, a in ANSWERS if c.program == "hspace" and c.args == ("--simulate", spec))
    with pytest.raises(InputError) as refused:
        simulate([spec])
    assert f"Error: failed to load data, aborting: {refused.value}\n" == answer.err


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("p,2,1g,1g,4,1,Y", "exclusive storage: cannot parse string 'Y'"),
        ("p,2,1g,1g,4,x", "spindles: cannot parse string 'x'"),
        ("p,-2,1g,1g,4", "node count: '-2' is negative"),
        ("", "but got 0: ''"),
        ("p,2,1g,1g,4,1,True,1", "but got 8:"),
    ],
)
def test_refuses_with_the_part_that_is_wrong(spec: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        simulate([spec])


def test_the_group_named_last_is_the_first() -> None:
    cluster = simulate(["p,1,1g,1g,1,3,True", "a,2,1g,1g,1"])
    assert [node.name for node in cluster.nodes if node.master] == ["node-01-001"]
    assert [(n.spindles, n.exclusive_storage) for n in cluster.nodes] == [
        (1, False),
        (1, False),
        (3, True),
    ]
