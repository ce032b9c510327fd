"""Bringing a guest that was on its way between two nodes to one of them.

    what each copy is (asked) -> decide (pure) -> configuration, copies, disks

Whoever ends a migration comes here: the operation itself when all was sent, its undo after any
failure or crash, and ``--cleanup``. So there is one place that decides which copy is the guest.
Each part may be repeated, and what is decided follows from what is so, never from what was begun.
Source: design note 0009, "Migration".
"""

from dataclasses import dataclass
from enum import StrEnum

from pyganeti.master.changes import move_instance
from pyganeti.master.instances.guests import Scene, assemble_again
from pyganeti.master.instances.moving import Move, close_disks, open_disks
from pyganeti.model.errors import (
    HypervisorError,
    NodeCallError,
    NodeUnreachable,
    OpExecError,
)
from pyganeti.model.node import Node
from pyganeti.wire.noderpc.call import NodeCall
from pyganeti.wire.noderpc.guests import GuestRole
from pyganeti.wire.noderpc.instance import InstanceStartCall
from pyganeti.wire.noderpc.migration import (
    InstanceFinalizeMigrationDstCall,
    InstanceFinalizeMigrationSrcCall,
    MigrationCancelCall,
    MigrationRoleCall,
)

# The copy is the guest.
RUNS = frozenset({GuestRole.RUNNING, GuestRole.OUTGOING})


class Outcome(StrEnum):
    """Where the guest is, or is to be."""

    STAYS = "stays"  # the source's copy is the guest, or there is none
    RETURNS = "returns"  # it was sent and never ran there: the source's copy goes on
    RESTARTS = "restarts"  # it was sent, may have run there, and is not there: it begins anew
    ARRIVES = "arrives"  # it was sent, and the target reads it
    WENT = "went"  # the target's copy is the guest
    UNKNOWN = "unknown"  # a node that counts does not answer
    BOTH = "both"  # must never be


@dataclass(frozen=True, slots=True)
class Journey:
    """A migration, as the journal keeps it.

    Attributes:
        uuid: of the instance.
        source, target: UUIDs of the nodes.
        resume: the guest ran, so it is to run in the end.
    """

    uuid: str
    source: str
    target: str
    resume: bool


def decide(here: GuestRole | None, there: GuestRole | None) -> Outcome:
    """Which copy is the guest; pure.

    Args:
        here: what the source's copy is, after it was told to send no more; ``None`` when the source
            does not answer. One that is marked offline has none.
        there: the target's copy, likewise.
    """
    if there in RUNS:
        return Outcome.BOTH if here in RUNS else Outcome.WENT
    if here in RUNS:
        return Outcome.STAYS
    if here is None or there is None or there is GuestRole.SENT:
        return Outcome.UNKNOWN
    if here is not GuestRole.SENT:
        return Outcome.STAYS
    if there is GuestRole.INCOMING:
        return Outcome.ARRIVES
    # A copy that ran has written to the disks: what another remembers of them is not so any more.
    return Outcome.RETURNS if there is GuestRole.LOST else Outcome.RESTARTS


async def settle(scene: Scene, journey: Journey) -> Outcome:
    """Let exactly one copy be the guest, and record where; ``STAYS`` or ``WENT``.

    Raises:
        NodeUnreachable: a node does not answer that must; what is certain is recorded.
        GenericError: something could not be brought in order.
    """
    view = scene.config.view
    instance = view.instances.get(journey.uuid)
    source, target = view.nodes.get(journey.source), view.nodes.get(journey.target)
    if instance is None or source is None or target is None:
        return Outcome.STAYS
    work = _Settling(scene, journey, Move.between(view, instance, source, target))
    if instance.primary_node != source.uuid:
        # It is recorded elsewhere since: what is left here is not the guest any more.
        await work.clear(target_has_it=instance.primary_node == target.uuid)
        return Outcome.WENT
    here = await work.cancel_here()
    outcome = decide(here, await work.role_there())
    if outcome is Outcome.ARRIVES:
        outcome = await work.arrive()
    if outcome is Outcome.WENT:
        await work.went(here)
    elif outcome is Outcome.STAYS:
        await work.stays(here)
    elif outcome in (Outcome.RETURNS, Outcome.RESTARTS):
        await work.returns(anew=outcome is Outcome.RESTARTS)
        outcome = Outcome.STAYS
    elif outcome is Outcome.BOTH:
        names = f"{source.name} and {target.name}"
        raise OpExecError(f"instance {instance.name} runs on both {names}: end one of them by hand")
    else:
        text = f"where instance {instance.name} runs is unknown"
        raise NodeUnreachable(f"{text}: {source.name} or {target.name} does not answer")
    return outcome


class _Settling:
    """The effects of :func:`settle`."""

    def __init__(self, scene: Scene, journey: Journey, move: Move) -> None:
        self._scene = scene
        self._journey = journey
        self._move = move

    async def cancel_here(self) -> GuestRole | None:
        """Send no more; what the source's copy is then."""
        return await self._ask(self._move.source, MigrationCancelCall(instance=self._move.here))

    async def role_there(self) -> GuestRole | None:
        """What the target's copy is."""
        return await self._ask(self._move.target, MigrationRoleCall(instance=self._move.there))

    async def _ask(self, node: Node, call: NodeCall[GuestRole]) -> GuestRole | None:
        """What a node says of its copy; ``None`` if it does not answer."""
        if node.offline:
            return GuestRole.ABSENT
        try:
            return await self._scene.nodes.call(node.uuid, call)
        except NodeCallError:
            return None

    async def arrive(self) -> Outcome:
        """Wait for what was sent; whether it came."""
        try:
            await self._finish_there(success=True)
        except NodeCallError:
            raise
        except HypervisorError as err:
            self._scene.log(f"The guest did not arrive on {self._move.target.name}: {err}")
        else:
            return Outcome.WENT
        there = await self.role_there()
        # One that waits still has not run, and will not: it is ended before the other goes on.
        return decide(GuestRole.SENT, GuestRole.LOST if there is GuestRole.INCOMING else there)

    async def went(self, here: GuestRole | None) -> None:
        """The guest is on the target: say so first, then clear the source."""
        move, journey = self._move, self._journey
        await self._scene.config.commit(
            move_instance(journey.uuid, journey.source, journey.target, disks_active=True)
        )
        await self._finish_there(success=True)
        if here is None:
            _silent(move.source)
        if not move.source.offline:
            await self._finish_here(success=True)
            await close_disks(self._scene.nodes, move, there=False)
        await open_disks(self._scene.nodes, move, there=True, exclusive=True)

    async def stays(self, here: GuestRole | None) -> None:
        """The guest is on the source, or gone: clear the target, then let it go on."""
        move = self._move
        if here in RUNS:
            # Before all else: one that stood still to be sent does no more.
            await self._finish_here(success=False)
        if not move.target.offline:
            await self._finish_there(success=False)
            await close_disks(self._scene.nodes, move, there=True)
        if not move.source.offline:
            await self._own(there=False, runs=here in RUNS)

    async def _own(self, *, there: bool, runs: bool) -> None:
        """Let one node alone write to the disks, with the guest or for its next start.

        Without the guest they may be gone: the node lost its power, and was booted since.
        """
        if runs:
            await open_disks(self._scene.nodes, self._move, there=there, exclusive=True)
        else:
            spec = self._move.there if there else self._move.here
            await assemble_again(self._scene, spec)

    async def returns(self, *, anew: bool) -> None:
        """The guest was sent and is not on the target: it goes on on the source.

        Args:
            anew: from its disks, because what its copy remembers of them may be wrong.
        """
        move, nodes = self._move, self._scene.nodes
        if anew:
            text = "its memory is lost, it is started again there"
            self._scene.log(f"The guest goes back to {move.source.name}: {text}")
            await self._finish_here(success=True)
        if not move.target.offline:
            await self._finish_there(success=False)
            await close_disks(nodes, move, there=True)
        await open_disks(nodes, move, there=False, exclusive=True)
        if not anew:
            await self._finish_here(success=False)
        elif self._journey.resume:
            await nodes.call(move.source.uuid, InstanceStartCall(instance=move.here))

    async def clear(self, *, target_has_it: bool) -> None:
        """End copies that were left; one that may run is never touched."""
        move = self._move
        if not move.source.offline:
            await self._finish_here(success=True)
            await close_disks(self._scene.nodes, move, there=False)
        if target_has_it:
            await self._own(there=True, runs=await self.role_there() in RUNS)
        elif not move.target.offline:
            await self._finish_there(success=False)

    async def _finish_there(self, *, success: bool) -> None:
        call = InstanceFinalizeMigrationDstCall(
            instance=self._move.there, success=success, resume=self._journey.resume
        )
        await self._scene.nodes.call(self._move.target.uuid, call)

    async def _finish_here(self, *, success: bool) -> None:
        call = InstanceFinalizeMigrationSrcCall(
            instance=self._move.here, success=success, resume=self._journey.resume
        )
        await self._scene.nodes.call(self._move.source.uuid, call)


def _silent(node: Node) -> None:
    raise NodeUnreachable(f"node {node.name} does not answer, what is left there stays for now")
