"""Clusters for tests: those of the golden data, and others made from a seed."""

from pathlib import Path
from random import Random
from typing import Final

from pyganeti.htools.model import Cluster
from pyganeti.htools.state import State
from pyganeti.htools.text import parse_text

GOLDEN: Final = Path(__file__).parents[2] / "golden" / "htools" / "moves"
NAMES: Final = sorted(path.stem for path in GOLDEN.glob("*.data"))


def golden(name: str) -> Cluster:
    """The cluster ``name`` of the golden data."""
    return parse_text((GOLDEN / f"{name}.data").read_text())


def first_group(cluster: Cluster) -> State:
    """The state of its first group."""
    return State.of(cluster, cluster.groups[0].uuid)


def shaken(state: State, rng: Random, moves: int) -> State:
    """A copy with instances put anywhere, room or not."""
    state = state.copy()
    nodes = range(len(state.nodes))
    for _ in range(moves):
        i = rng.randrange(len(state.instances))
        primary, secondary = rng.sample(nodes, 2)
        single = state.secondary[i] < 0
        state.lift(i)
        state.put(i, primary, -1 if single else secondary)
    return state
