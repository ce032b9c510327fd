"""``hbal``: find the moves that balance a group, and show them.

    Options -> prepared Cluster -> State -> balance -> lines

Source: hbal(1), and what Ganeti's prints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyganeti.htools.balance import Done, balance, lower_bound
from pyganeti.htools.errors import InputError
from pyganeti.htools.metrics import METRICS, failing_counts, score, values
from pyganeti.htools.model import NO_LOAD, Cluster, Group, Instance
from pyganeti.htools.moves import Kind
from pyganeti.htools.numerals import format_float
from pyganeti.htools.prepare import (
    common_suffix,
    inconsistencies,
    with_exclusion_tags,
    with_offline,
    with_selection,
)
from pyganeti.htools.state import NOWHERE, State
from pyganeti.htools.tables import instances_table, nodes_table, wanted_fields
from pyganeti.htools.text import format_text
from pyganeti.model.enums import InstanceStatus

from .context import Context, Stop
from .limits import limited_state, limits
from .loaded import split_instances
from .loading import read_cluster
from .options import Options
from .policies import shown_policy

_RUNNING = (InstanceStatus.RUNNING, InstanceStatus.ERROR_UP)


def run(context: Context, options: Options, arguments: Sequence[str]) -> int:
    """Balance, show and perhaps save; the exit code is 0 whenever there was a cluster to look at.

    Raises:
        Stop: bad input, or an option that is not built yet.
    """
    _refuse(options, arguments)
    cluster = _prepared(context, options)
    if options.verbosity > 1:
        context.say(f"Loaded cluster tags: {','.join(cluster.tags)}")
        context.say(f"Loaded cluster ipolicy: {shown_policy(cluster.ipolicy)}")
    context.say(f"Loaded {len(cluster.nodes)} nodes, {len(cluster.instances)} instances")
    if not cluster.nodes:
        context.say("Cluster is empty, exiting.")
        return 0
    names = [node.name for node in cluster.nodes]
    suffix = common_suffix(names + [instance.name for instance in cluster.instances])
    if suffix and options.verbosity > 1:
        context.say(f"Note: Stripping common suffix of '{suffix}' from names")
    split = split_instances(cluster)
    if split and options.verbosity > 1:
        lines = "".join(f"  {name}\n" for name in split)
        context.err.write(f"Found instances belonging to multiple node groups:\n{lines}")
        context.err.write("These instances will not be moved.\n")
    group = _group(context, cluster, options.group)
    state = limited_state(cluster, group.uuid, options)
    shown = Shown(context, options, state, suffix)
    shown.start(group)
    _save(context, options, "original", cluster)
    shown.tables("Initial", cluster)
    shown.score()
    if _finished(context, options, state):
        return 0
    shown.solution(balance(state, limits(options)))
    balanced = state.to_cluster()
    shown.tables("Final", balanced)
    _save(context, options, "balanced", balanced)
    return 0


def _refuse(options: Options, arguments: Sequence[str]) -> None:
    if arguments:
        raise Stop("This program doesn't take any arguments.")
    if options.execute and options.luxi is None:
        raise Stop("hbal: Execution of commands possible only on LUXI")
    for asked, name in (
        (options.execute, "--exec"),
        (options.mond or options.mond_data is not None, "--mond"),
    ):
        if asked:
            raise Stop(f"hbal: {name} is not built yet in this version (pending)")


def _prepared(context: Context, options: Options) -> Cluster:
    cluster = read_cluster(context, options)
    try:
        cluster = with_selection(cluster, options.select_instances, options.exclude_instances)
    except InputError as err:
        raise Stop(f"failed to load data, aborting: {err}") from err
    if found := inconsistencies(cluster):
        lines = "".join(f"  - {line}\n" for line in found)
        context.warn(f"Warning: cluster has inconsistent data:\n{lines}")
    try:
        cluster = with_offline(cluster, options.offline)
    except InputError as err:
        raise Stop(f"{err}\n") from err
    if options.ignore_dynu:
        idle = (replace(instance, util=NO_LOAD) for instance in cluster.instances)
        cluster = replace(cluster, instances=tuple(idle))
    return with_exclusion_tags(cluster, options.exclusion_tags)


def _group(context: Context, cluster: Cluster, wanted: str | None) -> Group:
    """The group to balance: the one that is named, or the only one."""
    names = "".join(f"  {group.name}\n" for group in cluster.groups)
    if wanted is None and len(cluster.groups) > 1:
        context.err.write(f"Found multiple node groups:\n{names}")
        raise Stop("Aborting.")
    for group in cluster.groups:
        if wanted is None or wanted in (group.name, group.uuid):
            return group
    context.err.write(f"Node group {wanted} not found. Node group list is:\n{names}")
    raise Stop("Aborting.")


def _finished(context: Context, options: Options, state: State) -> bool:
    now, bound = score(state), lower_bound(state)
    if now > options.min_score + bound:
        return False
    context.say(
        f"Cluster is already well balanced (initial score {now:.6f},\n"
        f"optimum score due to N+1 reservations {format_float(float(f'{bound:.7g}'))},\n"
        f"minimum score {options.min_score:.6f}).\nNothing to do, exiting"
    )
    return True


def _save(context: Context, options: Options, kind: str, cluster: Cluster) -> None:
    if options.save is None:
        return
    name = f"{options.save}.{kind}"
    try:
        (context.directory / name).write_text(format_text(cluster), "utf-8")
    except OSError as err:
        raise Stop(f"{name}: {err.strerror}") from err
    when = "before" if kind == "original" else "after"
    context.warn(f"The cluster state {when} balancing has been written to file '{name}'")


class Shown:
    """What is printed about one group."""

    def __init__(self, context: Context, options: Options, state: State, suffix: str) -> None:
        self.say = context.say
        self.context = context
        self.options = options
        self.state = state
        self.nodes = [node.name.removesuffix(suffix) for node in state.nodes]
        self.instances = [instance.name.removesuffix(suffix) for instance in state.instances]

    def start(self, group: Group) -> None:
        """The group, and what is wrong with it."""
        state, options = self.state, self.options
        self.say(f"Group size {len(state.nodes)} nodes, {len(state.instances)} instances")
        self.say(f"Selected node group: {group.name}")
        failing = state.failing & state.online
        if options.verbosity > 0:
            nodes, instances = failing_counts(state)
            self.say(f"Initial check done: {nodes} bad nodes, {instances} bad instances.")
        if failing.any():
            self.say(
                "Cluster is not N+1 happy, continuing but no guarantee that the cluster will "
                "end N+1 happy."
            )
        violating = int((state.breaks_policy & ~failing).sum())
        if violating:
            self.say(
                f"The cluster contains {violating} policy-violating nodes.\nContinuing, but the "
                "set of moves might be too restricted; consider using the --ignore-soft-errors "
                "option."
            )

    def tables(self, when: str, cluster: Cluster) -> None:
        """Instances and nodes, beside the output, if they are wanted."""
        if self.options.print_instances:
            own = replace(cluster, instances=_of_group(cluster, self.state))
            self.context.err.write(f"\n{when} instance map:\n{instances_table(own)}")
        if self.options.show_nodes is not None:
            fields = wanted_fields(self.options.show_nodes)
            table = nodes_table(self.state, self.nodes, fields)
            self.context.err.write(f"\n{when} cluster status:\n{table}\n")

    def score(self) -> None:
        """The score at the start, in detail if much is to be told."""
        if self.options.verbosity > 2:
            self._coefficients("Initial coefficients:")
        else:
            self.say(f"Initial score: {score(self.state):.8f}")

    def solution(self, steps: Iterator[Done]) -> None:
        """The steps as they are found, the score afterwards, the commands."""
        before = score(self.state)
        self.say("Trying to minimize the CV...")
        taken = []
        for step in steps:
            taken.append(step)
            self.say(self._step(len(taken), step))
        if not taken:
            self.say("No solution found")
        elif self.options.verbosity > 2:
            self._coefficients("Final coefficients:  ")
        else:
            self.say(f"Cluster score improved from {before:.8f} to {taken[-1].score:.8f}")
        if self.options.verbosity > 0:
            self.say(f"Solution length={len(taken)}")
        if self.options.commands is not None:
            self._commands(taken)

    def _coefficients(self, title: str) -> None:
        numbers = [f"{value:.8f}" for value in values(self.state)]
        width = max(map(len, (*numbers, "Value")))
        names = max(len(metric.name) for metric in METRICS)
        self.say(f"{title} overall {score(self.state):.8f}")
        self.say(f"   {'Field':<{names}} {'Value':>{width}} Weight")
        for metric, number in zip(METRICS, numbers, strict=True):
            weight = f"x{metric.weight:.2f}"
            self.say(f"   {metric.name:<{names}} {number:>{width}} {weight:>6}")

    def _pair(self, pair: tuple[int, int]) -> str:
        return ":".join(self.nodes[node] for node in pair if node != NOWHERE)

    def _step(self, number: int, step: Done) -> str:
        name = self.instances[step.move.instance]
        names, pairs = max(map(len, self.instances)), 2 * max(map(len, self.nodes)) + 1
        before, after = self._pair(step.before), self._pair(step.after)
        actions = step.move.kind.value.format(t=self.nodes[step.move.target])
        return (
            f"  {number:>3}. {name:<{names}} {before:<{pairs}} => {after:<{pairs}} "
            f"{step.score:12.8f} a={actions}"
        )

    def _commands(self, steps: Sequence[Done]) -> None:
        lines = self._script(steps)
        if self.options.commands:
            script = "\n".join(["#!/bin/sh", "", *lines, ""])
            path = self.context.directory / self.options.commands
            try:
                path.write_text(script, "utf-8")
            except OSError as err:
                raise Stop(f"{self.options.commands}: {err.strerror}") from err
            self.say(f"The commands have been written to file '{self.options.commands}'")
            return
        self.say("\nCommands to run to reach the above solution:")
        for line in lines:
            self.say(f"  {line}")

    def _script(self, steps: Sequence[Done]) -> list[str]:
        lines = []
        for number, jobs in enumerate(jobsets(steps), 1):
            lines += ["", f"echo jobset {number}, {len(jobs)} jobs"]
            for job, step in enumerate(jobs, 1):
                lines.append(f"  echo job {number}/{job}")
                lines += [f"  gnt-instance {command}" for command in self._job(step)]
        return lines

    def _job(self, step: Done) -> list[str]:
        """The commands of one step."""
        instance = self.state.instances[step.move.instance]
        name, target = self.instances[step.move.instance], self.nodes[step.move.target]
        word = "migrate" if instance.status in _RUNNING else "failover"
        if step.move.kind is Kind.FAILOVER_TO_ANY:
            return [f"{word} -f -n {target} {name}"]
        move, replace_disks = f"{word} -f {name}", f"replace-disks -n {target} {name}"
        actions = step.move.kind.value.split()
        return [move if action == "f" else replace_disks for action in actions]


def _of_group(cluster: Cluster, state: State) -> tuple[Instance, ...]:
    names = {instance.name for instance in state.instances}
    return tuple(instance for instance in cluster.instances if instance.name in names)


def jobsets(steps: Sequence[Done]) -> list[list[Done]]:
    """``steps`` in sets that touch no node twice, so that a set may run at once.

    They are collected from the last one back, as Ganeti does.
    """
    sets: list[list[Done]] = []
    touched: set[int] = set()
    for step in reversed(steps):
        nodes = {*step.before, *step.after} - {NOWHERE}
        if not sets or touched & nodes:
            sets.insert(0, [])
            touched = set()
        sets[0].insert(0, step)
        touched |= nodes
    return sets
