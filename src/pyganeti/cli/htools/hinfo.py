"""``hinfo``: show a cluster, and change nothing.

    Options -> Cluster -> State of all groups -> lines

Source: hinfo(1), and what Ganeti's prints.
"""

from collections.abc import Sequence

from pyganeti.htools.metrics import failing_counts, score
from pyganeti.htools.model import Cluster
from pyganeti.htools.numerals import fixed
from pyganeti.htools.parts import part
from pyganeti.htools.state import NOWHERE, State
from pyganeti.htools.tables import (
    instances_table,
    metrics_table,
    nodes_table,
    table,
    wanted_fields,
)

from .context import Context
from .loaded import (
    consistent_cluster,
    less_offline,
    name_suffix,
    refuse_arguments,
    refuse_monitors,
    split_instances,
)
from .options import Options
from .policies import shown_policy


def run(context: Context, options: Options, arguments: Sequence[str]) -> int:
    """Show what was asked for; the exit code is 0 whenever there was a cluster to look at.

    Raises:
        Stop: bad input, or an option that is not built yet.
    """
    refuse_arguments(arguments)
    refuse_monitors(context, options)
    cluster = consistent_cluster(context, options)
    context.say(f"Loaded cluster tags: {','.join(cluster.tags)}")
    cluster = less_offline(cluster, options)
    _introduce(context, options, cluster)
    suffix = name_suffix(cluster)
    if suffix and options.verbosity > 2:
        context.say(f"Note: Stripping common suffix of '{suffix}' from names")
    state = State.of(cluster, None)
    _split(context, options, cluster)
    if options.verbosity > 1:
        context.say("Node group information:")
        context.out.write(_indented(_groups_table(state)))
    happy = "unhappy" if failing_counts(state)[0] else "happy"
    context.say(f"Cluster is N+1 {happy}\nCluster coefficients:")
    context.out.write(_indented(metrics_table(state)))
    context.say(f"Cluster score: {fixed(score(state) if state.nodes else 0.0, 8)}")
    if options.print_instances:
        context.err.write(f"\nInstances instance map:\n{instances_table(cluster)}")
    if options.show_nodes is not None:
        names = [node.name.removesuffix(suffix) for node in cluster.nodes]
        shown = nodes_table(state, names, wanted_fields(options.show_nodes))
        context.err.write(f"\nCluster status:\n{shown}\n")
    return 0


def _introduce(context: Context, options: Options, cluster: Cluster) -> None:
    """What there is, the more the more is to be told."""
    if options.verbosity > 2:
        context.say(f"Loaded cluster ipolicy: {shown_policy(cluster.ipolicy)}")
    if options.verbosity > 1 and not cluster.nodes:
        context.say("Cluster is empty.")
    counts = (
        _count(len(cluster.nodes), "node"),
        _count(len(cluster.instances), "instance"),
        _count(len(cluster.groups), "node group"),
    )
    context.say(f"Loaded {', '.join(counts)}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _split(context: Context, options: Options, cluster: Cluster) -> None:
    """Name the instances with nodes in two groups."""
    if names := split_instances(cluster):
        context.say("Found instances belonging to multiple node groups:")
        context.err.write("".join(f"  {name}\n" for name in names))
    elif options.verbosity > 1:
        context.say("No split instances found")


def _groups_table(state: State) -> str:
    """The groups that have nodes, with what is wrong in each."""
    rows = [["Group", "Nodes", "Instances", "Bad_Nodes", "Bad_Instances", "N+1", "Score"]]
    for group in state.cluster.groups:
        here = part(state, group.uuid)
        if not here.nodes:
            continue
        bad, affected = failing_counts(here)
        numbers = (len(here.nodes), int((here.primary != NOWHERE).sum()), bad, affected)
        rows.append([group.name, *map(str, numbers), str(not bad), fixed(score(here), 8)])
    return table(rows, [False, True, True, True, True, False, True])


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
