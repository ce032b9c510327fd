"""Replace one side of an instance's mirrored disks: ``gnt-instance replace-disks``.

Source: gnt-instance(8) REPLACE-DISKS; hooks path ``mirrors-replace``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from pyganeti.master.disks.mirrors import wait_for_sync, warning
from pyganeti.master.disks.replacing import Old, replace_secondary, replace_volumes, tell
from pyganeti.master.iallocator.choosing import begin_chosen, choose_node, possible_nodes
from pyganeti.master.iallocator.requests import Relocate
from pyganeti.master.iallocator.running import chosen_allocator
from pyganeti.master.instances.guests import assemble_disks, bare_spec
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance.replace_checks import (
    Wanted,
    check_allocates,
    check_can_replace,
    check_mirrored,
    new_secondary,
    wanted_replacement,
    with_secondary,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import ReplaceDisksMode
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceReplaceDisks


@dataclass(frozen=True, slots=True)
class ReplacePlan:
    """What will be done.

    Attributes:
        mode: as it was asked for.
        wanted: which disks, where; none when nothing needs to be replaced.
        disks: those of ``wanted``.
        early_release: the old storage goes before the new one is in sync.
        old, new: names of the secondary node before and after, for hooks.
        chosen: how the new one was, if by an allocator, for the job's log.
    """

    instance: Instance
    mode: ReplaceDisksMode
    wanted: Wanted
    disks: tuple[Disk, ...]
    early_release: bool
    old: str
    new: str
    chosen: tuple[str, ...]


class ReplaceRest(msgspec.Struct, frozen=True):
    """What is to be done after the sync.

    Attributes:
        uuid: of the instance.
        mode, old, new: what hooks are told.
        left: storage to be removed.
        shut_down: the disks, which were not active before.
    """

    uuid: str
    mode: str
    old: str
    new: str
    left: Old | None
    shut_down: bool


class LUInstanceReplaceDisks(LogicalUnit[OpInstanceReplaceDisks, ReplacePlan, None]):
    """Replace the volumes on one node, or the secondary node. The guest may run meanwhile."""

    hooks_path: ClassVar[str] = "mirrors-replace"
    rest_type: ClassVar[type[msgspec.Struct]] = ReplaceRest

    def declare_locks(self, op: OpInstanceReplaceDisks, view: ClusterView) -> LockRequest:
        """Lock the instance, and its nodes with their resources, the new one too."""
        instance = view.instance(op.instance_name)
        nodes = {node.uuid for node in view.instance_nodes(instance)}
        if op.iallocator is not None:
            check_allocates(op)
            chosen_allocator(op.iallocator, view)
            nodes |= possible_nodes(view, instance)
        if op.remote_node is not None:
            nodes.add(view.node(op.remote_node).uuid)
        both = frozenset(nodes)
        return LockRequest(
            instances=frozenset({instance.name}), shared_nodes=both, shared_node_res=both
        )

    async def check_prereq(
        self, op: OpInstanceReplaceDisks, view: ClusterView, nodes: NodeReader
    ) -> ReplacePlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: its disks are no mirrors, the wrong node or disks were named, or what is
                to stay is not whole.
        """
        instance = view.instance(op.instance_name)
        chosen: tuple[str, ...] = ()
        if op.iallocator is not None:
            check_mirrored(view, instance)
            request = Relocate(instance)
            choice = await choose_node(nodes, view, op.iallocator, request, instance.name)
            chosen, op = choice.lines, with_secondary(op, choice.node)
        wanted = await wanted_replacement(op, view, nodes, instance)
        disks = tuple(view.disks_of(instance)[index] for index in wanted.disks)
        await check_can_replace(op, view, nodes, instance, wanted, disks)
        (old,) = view.secondary_nodes(instance)
        new = new_secondary(op, view)
        return ReplacePlan(
            instance,
            op.mode,
            wanted,
            disks,
            op.early_release,
            old.name,
            old.name if new is None else new.name,
            chosen,
        )

    def hooks(self, plan: ReplacePlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master, the primary and the new secondary node."""
        return _hooks(view, plan.instance.uuid, plan.mode, plan.old, plan.new)

    def resumed_hooks(self, rest: ReplaceRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return _hooks(view, rest.uuid, rest.mode, rest.old, rest.new)

    def outline(self, plan: ReplacePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, node = plan.instance.name, view.node(plan.wanted.node).name
        disks = ", ".join(disk.iv_name for disk in plan.disks)
        if plan.wanted.is_new:
            return [f"mirror {disks} of {name} on {node} instead of {plan.old}"]
        return [f"replace the volumes of {disks} of {name} on {node}"] if disks else []

    async def execute(self, run: Run, plan: ReplacePlan) -> None:
        """Make the new storage, change the mirror, let it sync, remove the old storage."""
        instance = plan.instance
        keep = {node.uuid for node in run.config.view.instance_nodes(instance)}
        begin_chosen(run, plan.chosen, {*keep, plan.wanted.node})
        if not plan.disks:
            run.log(f"No disks need replacement for instance {instance.name}")
            return
        where = run.nodes.name(plan.wanted.node)
        names = ", ".join(disk.iv_name for disk in plan.disks)
        run.log(f"Replacing disk(s) {names} for instance '{instance.name}' on node '{where}'")
        tell(run, 1, "Check device existence")
        tell(run, 2, "Check peer consistency")
        if not instance.disks_active:
            await _activate(run, instance)
        if plan.wanted.is_new:
            left = await replace_secondary(run, instance, plan.disks, plan.wanted.node)
        else:
            left = await replace_volumes(run, instance, plan.disks, plan.wanted.node)
        rest = ReplaceRest(
            instance.uuid,
            plan.mode,
            plan.old,
            plan.new,
            left,
            shut_down=not instance.disks_active,
        )
        if plan.early_release:
            tell(run, 5, "Removing old storage")
            await _remove(run, left)
            rest = msgspec.structs.replace(rest, left=None)
        tell(run, 6 if plan.early_release else 5, "Sync devices")
        view = run.config.view
        spec = instance_spec(view, view.instances[instance.uuid])
        await wait_for_sync(run, spec, rest)
        await self._finish(run, rest)

    async def resume(self, run: Run, rest: ReplaceRest, answers: Mapping[str, Any]) -> None:
        """Remove the old storage."""
        await self._finish(run, rest)

    @staticmethod
    async def _finish(run: Run, rest: ReplaceRest) -> None:
        if rest.left is not None:
            tell(run, 6, "Removing old storage")
            await _remove(run, rest.left)
        if rest.shut_down:
            view = run.config.view
            bare = msgspec.to_builtins(bare_spec(view, view.instances[rest.uuid]))
            await run.finish("shut down disks", undo("instance.deactivate_disks", spec=bare))


async def _activate(run: Run, instance: Instance) -> None:
    view = run.config.view
    bare = msgspec.to_builtins(bare_spec(view, instance))
    async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
        spec = instance_spec(view, instance)
        await assemble_disks(run.nodes, view, spec, warn=warning(run))


async def _remove(run: Run, old: Old) -> None:
    """Remove what is not needed any more, now or when its node is back."""
    await run.finish("remove old storage", undo(old.action, **old.arguments))


def _hooks(view: ClusterView, uuid: str, mode: str, old: str, new: str) -> HookContext:
    instance = view.instance(uuid)
    context = instance_hooks(instance, view, MODE=mode, NEW_SECONDARY=new, OLD_SECONDARY=old)
    nodes = (view.cluster.master_node, instance.primary_node, view.node(new).uuid)
    return replace(context, pre=nodes, post=nodes)
