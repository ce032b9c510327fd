"""Operations on an instance whose node an allocator chooses.

declare_locks: all nodes it may choose ── check_prereq: ask it ── execute: give back the others
"""

from collections.abc import Collection
from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import Level
from pyganeti.master.nodes import NodeReader
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView

from .requests import Request
from .running import ask


@dataclass(frozen=True, slots=True)
class Choice:
    """A node that an allocator chose.

    Attributes:
        node: the node.
        lines: for the job's log.
    """

    node: Node
    lines: tuple[str, ...]


def possible_nodes(view: ClusterView, instance: Instance) -> frozenset[str]:
    """UUIDs of the nodes among which an allocator chooses: those of the instance's groups."""
    groups = {node.group for node in view.instance_nodes(instance)}
    return frozenset(node.uuid for node in view.nodes.values() if node.group in groups)


async def choose_node(
    nodes: NodeReader, view: ClusterView, name: str | None, request: Request[Node], instance: str
) -> Choice:
    """Let an allocator choose a node for the instance named ``instance``.

    Raises:
        OpPrereqError: as :func:`~.running.ask`.
    """
    advice = await ask(nodes, view, name, request, f"node for instance {instance}")
    text = f"Selected node for instance {instance} via allocator {advice.allocator}"
    return Choice(advice.found, (*advice.warnings, f"{text}: {advice.found.name}"))


def begin_chosen(run: Run, lines: Collection[str], keep: Collection[str]) -> None:
    """Tell what an allocator chose, and give back the nodes that it did not choose.

    Args:
        run: the opcode, which has changed nothing yet.
        lines: as of :class:`Choice`; none where no allocator chose.
        keep: UUIDs of the nodes that are needed.
    """
    for line in lines:
        run.log(line)
    if lines:
        run.locks.release(Level.NODE_RES, keep=keep)
        run.locks.release(Level.NODE, keep=keep)
