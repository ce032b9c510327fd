"""Moves of instances by jobs of their own, as an allocator advises or a command decides.

request -> allocator -> Relocation -> log, jobs
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pyganeti.master.jobs.run import Run
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.group import OpGroupEvacuate
from pyganeti.opcodes.instance import OpInstanceChangeGroup, OpInstanceReplaceDisks
from pyganeti.opcodes.node import OpNodeEvacuate

from .requests import Moves, Request
from .running import ask

Jobs = tuple[tuple[Opcode, ...], ...]


@dataclass(frozen=True, slots=True)
class Relocation:
    """What is to be submitted.

    Attributes:
        jobs: in order.
        moved: names of instances, and of the nodes that they will be on, where an allocator said.
        warnings: what else it said.
    """

    jobs: Jobs
    moved: tuple[tuple[str, tuple[str, ...]], ...] = ()
    warnings: tuple[str, ...] = ()

    def outline(self) -> list[str]:
        """What a dry run says would be done."""
        moves = (f"move instance {name} to {', '.join(nodes)}" for name, nodes in self.moved)
        jobs = (", ".join(one.summary() for one in job) for job in self.jobs)
        return [*moves, *(f"submit a job of {summary}" for summary in jobs)]

    async def submit(self, run: Run) -> dict[str, Any]:
        """Say where instances go, and submit their jobs. Any: ``{"jobs": [[ok, id], ...]}``."""
        moves = (f"Instance {name} goes to {', '.join(nodes)}" for name, nodes in self.moved)
        for line in (*self.warnings, *moves):
            run.log(line)
        async with run.step("submit jobs"):
            return {"jobs": await run.submit([list(job) for job in self.jobs])}


async def advised(
    op: OpGroupEvacuate | OpInstanceChangeGroup | OpNodeEvacuate,
    view: ClusterView,
    nodes: NodeReader,
    request: Request[Moves],
    what: str,
    *,
    options: Sequence[str] = (),
) -> Relocation:
    """What an allocator advises, as urgent as ``op``, freeing old disks as early as it asks for.

    Args:
        op: names the allocator.
        view: the cluster.
        nodes: asks them.
        request: the question.
        what: is to be found, for messages.
        options: for the allocator.

    Raises:
        OpPrereqError: ``ECode.NORES``, it finds no place for some; or it gives no answer.
    """
    advice = await ask(nodes, view, op.iallocator, request, what, options=options)
    failed = [f"{name} ({why})" for name, why in advice.found.failed]
    if failed:
        text = f"allocator {advice.allocator!r} finds no {what}: {', '.join(failed)}"
        raise OpPrereqError(text, ECode.NORES)
    jobs = tuple(tuple(_as_asked(move, op) for move in job) for job in advice.found.jobs)
    return Relocation(jobs, advice.found.moved, advice.warnings)


def _as_asked(move: Opcode, op: OpGroupEvacuate | OpInstanceChangeGroup | OpNodeEvacuate) -> Opcode:
    found: Opcode = msgspec.structs.replace(move, priority=op.priority)
    if op.early_release and isinstance(found, OpInstanceReplaceDisks):
        found = msgspec.structs.replace(found, early_release=True)
    return found
