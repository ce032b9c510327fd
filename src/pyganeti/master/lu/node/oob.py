"""Power and health by out-of-band programs: ``gnt-node power``, ``health``, ``gnt-cluster epo``.

The programs run on the master. Source: gnt-node(8) POWER, HEALTH.
"""

from dataclasses import dataclass
from typing import Any, Final

from pyganeti.master.changes import change_node
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import FieldStatus, OobCommand
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.names import nice_sort_key
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpOobCommand
from pyganeti.wire.noderpc.call import NORMAL_S
from pyganeti.wire.noderpc.power import OobAnswer, RunOobCall

_ENDS_MASTER: Final = (OobCommand.POWER_OFF, OobCommand.POWER_CYCLE)
_SETS_POWER: Final = {OobCommand.POWER_ON: True, OobCommand.POWER_OFF: False}
_ASKS: Final = (OobCommand.HEALTH, OobCommand.POWER_STATUS)
_BAD: Final = frozenset({"CRITICAL", "WARNING"})

# For each node the pairs ``(0, name)`` and ``(status, data)``. Any: data is JSON.
Answers = list[list[tuple[int, Any]]]


@dataclass(frozen=True, slots=True)
class OobPlan:
    """What is done where.

    Attributes:
        nodes: in natural order, each with its program, empty if it has none.
        command, timeout_s: for the programs.
        delay_s: between nodes that are switched on.
    """

    nodes: tuple[tuple[Node, str], ...]
    command: OobCommand
    timeout_s: float
    delay_s: float


class LUOobCommand(LogicalUnit[OpOobCommand, OobPlan, Answers]):
    """Let the programs of nodes act. Without undo: a machine that was off is not as it was."""

    def declare_locks(self, op: OpOobCommand, view: ClusterView) -> LockRequest:
        """The nodes, shared if they are only asked about."""
        chosen = frozenset(view.node(name).uuid for name in op.node_names) or frozenset({ALL})
        if op.command in _ASKS:
            return LockRequest(shared_nodes=chosen)
        return LockRequest(nodes=chosen)

    async def check_prereq(self, op: OpOobCommand, view: ClusterView, nodes: NodeReader) -> OobPlan:
        """Refuse what would end the master, or a node in use.

        Raises:
            OpPrereqError: ``INVAL``: the master, or a wrong time; ``STATE``: not marked offline.
        """
        if not 0 < op.timeout < NORMAL_S:
            text = f"{op.timeout} s for an out-of-band program is not between 1 and {NORMAL_S:.0f}"
            raise OpPrereqError(text, ECode.INVAL)
        if op.power_delay < 0:
            raise OpPrereqError(f"power delay {op.power_delay} is negative", ECode.INVAL)
        chosen = _chosen(op, view)
        if op.command is OobCommand.POWER_OFF and not op.ignore_status:
            for node in chosen:
                if not node.offline:
                    text = f"node {node.name} is not marked offline, so it is not switched off"
                    raise OpPrereqError(text, ECode.STATE)
        programs = tuple((node, _program(view, node)) for node in chosen)
        return OobPlan(programs, op.command, op.timeout, op.power_delay)

    def outline(self, plan: OobPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        able = ((node, program) for node, program in plan.nodes if program)
        return [f"run {program} {plan.command} {node.name}" for node, program in able]

    async def execute(self, run: Run, plan: OobPlan) -> Answers:
        """One node after the other; one that fails does not keep the others."""
        answers: Answers = []
        for index, (node, program) in enumerate(plan.nodes):
            status, data = await _act(run, plan, node, program)
            answers.append([(FieldStatus.NORMAL, node.name), (status, data)])
            is_last = index == len(plan.nodes) - 1
            if plan.command is OobCommand.POWER_ON and status == FieldStatus.NORMAL and not is_last:
                # So many power supplies at once would be too much for the fuse.
                await run.clock.sleep(plan.delay_s)
        return answers


def _chosen(op: OpOobCommand, view: ClusterView) -> list[Node]:
    """The nodes named, or all; of all the master is left out where it would end."""
    ends = op.command in _ENDS_MASTER
    if not op.node_names:
        return [node for node in view.all_nodes() if not (ends and view.is_master(node))]
    found = {view.node(name).uuid: view.node(name) for name in op.node_names}
    chosen = sorted(found.values(), key=lambda node: nice_sort_key(node.name))
    for node in chosen:
        if ends and view.is_master(node):
            program = _program(view, node)
            text = f"node {node.name} is the master, {op.command} would end it"
            by_hand = f"run '{program} {op.command} {node.name}' by hand if you must"
            rest = by_hand if program else "and it has no out-of-band program"
            raise OpPrereqError(f"{text}; {rest}", ECode.INVAL)
    return chosen


def _program(view: ClusterView, node: Node) -> str:
    return view.filled_ndparams(node).oob_program


# Any: JSON.
async def _act(run: Run, plan: OobPlan, node: Node, program: str) -> tuple[int, Any]:
    if not program:
        return FieldStatus.UNAVAIL, None
    call = RunOobCall(
        program=program,
        command=plan.command,
        remote_node=node.name,
        timeout=float(plan.timeout_s),
    )
    try:
        async with run.step(f"{plan.command} {node.name}"):
            answer = await run.nodes.call(run.config.view.cluster.master_node, call)
    except GenericError as err:
        run.log(f"Warning: {plan.command} of node {node.name} failed: {err}")
        return FieldStatus.NODATA, None
    if plan.command in _SETS_POWER:
        async with run.step(f"record power of {node.name}"):
            await run.config.commit(change_node(node.uuid, powered=_SETS_POWER[plan.command]))
    _warn(run, node, answer)
    return FieldStatus.NORMAL, _told(plan.command, answer)


def _warn(run: Run, node: Node, answer: OobAnswer) -> None:
    if answer.powered not in (None, node.powered):
        known, is_so = (("on" if flag else "off") for flag in (node.powered, answer.powered))
        run.log(f"Warning: node {node.name} is recorded as {known} and is {is_so}")
    for item, status in answer.health:
        if status in _BAD:
            run.log(f"Warning: {item} of node {node.name}: {status}")


def _told(command: OobCommand, answer: OobAnswer) -> Any:  # Any: JSON
    if command is OobCommand.POWER_STATUS:
        return {"powered": answer.powered}
    return [list(item) for item in answer.health] if command is OobCommand.HEALTH else None
