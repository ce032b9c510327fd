"""Roles and flags of a node: what may follow what. Pure; :func:`decide` is the whole of it.

    record, wish, standing -> refusal, or the next record with notes for the user

A node has one role: master, or one of ``ROLE_FLAGS``, or none of them (regular).
Source: ganeti(7) "Node roles", gnt-node(8) MODIFY; ``docs/design/0013-node-roles.md``.
"""

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from .errors import ECode, OpPrereqError
from .node import Node

ROLE_FLAGS: Final = ("master_candidate", "drained", "offline")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a node; ``None`` leaves a flag to what follows from the others."""

    master_candidate: bool | None = None
    drained: bool | None = None
    offline: bool | None = None
    master_capable: bool | None = None
    vm_capable: bool | None = None
    powered: bool | None = None

    @property
    def roles(self) -> tuple[bool | None, ...]:
        """The flags of which at most one is set, in the order of ``ROLE_FLAGS``."""
        return (self.master_candidate, self.drained, self.offline)

    @property
    def may_demote(self) -> bool:
        """Whether a candidate would be none any more."""
        leaves = self.master_candidate is False or self.master_capable is False
        return leaves or self.drained is True or self.offline is True


@dataclass(frozen=True, slots=True)
class Pool:
    """The master candidates beside one node.

    Attributes:
        others: how many there are, the master counted.
        possible: how many there could be: capable, neither drained nor offline.
        size: how many the cluster wants.
    """

    others: int
    possible: int
    size: int

    @property
    def missing(self) -> int:
        """How many of the others would have to be promoted if the node were no candidate."""
        return max(0, min(self.possible, self.size) - self.others)

    @property
    def has_room(self) -> bool:
        """Whether the node itself is wanted as a candidate."""
        return self.others < self.size


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides beside the record.

    Attributes:
        pool: the candidates without the node.
        auto_promote: others are promoted where they are missed.
        has_oob: an out-of-band program switches it on and off.
    """

    is_master: bool
    has_instances: bool
    has_oob: bool
    pool: Pool
    auto_promote: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the node.

    Attributes:
        node: the next record.
        wish: what was wanted, without what is so already and with what follows.
        notes: what the user did not ask for, a line each.
    """

    node: Node
    wish: Wish
    notes: tuple[str, ...]


def decide(node: Node, wish: Wish, standing: Standing) -> Decision:
    """The record that follows.

    Raises:
        OpPrereqError: ``INVAL`` for a wish that no node could fulfil, or that concerns the master;
            ``STATE`` for one that this node cannot.
    """
    _check_possible(node, wish, standing)
    wanted, notes = _effective(node, wish)
    _check_power(node, wanted, standing)
    followed, more = _with_consequences(node, wish, wanted, standing.pool)
    return Decision(_applied(node, followed), followed, (*notes, *more))


def _check_possible(node: Node, wish: Wish, standing: Standing) -> None:
    if [*wish.roles, wish.master_capable, wish.vm_capable].count(True) > 1:
        text = "only one of the roles and capabilities of a node can be set at a time"
        raise OpPrereqError(text, ECode.INVAL)
    if standing.is_master:
        _check_of_master(node, wish)
    if wish.master_candidate and (wish.master_capable is False or not node.master_capable):
        text = f"node {node.name} is not master capable, it cannot be a master candidate"
        raise OpPrereqError(text, ECode.STATE)
    if wish.vm_capable is False and standing.has_instances:
        text = f"node {node.name} has instances, it must remain vm_capable"
        raise OpPrereqError(text, ECode.STATE)
    pool = standing.pool
    if node.master_candidate and wish.may_demote and pool.missing and not standing.auto_promote:
        raise OpPrereqError(
            f"without node {node.name} there are {pool.others} master candidates, and"
            f" {pool.missing} more could be: promote another node first, or let nodes be promoted"
            " (--auto-promote; auto_promote in RAPI)",
            ECode.STATE,
        )


def _check_of_master(node: Node, wish: Wish) -> None:
    if any(flag is not None for flag in wish.roles):
        text = f"node {node.name} is the master: its role changes by master-failover only"
        raise OpPrereqError(text, ECode.INVAL)
    if wish.master_capable is False:
        text = f"node {node.name} is the master: it must remain master capable"
        raise OpPrereqError(text, ECode.STATE)


def _effective(node: Node, wish: Wish) -> tuple[Wish, list[str]]:
    """``wish`` without flags to unset that are not set: what is left is a way out of a role."""
    idle = [
        name for name in ROLE_FLAGS if getattr(wish, name) is False and getattr(node, name) is False
    ]
    notes = [f"{name} is not set on {node.name}, so there is nothing to unset" for name in idle]
    return replace(wish, **dict.fromkeys(idle)), notes


def _check_power(node: Node, wish: Wish, standing: Standing) -> None:
    if not standing.has_oob:
        if wish.powered is not None:
            text = f"node {node.name} has no out-of-band program: its power state is not recorded"
            raise OpPrereqError(text, ECode.STATE)
    elif wish.offline is False and not (node.powered or wish.powered):
        text = f"node {node.name} is switched off: switch it on before it can be online"
        raise OpPrereqError(text, ECode.STATE)


def _with_consequences(
    node: Node, asked: Wish, wish: Wish, pool: Pool
) -> tuple[Wish, tuple[str, ...]]:
    """What follows from a wish: promotion of a node that comes back, demotion of an incapable."""
    if wish.master_capable is False and node.master_candidate:
        demoted = replace(wish, master_candidate=False)
        return demoted, (f"node {node.name} is no master candidate any more",)
    after = _applied(node, wish)
    becomes_eligible = (
        wish.drained is False
        or wish.offline is False
        or (wish.master_capable is True and not node.master_capable)
    )
    is_regular = not (after.master_candidate or after.drained or after.offline)
    wanted = asked.master_candidate is not False and pool.has_room
    if becomes_eligible and is_regular and after.master_capable and wanted:
        promoted = replace(wish, master_candidate=True)
        return promoted, (f"node {node.name} becomes a master candidate: the pool is not full",)
    return wish, ()


def _applied(node: Node, wish: Wish) -> Node:
    """``node`` with the flags of ``wish``: of the roles the one that is set, or none at all."""
    fields: dict[str, bool] = {}
    if True in wish.roles:
        fields = {name: bool(getattr(wish, name)) for name in ROLE_FLAGS}
    elif False in wish.roles:
        fields = dict.fromkeys(ROLE_FLAGS, False)
    for name in ("master_capable", "vm_capable", "powered"):
        if getattr(wish, name) is not None:
            fields[name] = getattr(wish, name)
    return msgspec.structs.replace(node, **fields)
