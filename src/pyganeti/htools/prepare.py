"""What a command line says about a cluster, applied to it; and what does not fit together.

    Cluster, wishes -> prepared Cluster

Source: hbal(1), OPTIONS; the messages of Ganeti's tools.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from .errors import InputError
from .model import Cluster, Node
from .state import LOCAL, uses_memory
from .tags import EXCLUSION

_LOST_MEMORY = 512
_LOST_DISK = 1024


def common_suffix(names: Iterable[str]) -> str:
    """What all of ``names`` end in, from a dot on; empty for a single name."""
    known = list(names)
    if len(known) < 2:
        return ""
    first = known[0]
    dots = [at for at, letter in enumerate(first) if letter == "."]
    ends = (first[at:] for at in dots)
    return next((end for end in ends if all(name.endswith(end) for name in known)), "")


def matching_names(wanted: Iterable[str], known: Collection[str]) -> tuple[set[str], list[str]]:
    """Names of ``known`` that ``wanted`` means, whole or up to a dot; and what is none of them."""
    found, unknown = set(), []
    for name in wanted:
        meant = [k for k in known if k == name] or [k for k in known if k.startswith(f"{name}.")]
        if len(meant) == 1:
            found.add(meant[0])
        else:
            unknown.append(name)
    return found, unknown


def with_offline(cluster: Cluster, names: Iterable[str]) -> Cluster:
    """``cluster`` with nodes taken as offline.

    Raises:
        InputError: there is no such node.
    """
    found, unknown = matching_names(names, [node.name for node in cluster.nodes])
    if unknown:
        raise InputError(f"wrong node name(s) set as offline: {','.join(unknown)}")
    nodes = (replace(n, offline=True) if n.name in found else n for n in cluster.nodes)
    return replace(cluster, nodes=tuple(nodes))


def with_selection(cluster: Cluster, only: Iterable[str], without: Iterable[str]) -> Cluster:
    """``cluster`` with those instances held back that are not to move.

    Raises:
        InputError: there is no such instance.
    """
    names = [instance.name for instance in cluster.instances]
    selected, unknown = matching_names(only, names)
    excluded, more = matching_names(without, names)
    if unknown or more:
        quoted = ",".join(f'"{name}"' for name in unknown + more)
        raise InputError(f"Unknown instance(s): [{quoted}]")
    moving = (selected or set(names)) - excluded
    instances = (replace(i, movable=i.name in moving) for i in cluster.instances)
    return replace(cluster, instances=tuple(instances))


def with_exclusion_tags(cluster: Cluster, prefixes: Iterable[str] | None) -> Cluster:
    """``cluster`` with these prefixes of exclusion tags beside its own."""
    more = (EXCLUSION + prefix for prefix in prefixes or ())
    return replace(cluster, tags=(*cluster.tags, *more))


def inconsistencies(cluster: Cluster) -> list[str]:
    """Nodes with memory or disk that nothing accounts for, one a line, the last node first."""
    found = []
    for node in reversed(cluster.nodes):
        memory, disk = _lost(cluster, node)
        if memory > _LOST_MEMORY or disk > _LOST_DISK:
            found.append(f"node {node.name} is missing {memory} MB ram and {disk // 1024} GB disk")
    return found


def _lost(cluster: Cluster, node: Node) -> tuple[int, int]:
    """MiB of memory and disk that are neither free nor known to be used."""
    here = [i for i in cluster.instances if not i.forthcoming]
    running = sum(i.memory for i in here if i.primary == node.name and uses_memory(i))
    disks = sum(
        i.disk for i in here if node.name in (i.primary, i.secondary) and i.template in LOCAL
    )
    memory = int(node.total_memory) - node.node_memory - running - node.free_memory
    return memory, int(node.total_disk) - node.free_disk - disks
