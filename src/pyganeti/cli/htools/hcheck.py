"""``hcheck``: tell what is wrong on a cluster, and what balancing would leave of it.

    Options -> Cluster -> State of each group -> Health, before and after a balancing -> lines

Source: hcheck(1), and what Ganeti's prints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyganeti.htools.balance import balance
from pyganeti.htools.metrics import conflicting_count, failing_counts, offline_counts, score
from pyganeti.htools.model import Cluster, Instance
from pyganeti.htools.numerals import fixed
from pyganeti.htools.parts import part
from pyganeti.htools.prepare import with_exclusion_tags
from pyganeti.htools.redundancy import stranded
from pyganeti.htools.state import NOWHERE, State

from .context import Context
from .limits import limited_state, limits
from .loaded import consistent_cluster, less_offline, refuse_arguments
from .options import Options
from .shell import assignment

PREFIX: Final = "HCHECK"
UNHEALTHY: Final = 1


@dataclass(frozen=True, slots=True)
class _Figure:
    """Something that is counted: how it is called in text, and by scripts."""

    text: str
    key: str


_FIGURES: Final = (
    _Figure("Nodes not N+1 happy", "N1_FAIL"),
    _Figure("Nodes with conflicting instances", "CONFLICT_TAGS"),
    _Figure("Instances having the primary node offline", "OFFLINE_PRI"),
    _Figure("Instances having a secondary node offline", "OFFLINE_SEC"),
    _Figure("Nodes not directly evacuateable", "GN1_FAIL"),
)


@dataclass(frozen=True, slots=True)
class _Health:
    """What is wrong in a group: the counts of :data:`_FIGURES`, and the score."""

    group: str
    number: int
    counts: tuple[int, ...]
    score: float


def run(context: Context, options: Options, arguments: Sequence[str]) -> int:
    """Look, balance without doing it if that may help, and look again; 1 if anything is wrong.

    Raises:
        Stop: bad input.
    """
    refuse_arguments(arguments)
    cluster = less_offline(consistent_cluster(context, options), options)
    cluster = with_exclusion_tags(cluster, options.exclusion_tags)
    whole = limited_state(cluster, None, options)
    states = [part(whole, group.uuid) for group in cluster.groups]
    before = list(_looked_at(cluster, states, options))
    wrong = any(any(health.counts) for health in before)
    simulates = wrong and not options.no_simulation
    shown = _Shown(context, options, wrong=wrong)
    shown.start(cluster)
    shown.stage("initially", "INIT", before)
    after = before
    if simulates:
        _balance(states, options)
        after = list(_looked_at(cluster, states, options))
    if simulates or options.machine_readable:
        shown.stage("after rebalancing", "FINAL", after)
    if options.machine_readable:
        context.say(assignment(f"{PREFIX}_OK", "1"))
    return UNHEALTHY if simulates else 0


def _looked_at(cluster: Cluster, states: Sequence[State], options: Options) -> Iterator[_Health]:
    """The health of each group that has nodes."""
    for number, (group, state) in enumerate(zip(cluster.groups, states, strict=True)):
        if not state.nodes:
            continue
        lost = () if options.no_capacity_checks else (len(stranded(state)),)
        counts = (
            failing_counts(state)[0],
            conflicting_count(state),
            offline_counts(state)[1],
            # As in Ganeti's: nodes, whatever the text says.
            int(state.offline.sum()),
            *lost,
        )
        yield _Health(group.name, number, counts, score(state))


def _balance(states: Sequence[State], options: Options) -> None:
    """Do what hbal would; instances with nodes in two groups stay where they are."""
    for state in states:
        pairs = zip(state.instances, state.primary, state.secondary, strict=True)
        state.instances = tuple(
            replace(it, movable=False) if _is_split(it, int(p), int(s)) else it
            for it, p, s in pairs
        )
        for _ in balance(state, limits(options)):
            pass


def _is_split(it: Instance, primary: int, secondary: int) -> bool:
    return primary == NOWHERE or (it.secondary is not None and secondary == NOWHERE)


class _Shown:
    """What is printed, for people or for programs."""

    def __init__(self, context: Context, options: Options, *, wrong: bool) -> None:
        self.context = context
        self.options = options
        self.wrong = wrong

    def start(self, cluster: Cluster) -> None:
        """What is done."""
        if self.options.machine_readable:
            for number, group in enumerate(cluster.groups):
                self.context.say(assignment(f"{PREFIX}_GROUP_UUID_{number}", group.uuid))
        elif self.options.no_simulation:
            self._tell("Running in no-simulation mode.")
        elif self.wrong:
            self._tell("Cluster needs rebalancing.")
        else:
            self._tell("No need to rebalance cluster, no problems found.")

    def stage(self, when: str, key: str, groups: Sequence[_Health]) -> None:
        """The groups and their sum; whether it is healthy is always said of the beginning."""
        figures = _FIGURES[: 4 if self.options.no_capacity_checks else None]
        sums = [sum(health.counts[k] for health in groups) for k in range(len(figures))]
        if self.options.machine_readable:
            self._keys(f"{PREFIX}_{key}", figures, groups, sums)
            return
        for health in groups:
            self._tell(f"\nStatistics for group {health.group} {when}")
            self._counts(figures, health.counts)
            self._tell(f"    Group score: {fixed(health.score, 8)}")
        self._tell(f"\nCluster statistics {when}")
        self._counts(figures, sums)
        self._tell(f"    Cluster is not healthy: {self.wrong}")

    def _keys(
        self, prefix: str, figures: Sequence[_Figure], groups: Sequence[_Health], sums: list[int]
    ) -> None:
        say = self.context.say
        for health in groups:
            name = f"{prefix}_GROUP_{health.number}"
            for figure, count in zip(figures, health.counts, strict=True):
                say(assignment(f"{name}_{figure.key}", str(count)))
            say(assignment(f"{name}_SCORE", fixed(health.score, 8)))
        for figure, count in zip(figures, sums, strict=True):
            say(assignment(f"{prefix}_CLUSTER_{figure.key}", str(count)))
        say(assignment(f"{prefix}_CLUSTER_NEED_REBALANCE", str(int(self.wrong))))

    def _counts(self, figures: Sequence[_Figure], counts: Sequence[int]) -> None:
        for figure, count in zip(figures, counts, strict=True):
            self._tell(f"    {figure.text}: {count}")

    def _tell(self, text: str) -> None:
        if self.options.verbosity > 0:
            self.context.say(text)
