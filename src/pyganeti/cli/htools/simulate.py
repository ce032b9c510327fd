"""Clusters made up: ``--simulate``, a group each time, all of its nodes alike and empty.

    specifications -> simulate -> Cluster

Source: htools(1), ``--simulate``.
"""

from collections.abc import Sequence
from typing import Final

from pyganeti.htools.errors import InputError
from pyganeti.htools.model import Cluster, Group, Node
from pyganeti.model.enums import AllocPolicy

from . import values
from .values import BadValue

_SHORT: Final = {
    "p": AllocPolicy.PREFERRED,
    "a": AllocPolicy.LAST_RESORT,
    "u": AllocPolicy.UNALLOCABLE,
}
_WIDEST: Final = 7
_NARROWEST: Final = 5
_TRUTH: Final = {"True": True, "False": False}


def simulate(specs: Sequence[str]) -> Cluster:
    """The cluster that ``specs`` describe; the first node of the group named last is its master.

    Raises:
        InputError: a specification that cannot be read.
    """
    groups: list[Group] = []
    nodes: list[Node] = []
    # As in Ganeti, the group that was named last is the first.
    for number, spec in enumerate(reversed(specs), 1):
        try:
            group, members = _group(number, spec)
        except BadValue as bad:
            raise InputError(str(bad)) from bad
        groups.append(group)
        nodes += members
    return Cluster(tuple(groups), tuple(nodes), ())


def _group(number: int, spec: str) -> tuple[Group, list[Node]]:
    """Group ``number``, from 1, and its nodes."""
    parts = spec.split(",") if spec else []
    if not _NARROWEST <= len(parts) <= _WIDEST:
        raise BadValue(
            "Invalid cluster specification, expected 6 comma-separated sections (allocation "
            "policy, node count, disk size, memory size, number of CPUs, spindles) but got "
            f"{len(parts)}: '{spec}'"
        )
    policy = _policy(parts[0])
    count = _count("node count", parts[1])
    disk = values.size("disk size", parts[2])
    memory = values.size("memory size", parts[3])
    cpus = _count("cpu count", parts[4])
    spindles = _count("spindles", parts[5]) if len(parts) > _NARROWEST else 1
    exclusive = _truth(parts[6]) if len(parts) == _WIDEST else False
    group = Group(f"group-{number:02}", f"fake-uuid-{number:02}", policy)
    nodes = [
        Node(
            name=f"node-{number:02}-{node:03}",
            group=group.uuid,
            total_memory=float(memory),
            free_memory=memory,
            total_disk=float(disk),
            free_disk=disk,
            total_cpus=float(cpus),
            master=number == node == 1,
            spindles=spindles,
            exclusive_storage=exclusive,
        )
        for node in range(1, count + 1)
    ]
    return group, nodes


def _policy(text: str) -> AllocPolicy:
    """An allocation policy, in full or by its first letter; ``a`` is for the last resort."""
    if text in _SHORT:
        return _SHORT[text]
    try:
        return AllocPolicy(text)
    except ValueError as err:
        raise BadValue(
            f'Invalid string value for type AllocPolicy: "{text}"; '
            f"Cannot parse AllocPolicy abbreviation '{text}'"
        ) from err


def _count(what: str, text: str) -> int:
    """A number of things: none is negative, which Ganeti computes with."""
    count = values.integer(what, text)
    if count < 0:
        raise BadValue(f"{what}: '{text}' is negative")
    return count


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise BadValue(f"exclusive storage: cannot parse string '{text}'")
    return _TRUTH[text]
