"""Global N+1: whether the instances of a node find a place in its group when it fails.

    State of a group -> stranded -> the nodes whose instances do not

Instances on DRBD fail over. Then those with disks elsewhere are started on other nodes, each on the
one that is best for the score, and last those whose disks would be lost are made anew, the largest
first. Soft rules are not looked at, and offline nodes are places, too, as in Ganeti's tools.
Source: hcheck(1), hspace(1); found by comparing.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pyganeti.model.enums import DiskTemplate

from .candidates import Step
from .model import Instance, IPolicy
from .moves import Kind, Move
from .state import NOWHERE, State

_MADE_ANEW: Final = frozenset({DiskTemplate.PLAIN, DiskTemplate.FILE, DiskTemplate.BLOCKDEV})


def stranded(state: State) -> list[int]:
    """The nodes of a group of which some instance finds no place should the node fail."""
    return [node for node in range(len(state.nodes)) if not can_be_lost(state, node)]


def can_be_lost(state: State, node: int) -> bool:
    """Whether all instances of ``node`` find a place on other nodes of the group."""
    left = state.copy()
    return all(_leaves(left, instance) for instance in _in_order(state, node))


def _in_order(state: State, node: int) -> Iterator[int]:
    """The instances that run on ``node`` in the order in which they leave it."""
    here = np.flatnonzero((state.primary == node) & state.real)[::-1].tolist()
    template = [instance.template for instance in state.instances]
    yield from (i for i in here if template[i] is DiskTemplate.DRBD)
    yield from (i for i in here if template[i] not in {DiskTemplate.DRBD, *_MADE_ANEW})
    anew = [i for i in here if template[i] in _MADE_ANEW]
    yield from sorted(anew, key=lambda i: -int(state.memory[i]))


def _leaves(state: State, i: int) -> bool:
    """Move instance ``i`` off its primary node if there is a place for it."""
    it = state.instances[i]
    if it.template in _MADE_ANEW and not matches(it, state.policy):
        return False
    if it.template is DiskTemplate.DRBD and state.secondary[i] == NOWHERE:
        return False
    kind = Kind.FAILOVER if it.template is DiskTemplate.DRBD else Kind.FAILOVER_TO_ANY
    step = Step(state, np.array([i]), force=True, anywhere=True)
    scores = step.scores({kind: np.ones((1, 1), bool)})[kind]
    if not np.isfinite(scores).any():
        return False
    target = NOWHERE if kind is Kind.FAILOVER else int(scores.argmin())
    Move(i, kind, target).do(state)
    return True


def matches(it: Instance, policy: IPolicy) -> bool:
    """Whether ``it`` has a disk template and a size that ``policy`` allows."""
    if it.template not in policy.disk_templates:
        return False
    return any(
        r.min.memory <= it.memory <= r.max.memory
        and r.min.cpus <= it.vcpus <= r.max.cpus
        and r.min.spindles <= it.spindle_use <= r.max.spindles
        and (it.template is DiskTemplate.DISKLESS or r.min.disk_size <= it.disk <= r.max.disk_size)
        for r in policy.ranges
    )
