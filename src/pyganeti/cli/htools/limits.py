"""What the options say about balancing and about how full nodes may be.

    Cluster, Options -> limited_state -> State;  Options -> limits -> balance.Options

Source: hbal(1), hcheck(1), hspace(1).
"""

from dataclasses import replace

from pyganeti.htools import balance
from pyganeti.htools.model import Cluster
from pyganeti.htools.state import State

from .options import Options


def limited_state(cluster: Cluster, group: str | None, options: Options) -> State:
    """The state of a group, None for all, with the options' ratios in place of the policies'."""
    limited = cluster
    if options.max_cpu is not None:
        policies = [replace(g.ipolicy, vcpu_ratio=options.max_cpu) for g in cluster.groups]
        groups = [replace(g, ipolicy=p) for g, p in zip(cluster.groups, policies, strict=True)]
        limited = replace(cluster, groups=tuple(groups))
    state = replace(State.of(limited, group), cluster=cluster)
    state.low_disk[:] = [options.min_disk * node.total_disk for node in state.nodes]
    return state


def limits(options: Options) -> balance.Options:
    """Which moves may be made, and when they end."""
    return balance.Options(
        disk_moves=not options.no_disk_moves,
        instance_moves=not options.no_instance_moves,
        restricted_migration=options.restricted_migration,
        evacuate=options.evac_mode,
        ignore_soft_errors=options.ignore_soft_errors,
        min_gain=options.min_gain,
        min_gain_limit=options.min_gain_limit,
        min_score=options.min_score,
        max_length=options.max_length,
    )
