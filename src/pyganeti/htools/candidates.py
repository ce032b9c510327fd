"""All moves of one balancing step, with their scores, as matrices of instances and new nodes.

    State, instances that may move -> Step -> for each kind of move: scores, infinite where refused

What belongs to an instance or its nodes is a column (m x 1), what belongs to the new node a row
(1 x n); whatever meets both is m x n. The scores are right but for rounding;
:mod:`pyganeti.htools.balance` computes those near the best again, as Ganeti does.
Source: hbal(1), ALGORITHM and PLACEMENT RESTRICTIONS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from .deviations import Spread, spreads
from .metrics import METRICS, values
from .moves import Kind
from .state import NOWHERE, Bools, Floats, Ints, Q, State

WEIGHTS: Final = {metric.name: metric.weight for metric in METRICS}
PLACES: Final = (
    "offline_all_cnt", "offline_pri_cnt", "pri_tags_score", "location_score",
    "location_exclusion_score",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """What becomes of one of the nodes: what it has and holds free, and its instances' number."""

    node: Ints
    free_mem: Ints
    reserved: Ints
    more: int = 0


class Step:
    """The moves of instances ``who`` of ``state``, which all have a disk template of one kind.

    ``force`` passes over soft rules, ``anywhere`` over the rule that new nodes are online.
    """

    def __init__(
        self, state: State, who: Ints, *, force: bool = False, anywhere: bool = False
    ) -> None:
        self.state = state
        self.anywhere = anywhere
        self.who = who
        self.p = state.primary[who][:, None]
        self.s = state.secondary[who][:, None]
        self.t = np.arange(len(state.nodes))[None, :]
        self.need = state.needs_memory[who][:, None]
        self.kept = state.kept_memory[who][:, None]
        self.disk = np.where(state.local_disk & state.real, state.disk, 0)[who][:, None]
        self.force = np.full((1, 1), force)
        self.force_p = state.offline[self.p] | force
        self.force_s = state.offline[self.s] | force

    def scores(self, kinds: Mapping[Kind, Bools]) -> dict[Kind, Floats]:
        """The scores after the moves of ``kinds``, of which the mask may rule out some."""
        shapes = {
            Kind.FAILOVER: self._failover,
            Kind.FAILOVER_TO_ANY: self._failover_to_any,
            Kind.REPLACE_SECONDARY: self._replace_secondary,
            Kind.REPLACE_AND_FAILOVER: self._replace_and_failover,
            Kind.REPLACE_PRIMARY: self._replace_primary,
            Kind.FAILOVER_AND_REPLACE: self._failover_and_replace,
        }
        return {kind: shapes[kind](allowed) for kind, allowed in kinds.items()}

    # The kinds of moves: who gets which role, and what is checked where.

    def _failover(self, allowed: Bools) -> Floats:
        p_kept = self._peers(self.p, self.s)
        fits = allowed & self._migrates(self.p, self.s) & self._takes_over(self.force_p)
        # A node that is offline is asked for nothing, not even for the disk that lies there.
        stays = self._second(self.p, self.s, self._mem_p, self._disk_p, self.force_p)
        fits &= self.state.offline[self.p] | stays
        sides = (
            Side(self.p, self._mem_p, np.maximum(self.state.reserved[self.p], p_kept)),
            Side(self.s, self.state.free_mem[self.s] - self.need, self._reserved_s),
        )
        return self._score(fits, sides, "s", "p")

    def _failover_to_any(self, allowed: Bools) -> Floats:
        fits = allowed & self._target & self._migrates(self.p, self.t) & self._first(self.force_p)
        return self._score(fits, (self._left_p, self._first_side), "t", None)

    def _replace_secondary(self, allowed: Bools) -> Floats:
        # The primary node is asked again whether there is room, as in Ganeti.
        fits = allowed & self._target & self._new_second(self.p, self.force_s) & self._stays
        stays = Side(self.p, self.state.free_mem[self.p], self.state.reserved[self.p])
        return self._score(fits, (stays, self._left_s, self._second_side(self.p)), "p", "t")

    def _replace_and_failover(self, allowed: Bools) -> Floats:
        fits = allowed & self._target & self._migrates(self.p, self.t) & self._first(self.force)
        fits &= self._second(self.p, self.t, self._mem_p, self._disk_p, self.force_s)
        kept = np.maximum(self.state.reserved[self.p], self._peers(self.p, self.t))
        sides = (Side(self.p, self._mem_p, kept), self._left_s, self._first_side)
        return self._score(fits, sides, "t", "p")

    def _replace_primary(self, allowed: Bools) -> Floats:
        fits = allowed & self._target & self._migrates(self.p, self.s)
        fits &= self._migrates(self.s, self.t) & self._takes_over(self.force_p)
        fits &= self._first(self.force_p)
        mem = self.state.free_mem[self.s]
        fits &= self._second(self.s, self.t, mem, self._disk_s, self.force_p, self._reserved_s)
        kept = np.maximum(self._reserved_s, self._peers(self.s, self.t))
        sides = (self._left_p, Side(self.s, mem, kept), self._first_side)
        return self._score(fits, sides, "t", "s")

    def _failover_and_replace(self, allowed: Bools) -> Floats:
        fits = allowed & self._target & self._migrates(self.p, self.s)
        fits &= self._takes_over(self.force_p) & self._new_second(self.s, self.force_p)
        taken = Side(self.s, self.state.free_mem[self.s] - self.need, self._reserved_s)
        return self._score(fits, (self._left_p, taken, self._second_side(self.s)), "s", "t")

    # What becomes of the nodes.

    @cached_property
    def _target(self) -> Bools:
        """Nodes that may be new: online ones that the instance does not have."""
        new: Bools = (self.t != self.p) & (self.t != self.s)
        return new & (self.state.online[self.t] | self.anywhere)

    @cached_property
    def _mem_p(self) -> Ints:
        return self.state.free_mem[self.p] + self.need

    @cached_property
    def _disk_p(self) -> Ints:
        return self.state.free_disk[self.p] + self.disk

    @cached_property
    def _disk_s(self) -> Ints:
        return self.state.free_disk[self.s] + self.disk

    @cached_property
    def _reserved_s(self) -> Ints:
        """What the secondary must hold free without the instance."""
        peers = self.state.peers
        ranked = np.sort(peers, axis=1)
        most = ranked[:, -1]
        next_most = ranked[:, -2] if peers.shape[0] > 1 else np.zeros_like(most)
        own = peers[self.s, self.p]
        others = np.where(own == most[self.s], next_most[self.s], most[self.s])
        left: Ints = np.maximum(others, own - self.kept)
        return left

    @property
    def _left_p(self) -> Side:
        return Side(self.p, self._mem_p, self.state.reserved[self.p], -1)

    @property
    def _left_s(self) -> Side:
        return Side(self.s, self.state.free_mem[self.s], self._reserved_s, -1)

    @property
    def _first_side(self) -> Side:
        """The new node as primary."""
        free = self.state.free_mem[self.t] - self.need
        return Side(self.t, free, self.state.reserved[self.t], 1)

    def _second_side(self, first: Ints) -> Side:
        """The new node as secondary of ``first``."""
        kept = np.maximum(self.state.reserved[self.t], self._peers(self.t, first))
        return Side(self.t, self.state.free_mem[self.t], kept, 1)

    def _peers(self, node: Ints, peer: Ints) -> Ints:
        """What ``node`` holds free for ``peer`` once the instance is added."""
        kept: Ints = self.state.peers[node, peer] + self.kept
        return kept

    # Whether a node takes the instance.

    def _migrates(self, source: Ints, target: Ints) -> Bools:
        may: Bools = self.state.may_migrate[source, target]
        return may

    def _first(self, force: Bools) -> Bools:
        """The new node as primary."""
        state, t = self.state, self.t
        return self._primary(
            t, state.free_mem[t], state.free_disk[t], state.reserved[t], force, state.failing[t]
        )

    def _takes_over(self, force: Bools) -> Bools:
        """The secondary as primary; its spindles are the instance's already."""
        mem = self.state.free_mem[self.s]
        failing = mem <= self._reserved_s
        return self._primary(self.s, mem, self._disk_s, self._reserved_s, force, failing)

    @property
    def _stays(self) -> Bools:
        """Whether the primary would have room for the instance if it did not have it."""
        left = self._disk_p - self.disk
        room: Bools = (self.state.free_mem[self.p] > 0) & ((left > 0) | (self.disk == 0))
        return room

    def _primary(
        self, node: Ints, mem: Ints, disk: Ints, reserved: Ints, force: Bools, failing: Bools
    ) -> Bools:
        """Whether ``node`` takes the instance as primary; memory and disk are without it."""
        state = self.state
        left = disk - self.disk
        room = (mem - self.need > 0) & ((left > 0) | (self.disk == 0))
        room &= self._own_spindles(node, node is self.s)
        soft = (mem - self.need > reserved) | failing
        soft = soft & ((left >= state.low_disk[node]) | (self.disk == 0))
        cpus = state.as_primary[Q.CPU, self.who][:, None]
        soft &= state.amount[Q.CPU][node] + cpus <= state.high_cpus[node]
        soft &= ~self._clashes(node)
        soft &= self._spindles(node, node is self.s)
        fits: Bools = room & (soft | force)
        return fits

    def _clashes(self, node: Ints) -> Bools:
        """Whether ``node`` has a primary instance with one of the instance's exclusion tags."""
        if not self.state.tagged.size:
            return np.zeros((1, 1), bool)
        everywhere = self.state.exclusion[:, self.who].T @ (self.state.tagged > 0)
        clash: Bools = _at(everywhere, node) > 0
        return clash

    def _new_second(self, first: Ints, force: Bools) -> Bools:
        """The new node as secondary of ``first``."""
        state, t = self.state, self.t
        return self._second(t, first, state.free_mem[t], state.free_disk[t], force)

    def _second(
        self, node: Ints, first: Ints, mem: Ints, disk: Ints, force: Bools,
        reserved: Ints | None = None,
    ) -> Bools:  # fmt: skip
        """Whether ``node`` takes the instance as secondary of ``first``."""
        state = self.state
        failing = state.failing[node] if reserved is None else mem <= reserved
        before = state.reserved[node] if reserved is None else reserved
        left = disk - self.disk
        room = (left > 0) | (self.disk == 0)
        room = room & self._own_spindles(node, node is not self.t)
        soft = (self.kept < mem) | (self.kept == 0)
        soft = soft & ((mem > np.maximum(before, self._peers(node, first))) | failing)
        soft = soft & ((left >= state.low_disk[node]) | (self.disk == 0))
        soft &= self._spindles(node, node is not self.t)
        fits: Bools = room & (soft | force)
        return fits

    def _spindles(self, node: Ints, own: bool) -> Bools:
        """Whether ``node`` has spindles for the instance; ``own``: it uses them already.

        Announced instances count; those whose disks are elsewhere are not asked.
        """
        state = self.state
        use = 0 if own else state.as_secondary[Q.F_SPINDLES, self.who][:, None]
        fits: Bools = state.amount[Q.F_SPINDLES][node] + use <= state.high_spindles[node]
        return fits | ~state.local_disk[self.who][:, None]

    def _own_spindles(self, node: Ints, own: bool) -> Bools:
        """Under exclusive storage: whether ``node`` has as many spindles free."""
        state = self.state
        if own or not any(found.exclusive_storage for found in state.nodes):
            return np.ones((1, 1), bool)
        left = state.amount[Q.DISK][node] + state.as_secondary[Q.DISK, self.who][:, None]
        fits: Bools = left >= 0
        return fits | ~state.local_disk[self.who][:, None]

    # What the score is then.

    @cached_property
    def _spreads(self) -> list[Spread]:
        return spreads(self.state, self.who)

    @cached_property
    def _now(self) -> dict[str, float]:
        return dict(zip((m.name for m in METRICS), values(self.state), strict=True))

    @cached_property
    def _counts(self) -> Ints:
        """How many instances, primary and secondary, each node has."""
        state = self.state
        real = state.real
        nodes = np.concatenate([state.primary[real], state.secondary[real]])
        return np.bincount(nodes[nodes != NOWHERE], minlength=len(state.nodes))

    def _score(
        self, fits: Bools, sides: tuple[Side, ...], first: str, second: str | None
    ) -> Floats:
        """The score where a move ``fits``; ``first`` and ``second`` say who gets which role."""
        nodes = {"p": self.p, "s": self.s, "t": self.t}
        score: Floats = self._deviations(first, second)
        score = score + self._memory(sides)
        score = score + self._places(nodes[first], nodes[second] if second else None)
        return np.where(fits, score, np.inf)

    def _deviations(self, first: str, second: str | None) -> Floats:
        total = np.zeros((1, 1))
        old_second = None if (self.s == NOWHERE).all() else "s"
        for spread in self._spreads:
            total = total + spread.after(self, first, second, old_second)
        return total

    def _memory(self, sides: tuple[Side, ...]) -> Floats:
        """The metrics of reserved memory and of N+1."""
        state = self.state
        online = state.online
        scale = np.zeros(len(online))
        scale[online] = 1 / state.total[Q.MEM, online]
        share = state.reserved * scale
        mean = share.sum() / max(1, int(online.sum()))
        total, square = np.zeros((1, 1)), np.zeros((1, 1))
        failed = np.zeros((1, 1))
        real = state.real[self.who][:, None]
        for side in sides:
            moved = side.reserved * scale[side.node]
            old = share[side.node]
            total = total + (moved - old)
            about = mean * online[side.node]
            square = square + ((moved - about) ** 2 - (old - about) ** 2)
            count = self._counts[side.node]
            now = state.failing[side.node] * count
            then = (side.free_mem <= side.reserved) * (count + side.more * real)
            failed = failed + (then - now) * online[side.node]
        centred = ((share - mean * online) ** 2).sum()
        n = max(1, int(online.sum()))
        variance = (centred + square) / n - (total / n) ** 2
        score: Floats = (
            WEIGHTS["reserved_mem_cv"] * np.sqrt(np.maximum(variance, 0))
            + WEIGHTS["reserved_mem_rtotal"] * (share.sum() + total)
            + WEIGHTS["n1_cnt"] * (self._now["n1_cnt"] + failed)
        )
        return score

    def _places(self, first: Ints, second: Ints | None) -> Floats:
        """The metrics that depend on which nodes an instance has."""
        state = self.state
        off = state.offline
        real = state.real[self.who][:, None]
        has = self.s != NOWHERE
        primaries = real * (off[first].astype(int) - off[self.p])
        both = primaries - real * (has & off[self.s])
        if second is not None:
            both = both + real * off[second]
        now = sum(WEIGHTS[name] * self._now[name] for name in PLACES)
        score: Floats = now + WEIGHTS["offline_all_cnt"] * both
        score = score + WEIGHTS["offline_pri_cnt"] * primaries
        if state.tagged.size:
            score = score + self._tags(first)
        if state.domains.size:
            score = score + WEIGHTS["location_score"] * real * self._locations(first, second)
        return score

    def _tags(self, first: Ints) -> Floats:
        state = self.state
        marks = state.exclusion[:, self.who].T
        online = state.online
        lost = marks @ ((state.tagged > 1) * online)
        won = marks @ ((state.tagged > 0) * online)
        moved = first != self.p
        change = _at(won, first) - np.take_along_axis(lost, self.p, 1)
        score = WEIGHTS["pri_tags_score"] * np.where(moved, change, 0)
        if state.domains.size:
            score = score + WEIGHTS["location_exclusion_score"] * self._shared_domains(first)
        return score

    def _shared_domains(self, first: Ints) -> Ints:
        """How the pairs of equal exclusion tags in one failure domain change."""
        state = self.state
        domains = state.domains * state.online
        marks = state.exclusion[:, self.who].T * state.real[self.who][:, None]
        there = state.tagged_real @ domains.T
        old = domains.T[self.p[:, 0]]
        lost = (marks @ (there > 1)) * old
        won = (marks @ (there > 0)) * (1 - old)
        change = won @ domains - (lost.sum(axis=1, keepdims=True) - lost @ domains)
        return _at(change, first)

    def _locations(self, first: Ints, second: Ints | None) -> Ints:
        state = self.state
        online, common, row = state.online, state.common_domains, self.who[:, None]
        has = self.s != NOWHERE
        old = state.unwanted[row, self.p] + common[self.p, self.s] * has
        new = state.unwanted[row, first]
        if second is not None:
            new = new + common[first, second]
        change: Ints = new * online[first] - old * online[self.p]
        return change


def _at(matrix: Ints, node: Ints) -> Ints:
    """Of an m x n matrix the columns ``node``: one for each row (m x 1), or all (1 x n)."""
    return matrix if node.shape == (1, matrix.shape[1]) else np.take_along_axis(matrix, node, 1)
