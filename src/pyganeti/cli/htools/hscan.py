"""``hscan``: save what running clusters say of themselves to files, and show a line of each.

    addresses -> live -> Cluster -> text file;  -> State of all groups -> line

Source: hscan(1), and what Ganeti's prints.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pyganeti.htools.errors import InputError
from pyganeti.htools.metrics import failing_counts, score
from pyganeti.htools.model import Cluster
from pyganeti.htools.numerals import fixed
from pyganeti.htools.state import State
from pyganeti.htools.tables import GIB, nodes_table, wanted_fields
from pyganeti.htools.text import format_text

from .context import Context, Stop
from .live import Running, ask_master, ask_rest, shown
from .loaded import name_suffix
from .options import Options

LOCAL: Final = "LOCAL"
"""The name of the cluster of the master daemon on this machine."""
FAILED: Final = 2

_TITLES: Final = ("Nodes", "Inst", "BNode", "BInst", "t_mem", "f_mem", "t_disk", "f_disk")
_WIDTHS: Final = (5, 5, 5, 5, 6, 6, 6, 6)
_SCORE_WIDTH: Final = 10


def run(context: Context, options: Options, arguments: Sequence[str]) -> int:
    """Look at each cluster of ``arguments``, or at the local one; 2 if one does not answer.

    Raises:
        Stop: a file cannot be written.
    """
    sources = [(shown(address), _rest(address)) for address in arguments]
    sources = sources or [(LOCAL, _local(options))]
    width = max(len(name) for name, _ in sources)
    if not options.no_headers:
        context.say(_line("Name", width, _TITLES, "Score"))
    code = 0
    for name, ask in sources:
        try:
            running = ask()
        except InputError as err:
            context.say(f"\nError for {name}: failed to load data. Details:\n{err}")
            code = FAILED
            continue
        _show(context, options, f"{name:<{width}}", running.counted(options.static_node_memory))
        # What is saved is what was answered: who reads it says how memory is to be counted.
        _save(context, options, name, running.cluster)
    return code


def _rest(address: str) -> Callable[[], Running]:
    return lambda: ask_rest(address)


def _local(options: Options) -> Callable[[], Running]:
    return lambda: ask_master(options.luxi or "")


def _show(context: Context, options: Options, name: str, cluster: Cluster) -> None:
    """The cluster on a line, and its nodes if they are wanted."""
    state = State.of(cluster, None)
    bad_nodes, bad_instances = failing_counts(state)
    numbers = (
        str(len(cluster.nodes)),
        str(len(cluster.instances)),
        str(bad_nodes),
        str(bad_instances),
        fixed(sum(node.total_memory for node in cluster.nodes), 0),
        str(sum(node.free_memory for node in cluster.nodes)),
        fixed(sum(node.total_disk for node in cluster.nodes) / GIB, 0),
        str(sum(node.free_disk for node in cluster.nodes) // GIB),
    )
    context.say(_line(name, len(name), numbers, fixed(score(state) if state.nodes else 0.0, 8)))
    if options.show_nodes is not None:
        suffix = name_suffix(cluster)
        names = [node.name.removesuffix(suffix) for node in cluster.nodes]
        context.say(nodes_table(state, names, wanted_fields(options.show_nodes)))


def _line(name: str, width: int, cells: Sequence[str], last: str) -> str:
    numbers = [f"{cell:>{size}}" for cell, size in zip(cells, _WIDTHS, strict=True)]
    return " ".join([f"{name:<{width}}", *numbers, f"{last:>{_SCORE_WIDTH}}"])


def _save(context: Context, options: Options, name: str, cluster: Cluster) -> None:
    file = f"{options.output_dir}/{name.replace('/', '_')}.data"
    try:
        (context.directory / file).write_text(format_text(cluster), "utf-8")
    except OSError as err:
        raise Stop(f"{file}: {err.strerror}") from err
