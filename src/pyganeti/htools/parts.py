"""A group cut out of the state of a whole cluster.

    State of all groups, UUID -> part -> State of one

Instances may have their nodes in two groups; a group alone then still shows what it carries for the
others. Source: hinfo(1), hcheck(1).
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from .state import NOWHERE, State

_OF_NODES: Final = (
    "offline", "total", "high_cpus", "high_spindles", "low_disk", "domains", "amount", "free_mem",
    "free_disk", "reserved", "tagged", "tagged_real", "failing",
)  # fmt: skip
_OF_PAIRS: Final = ("common_domains", "may_migrate", "peers")
_OF_INSTANCES: Final = (
    "as_primary", "as_secondary", "memory", "needs_memory", "kept_memory", "disk", "vcpus",
    "local_disk", "real", "exclusion",
)  # fmt: skip


def part(state: State, group: str) -> State:
    """The nodes of the group with UUID ``group``, with the instances that touch them.

    A node of an instance that is elsewhere is ``NOWHERE`` there. What the nodes hold stays as it
    is, unlike in :meth:`State.of`, which does not know of secondaries of other groups' instances.
    """
    keep = np.array([node.group == group for node in state.nodes], bool)
    number = np.append(np.where(keep, np.cumsum(keep) - 1, NOWHERE), NOWHERE)
    primary, secondary = number[state.primary], number[state.secondary]
    who = (primary != NOWHERE) | (secondary != NOWHERE)
    parts: dict[str, Any] = {}  # vectors of several types
    parts |= {name: getattr(state, name)[..., keep] for name in _OF_NODES}
    parts |= {name: getattr(state, name)[keep][:, keep] for name in _OF_PAIRS}
    parts |= {name: getattr(state, name)[..., who] for name in _OF_INSTANCES}
    (policy,) = (g.ipolicy for g in state.cluster.groups if g.uuid == group)
    return replace(
        state,
        policy=policy,
        nodes=tuple(node for node, kept in zip(state.nodes, keep, strict=True) if kept),
        instances=tuple(it for it, kept in zip(state.instances, who, strict=True) if kept),
        unwanted=state.unwanted[who][:, keep],
        primary=primary[who],
        secondary=secondary[who],
        **parts,
    )
