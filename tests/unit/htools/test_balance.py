"""Metrics and moves, as Ganeti's hbal has them on the golden clusters."""

import re

import numpy as np
import pytest

from pyganeti.htools.balance import Options, balance, lower_bound, movable
from pyganeti.htools.metrics import METRICS, score, values
from pyganeti.htools.moves import Kind
from pyganeti.htools.state import State

from .clusters import GOLDEN, NAMES, first_group, golden

METRIC = re.compile(r"^   (\w+) +([\d.]+) +x *([\d.]+)$", re.MULTILINE)
MOVE = re.compile(r"^ +\d+\. (\S+) +(\S+) +=> (\S+) +([\d.]+) a=(.*)$", re.MULTILINE)


def expected(name: str) -> str:
    return (GOLDEN / f"{name}.txt").read_text()


def steps(state: State, options: Options) -> list[tuple[str, ...]]:
    """The steps in the words of Ganeti's list."""
    short = [node.name.split(".")[0] for node in state.nodes]

    def pair(nodes: tuple[int, int]) -> str:
        return ":".join(short[node] for node in nodes if node >= 0)

    return [
        (
            state.instances[done.move.instance].name.split(".")[0],
            pair(done.before),
            pair(done.after),
            f"{done.score:.8f}",
            done.move.kind.value.format(t=short[done.move.target]),
        )
        for done in balance(state, options)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_metrics_to_the_printed_digits(name: str) -> None:
    state = first_group(golden(name))
    found = [
        (metric.name, f"{value:.8f}", f"{metric.weight:.2f}")
        for metric, value in zip(METRICS, values(state), strict=True)
    ]
    assert found == METRIC.findall(expected(name))
    assert f"overall {score(state):.8f}\n" in expected(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_moves_in_the_same_order(name: str) -> None:
    assert steps(first_group(golden(name)), Options()) == MOVE.findall(expected(name))


def test_the_golden_clusters_need_many_moves() -> None:
    lengths = [len(MOVE.findall(expected(name))) for name in NAMES]
    assert sum(length >= 5 for length in lengths) >= 40


@pytest.mark.parametrize("name", NAMES[::3])
def test_no_step_breaks_n1_more_than_the_start(name: str) -> None:
    state = first_group(golden(name))
    failing = (state.failing & state.online).sum()
    for _ in balance(state, Options()):
        now = (state.failing & state.online).sum()
        assert now <= failing
        failing = now


@pytest.mark.parametrize("name", NAMES[::5])
def test_every_step_gains_and_ends_above_the_bound(name: str) -> None:
    state = first_group(golden(name))
    now = score(state)
    for done in balance(state, Options()):
        assert done.score < now
        assert done.score == score(state)
        now = done.score
    assert now >= lower_bound(state)


def test_the_bound_that_reservations_set() -> None:
    # As hbal prints it with -e 1000: "optimum score due to N+1 reservations".
    assert f"{lower_bound(first_group(golden('offline-5x24'))):.6e}" == "3.032227e-02"
    assert f"{lower_bound(first_group(golden('uneven-5x24'))):.6e}" == "4.079861e-02"


def test_no_more_than_asked_for() -> None:
    assert len(steps(first_group(golden("plain-5x24")), Options(max_length=2))) == 2
    assert steps(first_group(golden("plain-5x24")), Options(max_length=0)) == []
    assert steps(first_group(golden("plain-5x24")), Options(min_score=100.0)) == []


def test_kinds_that_are_ruled_out() -> None:
    def kinds(options: Options) -> set[Kind]:
        state = first_group(golden("plain-6x30"))
        return {done.move.kind for done in balance(state, options)}

    assert kinds(Options(disk_moves=False)) == {Kind.FAILOVER}
    assert kinds(Options(instance_moves=False)) == {Kind.REPLACE_SECONDARY}
    restricted = kinds(Options(restricted_migration=True))
    assert restricted <= {Kind.FAILOVER, Kind.REPLACE_SECONDARY}


def test_evacuation_moves_only_what_is_on_offline_nodes() -> None:
    state = first_group(golden("offline-5x24"))
    who = np.flatnonzero(movable(state, Options(evacuate=True)))
    on = state.offline[state.primary[who]] | state.offline[state.secondary[who]]
    assert on.all()
    assert 0 < len(who) < len(state.instances)


def test_an_empty_group() -> None:
    state = first_group(golden("plain-5x24"))
    empty = State.of(
        type(state.cluster)(state.cluster.groups, (), ()), state.cluster.groups[0].uuid
    )
    assert steps(empty, Options()) == []


def test_the_cluster_afterwards() -> None:
    state = first_group(golden("some-plain-5x24"))
    list(balance(state, Options()))
    after = state.to_cluster()
    assert [node.name for node in after.nodes] == [node.name for node in state.nodes]
    again = first_group(after)
    for attribute in ("primary", "secondary", "free_disk", "reserved"):
        assert np.array_equal(getattr(again, attribute), getattr(state, attribute)), attribute
