"""Memory of running guests: giving them less or more of what they were started with.

Used by ``modify --runtime-memory``, and by migrations to nodes that have less room. Source:
gnt-instance(8) MODIFY, MIGRATE.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from pyganeti.master.instances.guests import bare_spec, free_memory, guest_info
from pyganeti.master.instances.moving import Move
from pyganeti.master.jobs.journal import Undo
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpExecError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.guests import GuestInfo
from pyganeti.wire.noderpc.instance import InstanceBalloonMemoryCall

# How long a guest may give up nothing more, and the pause between two looks at it.
_PATIENCE_S: Final = 30.0
_LOOK_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ballooning:
    """Memory in MiB that a guest has, and is to have."""

    before: int
    after: int

    @property
    def outline(self) -> str:
        """What a dry run tells."""
        return f"change the memory of its guest from {self.before} to {self.after} MiB"

    @property
    def line(self) -> tuple[str, int]:
        """What the result of a change tells."""
        return "runtime_memory", self.after


async def set_memory(run: Run, instance: Instance, memory: Ballooning) -> None:
    """Let the guest use so much memory; what it gives up, it gives up as it can."""
    async with run.step("change the memory of the guest", _back(run, instance, memory)):
        await _tell(run, instance, memory)


async def find_room(
    nodes: NodeReader, view: ClusterView, move: Move, guest: GuestInfo, *, may_change: bool
) -> Ballooning | None:
    """What a guest must give up before it fits on the target; ``None``: nothing.

    Raises:
        OpPrereqError: ``ECode.NORES``, it may give up nothing, or not so much.
    """
    free = await free_memory(nodes, view, move.target, move.there.hypervisor)
    if guest.memory <= free:
        return None
    text = (
        f"not enough memory on node {move.target.name} for instance {move.instance.name},"
        f" which has {guest.memory} MiB: free {free} MiB"
    )
    least = view.filled_beparams(move.instance).minmem
    if free < least:
        text = f"{text}, and it may not have less than {least} MiB (minmem)"
        raise OpPrereqError(text, ECode.NORES)
    if not may_change:
        raise OpPrereqError(f"{text}, and its memory is not to be changed", ECode.NORES)
    return Ballooning(guest.memory, free)


async def make_fit(run: Run, instance: Instance, memory: Ballooning) -> None:
    """Let the guest give up memory, and wait until it has.

    Raises:
        OpExecError: it keeps more.
    """
    run.log(f"* setting instance memory to {memory.after}")
    async with run.step("let the guest give up memory", _back(run, instance, memory)):
        await _tell(run, instance, memory)
        await _wait(run, instance, memory)


async def _wait(run: Run, instance: Instance, memory: Ballooning) -> None:
    had, deadline = memory.before, run.clock.monotonic() + _PATIENCE_S
    while (has := await _memory_of(run, instance)) > memory.after:
        if has < had:
            had, deadline = has, run.clock.monotonic() + _PATIENCE_S
        elif run.clock.monotonic() >= deadline:
            raise OpExecError(
                f"instance {instance.name} was told to use {memory.after} MiB and still has {has}:"
                " a guest gives up memory only while it runs and has a driver for the balloon"
            )
        await run.clock.sleep(_LOOK_AGAIN_S)


async def _memory_of(run: Run, instance: Instance) -> int:
    """What the guest has; none if it ended meanwhile, which who sends it will see."""
    found = await guest_info(run.nodes, run.config.view, instance)
    return 0 if found is None else found.memory


async def _tell(run: Run, instance: Instance, memory: Ballooning) -> None:
    spec = bare_spec(run.config.view, instance)
    call = InstanceBalloonMemoryCall(instance=spec, memory=memory.after)
    await run.nodes.call(spec.primary_node, call)


def _back(run: Run, instance: Instance, memory: Ballooning) -> Undo:
    spec = bare_spec(run.config.view, instance)
    return undo("instance.balloon", spec=msgspec.to_builtins(spec), memory=memory.before)
