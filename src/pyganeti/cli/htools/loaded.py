"""What tools that look at all groups do with a cluster before they look at it.

    Options -> consistent_cluster -> Cluster with what the command line says

Source: hinfo(1), hcheck(1), hroller(1).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pyganeti.htools.errors import InputError
from pyganeti.htools.model import NO_LOAD, Cluster
from pyganeti.htools.prepare import common_suffix, inconsistencies, with_offline, with_selection

from .context import Context, Stop
from .loading import read_cluster
from .options import Options

_QUIET: Final = 0
"""What one ``-q`` comes to; as in Ganeti, a second one brings the warnings back."""


def refuse_arguments(arguments: Sequence[str]) -> None:
    """End a tool that has none.

    Raises:
        Stop: there are some.
    """
    if arguments:
        raise Stop("This program doesn't take any arguments.")


def refuse_monitors(context: Context, options: Options) -> None:
    """End a tool that is to ask monitoring daemons.

    Raises:
        Stop: it is.
    """
    if options.mond or options.mond_data is not None:
        raise Stop(f"{context.program}: --mond is not built yet in this version (pending)")


def consistent_cluster(context: Context, options: Options) -> Cluster:
    """The cluster that is named, its loads ignored if so wished; warns of what is unaccounted for.

    Raises:
        Stop: it cannot be loaded, or instances that are to move or not to are not there.
    """
    cluster = read_cluster(context, options)
    try:
        cluster = with_selection(cluster, options.select_instances, options.exclude_instances)
    except InputError as err:
        raise Stop(f"failed to load data, aborting: {err}") from err
    found = inconsistencies(cluster)
    if found and options.verbosity != _QUIET:
        lines = "".join(f"  - {line}\n" for line in found)
        context.warn(f"Warning: cluster has inconsistent data:\n{lines}")
    if options.ignore_dynu:
        idle = (replace(instance, util=NO_LOAD) for instance in cluster.instances)
        cluster = replace(cluster, instances=tuple(idle))
    return cluster


def less_offline(cluster: Cluster, options: Options) -> Cluster:
    """``cluster`` with the nodes taken as offline that ``--offline`` names.

    Raises:
        Stop: there is no such node.
    """
    try:
        return with_offline(cluster, options.offline)
    except InputError as err:
        raise Stop(f"{err}\n") from err


def name_suffix(cluster: Cluster) -> str:
    """What the names of all nodes and instances end in, which tables leave out."""
    nodes = [node.name for node in cluster.nodes]
    return common_suffix(nodes + [instance.name for instance in cluster.instances])


def split_instances(cluster: Cluster) -> list[str]:
    """Names of the instances with nodes in two groups."""
    group = {node.name: node.group for node in cluster.nodes}
    return [
        one.name
        for one in cluster.instances
        if one.secondary is not None and group[one.primary] != group[one.secondary]
    ]
