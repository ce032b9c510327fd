"""The balancer: step by step the move that lowers the score most, as Ganeti's.

    State, Options -> steps (each with the score that it leaves) -> until nothing gains enough

Candidates near the best are scored again from scratch, and the first of the lowest in Ganeti's
order is taken. Source: hbal(1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from pyganeti.model.enums import DiskTemplate
from pyganeti.model.templates import EXTERNALLY_MIRRORED, INTERNALLY_MIRRORED

from .candidates import Step
from .metrics import METRICS, score
from .moves import ORDER, Kind, Move
from .state import NOWHERE, Bools, Floats, Q, State

_NEAR: Final = 1e-6
"""How far a score from sums may be off, with a wide margin."""

_SHARED: Final = EXTERNALLY_MIRRORED - {DiskTemplate.DISKLESS}
"""Templates whose instances can run anywhere; Ganeti's balancer leaves diskless ones alone."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about balancing; see hbal(1) for each."""

    disk_moves: bool = True
    instance_moves: bool = True
    restricted_migration: bool = False
    evacuate: bool = False
    ignore_soft_errors: bool = False
    min_gain: float = 0.01
    min_gain_limit: float = 0.1
    min_score: float = 1e-9
    max_length: int = -1


@dataclass(frozen=True, slots=True)
class Done:
    """A step of a plan: the move, the nodes before and after, and the score it leaves."""

    move: Move
    before: tuple[int, int]
    after: tuple[int, int]
    score: float


def balance(state: State, options: Options) -> Iterator[Done]:
    """Move instances of ``state`` until nothing gains enough, telling each step."""
    now, length = score(state), 0
    floor = options.min_score + lower_bound(state)
    while now > floor and (options.max_length < 0 or length < options.max_length):
        found = best_move(state, options, now)
        if found is None or (now <= options.min_gain_limit and now - found[1] < options.min_gain):
            return
        move, now = found
        before = int(state.primary[move.instance]), int(state.secondary[move.instance])
        move.do(state)
        length += 1
        yield Done(move, before, move.after(*before), now)


def lower_bound(state: State) -> float:
    """Below what score no balancing gets, as memory has to be held free for the failure of a node.

    Offline nodes count as in Ganeti, too.
    """
    memory = state.total[Q.MEM]
    total, rest = float(memory.sum()), float(memory.sum() - memory.max(initial=0))
    if rest <= 0:
        return 0.0
    kept = float(state.peers.sum())
    (weight,) = (metric.weight for metric in METRICS if metric.name == "reserved_mem_rtotal")
    return weight * (kept / rest - kept / total)


def best_move(state: State, options: Options, now: float) -> tuple[Move, float] | None:
    """The move with the lowest score below ``now``, and that score."""
    near: list[tuple[float, Move]] = []
    for step, kinds in groups_of_moves(state, options):
        for kind, scores in step.scores(kinds).items():
            near = _near(near, step, kind, scores, now)
    best: tuple[Move, float] | None = None
    for _, move in sorted(near, key=lambda found: _rank(found[1])):
        exact = _scored(state, move)
        if exact < (best[1] if best else now):
            best = move, exact
    return best


def _near(
    near: list[tuple[float, Move]], step: Step, kind: Kind, scores: Floats, now: float
) -> list[tuple[float, Move]]:
    """``near`` with those of ``scores`` that may be the lowest, without those that cannot be."""
    lowest = min([now, *(found for found, _ in near), float(scores.min(initial=np.inf))])
    rows, columns = np.nonzero(scores <= lowest + _NEAR)
    more = [
        (
            float(scores[row, column]),
            Move(int(step.who[row]), kind, NOWHERE if kind is Kind.FAILOVER else int(column)),
        )
        for row, column in zip(rows, columns, strict=True)
    ]
    return [found for found in near if found[0] <= lowest + _NEAR] + more


def _rank(move: Move) -> tuple[int, int, int]:
    """The place of a move in the order in which Ganeti tries them."""
    return move.instance, move.target, ORDER.index(move.kind)


def _scored(state: State, move: Move) -> float:
    """The score after ``move``, from scratch."""
    trial = state.copy()
    move.do(trial)
    return score(trial)


def movable(state: State, options: Options) -> Bools:
    """Which instances may move at all."""
    may = np.array([i.auto_balance and i.movable for i in state.instances], bool)
    if options.evacuate:
        second = np.where(state.secondary == NOWHERE, state.primary, state.secondary)
        may &= state.offline[state.primary] | state.offline[second]
    return may


def groups_of_moves(state: State, options: Options) -> Iterator[tuple[Step, dict[Kind, Bools]]]:
    """Instances by what their disk template allows, with the kinds of moves to look at."""
    may = movable(state, options)
    templates = [instance.template for instance in state.instances]
    mirrored = np.array([t in INTERNALLY_MIRRORED for t in templates], bool)
    mirrored &= state.secondary != NOWHERE
    shared = np.array([t in _SHARED for t in templates], bool)
    for which, kinds in ((may & mirrored, _mirrored_kinds), (may & shared, _shared_kinds)):
        who = np.flatnonzero(which)
        if len(who):
            step = Step(state, who, force=options.ignore_soft_errors)
            yield step, kinds(step, options)


def _mirrored_kinds(step: Step, options: Options) -> dict[Kind, Bools]:
    state = step.state
    everywhere = np.ones((len(step.who), 1), bool)
    # A secondary that is offline cannot take the instance over, not even for a moment.
    ready = state.online[step.s] if options.instance_moves else ~everywhere
    kinds = {Kind.FAILOVER: ready}
    if not options.disk_moves:
        return kinds
    kinds[Kind.REPLACE_SECONDARY] = everywhere
    if options.instance_moves:
        drained = state.offline[step.p]
        may = drained | (not options.restricted_migration)
        kinds[Kind.REPLACE_AND_FAILOVER] = may
        if not options.restricted_migration:
            kinds[Kind.REPLACE_PRIMARY] = ready
        kinds[Kind.FAILOVER_AND_REPLACE] = ready & may
    return kinds


def _shared_kinds(step: Step, options: Options) -> dict[Kind, Bools]:
    return {Kind.FAILOVER_TO_ANY: np.full((len(step.who), 1), options.instance_moves)}
