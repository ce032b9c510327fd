"""What is to be done in a node group, from what the master says of it. Pure but for the counting.

instances, nodes -> starts, clean-ups, disks to activate
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyganeti.daemons.watcher.state import GroupState
from pyganeti.model.enums import InstanceStatus
from pyganeti.wire.luxi.client import OpDict

# What keeps an instance that should run from running, and can be mended by a start.
_STARTED_AGAIN: Final = frozenset({InstanceStatus.ERROR_DOWN})


@dataclass(frozen=True, slots=True)
class SeenInstance:
    """An instance as the master sees it.

    Attributes:
        name: its name.
        status: the field ``status``.
        disks_active: whether its disks should be active.
        nodes: names of its primary and secondary nodes.
    """

    name: str
    status: str
    disks_active: bool
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node as the master sees it; ``boot_id`` is ``None`` while it does not answer."""

    name: str
    uuid: str
    boot_id: str | None


@dataclass(frozen=True, slots=True)
class Task:
    """A job to submit: about which instance, why, and its opcode."""

    instance: str
    why: str
    op: OpDict


def starts(instances: Iterable[SeenInstance], state: GroupState, now: float) -> list[Task]:
    """Start what should run and does not, unless it was tried too often; counts the tries."""
    tasks = []
    for instance in instances:
        if instance.status == InstanceStatus.RUNNING:
            state.is_well(instance.name)
        elif instance.status in _STARTED_AGAIN and state.may_start(instance.name, now):
            state.started(instance.name, now)
            op: OpDict = {"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": instance.name}
            tasks.append(Task(instance.name, "start an instance that should run", op))
    return tasks


def given_up(instances: Iterable[SeenInstance], state: GroupState, now: float) -> list[str]:
    """Names of those that should run and were started too often."""
    return [
        instance.name
        for instance in instances
        if instance.status in _STARTED_AGAIN and not state.may_start(instance.name, now)
    ]


def cleanups(instances: Iterable[SeenInstance]) -> list[Task]:
    """Record as down what its user has shut down from inside."""
    return [
        Task(
            instance.name,
            "record that its user has shut it down",
            {
                "OP_ID": "OP_INSTANCE_SHUTDOWN",
                "instance_name": instance.name,
                "admin_state_source": "user",
            },
        )
        for instance in instances
        if instance.status == InstanceStatus.USER_DOWN and instance.disks_active
    ]


def booted(nodes: Iterable[SeenNode], state: GroupState) -> list[SeenNode]:
    """Nodes that answer and have been booted since their disks were activated."""
    return [
        node
        for node in nodes
        if node.boot_id is not None and state.has_booted(node.name, node.boot_id)
    ]


def activations(
    instances: Iterable[SeenInstance], nodes: Iterable[SeenNode], done: set[str]
) -> list[Task]:
    """Activate disks that lie on ``nodes``, which have lost them in a boot.

    Args:
        instances: of the group.
        nodes: freshly booted.
        done: instances that are started, whose disks are activated by that.
    """
    names = {node.name for node in nodes}
    return [
        activation(instance.name, "activate disks after the boot of a node")
        for instance in instances
        if instance.disks_active
        and instance.name not in done
        and names.intersection(instance.nodes)
    ]


def activation(instance: str, why: str) -> Task:
    """Activate the disks of one instance."""
    op: OpDict = {"OP_ID": "OP_INSTANCE_ACTIVATE_DISKS", "instance_name": instance}
    return Task(instance, why, op)
