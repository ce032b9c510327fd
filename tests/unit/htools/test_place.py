"""Where an instance goes, beside where Ganeti's hspace puts it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pyganeti.htools.metrics import score
from pyganeti.htools.model import Disk, Instance
from pyganeti.htools.place import Place, Placing, best_place, with_instance
from pyganeti.htools.state import NOWHERE, Bools, State
from pyganeti.htools.text import parse_text
from pyganeti.model.enums import AllocPolicy, DiskTemplate, InstanceStatus
from pyganeti.model.templates import INTERNALLY_MIRRORED
from tools.htools_bed import archive
from tools.htools_bed.cases import Answer, Case

CLUSTERS = archive.read_clusters()
CASES = archive.read_answers("places")
PLACED = [pair for pair in CASES if pair[1].files]


def new(state: State, template: str, number: int = 0) -> Instance:
    """An instance of the size in the recorded command lines."""
    return Instance(
        name=f"new-{number}",
        memory=1024,
        disk=4096,
        vcpus=2,
        status=InstanceStatus.RUNNING,
        primary=state.nodes[0].name,
        secondary=None,
        template=DiskTemplate(template),
        disks=(Disk(4096, 1),),
    )


def everywhere(state: State) -> Bools:
    """The nodes of groups that take instances."""
    policies = {group.uuid: group.alloc_policy for group in state.cluster.groups}
    takes = [policies[node.group] is not AllocPolicy.UNALLOCABLE for node in state.nodes]
    return np.array(takes, bool)


def placed(state: State, template: str, count: int) -> Iterator[tuple[str, str]]:
    """The nodes of ``count`` instances, one after the other."""
    for number in range(count):
        state = with_instance(state, new(state, template, number))
        place = best_place(state, len(state.instances) - 1, everywhere(state))
        if place is None:
            return
        state.put(len(state.instances) - 1, place.primary, place.secondary)
        second = "" if place.secondary == NOWHERE else state.nodes[place.secondary].name
        yield state.nodes[place.primary].name, second


def theirs(answer: Answer) -> list[tuple[str, str]]:
    rows = [row.split("|") for row in answer.files["saved.standard"].splitlines()]
    return [(row[6], row[7]) for row in rows if row[0].startswith("new-")]


def test_the_bed_has_many_clusters_that_take_instances() -> None:
    assert {case.cluster for case, _ in CASES} == set(CLUSTERS)
    assert sum(len(theirs(answer)) for _, answer in PLACED) > 700


@pytest.mark.parametrize(("case", "answer"), PLACED, ids=[case.name for case, _ in PLACED])
def test_goes_where_ganeti_puts_it(case: Case, answer: Answer) -> None:
    state = State.of(parse_text(CLUSTERS[case.cluster]), None)
    assert list(placed(state, case.name.split("-")[1], 4)) == theirs(answer)


@pytest.mark.parametrize("template", ["drbd", "rbd", "plain"])
@pytest.mark.parametrize("name", ["everything-6x30", "all-tags-5x24", "groups-mixed-10x60"])
def test_every_place_has_the_score_it_leads_to(name: str, template: str) -> None:
    state = State.of(parse_text(CLUSTERS[name]), None)
    state = with_instance(state, new(state, template))
    tagged = replace(new(state, template), tags=state.instances[0].tags)
    state = with_instance(state, replace(tagged, name="tagged"))
    nodes = np.arange(len(state.nodes))
    mirrored = DiskTemplate(template) in INTERNALLY_MIRRORED
    for i in (len(state.instances) - 2, len(state.instances) - 1):
        placing = Placing(state, np.array([i]))
        scores = placing.score_if_put(nodes[:, None], nodes[None, :] if mirrored else None)
        for first in np.flatnonzero(state.online):
            for second in np.flatnonzero(state.online) if mirrored else [NOWHERE]:
                if first != second:
                    trial = state.copy()
                    trial.put(i, int(first), int(second))
                    column = second if mirrored else 0
                    assert scores[first, column] == pytest.approx(score(trial), abs=1e-7)


def test_neither_looking_nor_adding_changes_the_state() -> None:
    state = State.of(parse_text(CLUSTERS["plain-5x24"]), None)
    before = state.copy()
    more = with_instance(state, new(state, "drbd"))
    added = more.copy()
    assert isinstance(best_place(more, 24, everywhere(more)), Place)
    for old, now in ((before, state), (added, more)):
        assert (old.primary == now.primary).all()
        assert (old.amount == now.amount).all()
        assert (old.peers == now.peers).all()


def test_what_the_policy_does_not_allow_goes_nowhere() -> None:
    state = State.of(parse_text(CLUSTERS["plain-5x24"]), None)
    large = replace(new(state, "drbd"), vcpus=500)
    state = with_instance(state, large)
    assert best_place(state, 24, everywhere(state)) is None


def test_only_the_nodes_that_are_named_are_thought_of() -> None:
    state = State.of(parse_text(CLUSTERS["plain-5x24"]), None)
    state = with_instance(state, new(state, "drbd"))
    may = np.array([False, True, True, False, False])
    place = best_place(state, 24, may, force=True)
    assert place is not None
    assert {place.primary, place.secondary} == {1, 2}
    assert best_place(state, 24, may & [False, True, False, False, False]) is None
