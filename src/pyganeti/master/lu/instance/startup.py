"""Start an instance: ``gnt-instance startup``, ``PUT /2/instances/[name]/startup``.

Data flow: opcode -> locks -> StartupPlan (reads only) -> steps (effects).
Source: gnt-instance(8) STARTUP; hooks path ``instance-start``.
"""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.changes import instance_fields
from pyganeti.master.disks.mirrors import Warn, warning
from pyganeti.master.instances.guests import (
    assemble_disks,
    bare_spec,
    check_bridges,
    check_memory,
    check_online,
    guest_info,
    start_guest,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState, AdminStateSource
from pyganeti.model.errors import ECode, NodeUnreachable, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.params.be import check_beparams
from pyganeti.model.params.hv import check_instance_hvparams
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceStartup
from pyganeti.wire.noderpc.specs import InstanceSpec


@dataclass(frozen=True, slots=True)
class StartupPlan:
    """What will be done, decided while holding the locks.

    Attributes:
        spec: the instance as its node gets it, overrides included.
        bare: the same for the journal.
        remember: record that it should run.
        activate: assemble its disks.
        start: start the guest; otherwise it runs already.
        paused: leave it paused.
        force: go on where a secondary node fails; passed to hooks.
    """

    instance: Instance
    spec: InstanceSpec
    bare: dict[str, object]
    remember: bool
    activate: bool
    start: bool
    paused: bool
    force: bool


class LUInstanceStartup(LogicalUnit[OpInstanceStartup, StartupPlan, None]):
    """Start an instance on its primary node; a running one is left alone."""

    hooks_path: ClassVar[str] = "instance-start"

    def declare_locks(self, op: OpInstanceStartup, view: ClusterView) -> LockRequest:
        """Lock the instance and the resources of its primary node."""
        instance = view.instance(op.instance_name)
        return LockRequest(
            instances=frozenset({instance.name}), node_res=frozenset({instance.primary_node})
        )

    async def check_prereq(
        self, op: OpInstanceStartup, view: ClusterView, nodes: NodeReader
    ) -> StartupPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: marked offline, a bridge is missing, too little memory, or the node does
                not answer.
        """
        instance = view.instance(op.instance_name)
        if instance.admin_state is AdminState.OFFLINE:
            text = f"instance {instance.name} is marked offline"
            raise OpPrereqError(text, ECode.STATE)
        hvparams = check_instance_hvparams(instance.hypervisor, op.hvparams)
        beparams = check_beparams(op.beparams)
        spec = instance_spec(view, instance, hvparams=hvparams, beparams=beparams)
        running, reachable = False, True
        try:
            check_online(view, instance.primary_node)
            running = await guest_info(nodes, view, instance) is not None
        except (OpPrereqError, NodeUnreachable):
            if not op.ignore_offline_nodes or not view.node(instance.primary_node).offline:
                raise
            reachable = False
        if reachable and not running:
            await check_bridges(nodes, view, spec)
            await check_memory(nodes, view, spec)
        bare = bare_spec(view, instance)
        return StartupPlan(
            instance,
            spec,
            msgspec.to_builtins(bare),
            remember=not op.no_remember,
            activate=reachable and not running,
            start=reachable and not running,
            paused=op.startup_paused,
            force=op.force,
        )

    def hooks(self, plan: StartupPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return instance_hooks(view.instance(plan.instance.uuid), view, FORCE=plan.force)

    def outline(self, plan: StartupPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, node = plan.instance.name, view.node(plan.instance.primary_node).name
        wanted = [
            (
                plan.remember and plan.instance.admin_state is not AdminState.UP,
                f"record that {name} should be up",
            ),
            (plan.activate, f"activate the disks of {name}"),
            (plan.start, f"start {name} on {node}{', paused' if plan.paused else ''}"),
        ]
        return [line for asked, line in wanted if asked]

    async def execute(self, run: Run, plan: StartupPlan) -> None:
        """Record the wanted state, activate the disks, start the guest."""
        uuid = plan.instance.uuid
        if plan.remember:
            # No undo, as in Ganeti: after a failed start the watcher tries again.
            async with run.step("record admin state"):
                await run.config.commit(
                    instance_fields(
                        uuid, admin_state=AdminState.UP, admin_state_source=AdminStateSource.ADMIN
                    )
                )
        if plan.activate:
            warn = warning(run) if plan.force else None
            await activate(run, plan.instance, plan.spec, plan.bare, warn=warn)
        if plan.start:
            async with run.step("start guest", undo("instance.stop", spec=plan.bare)):
                await start_guest(run, plan.spec, paused=plan.paused)


async def activate(
    run: Run,
    instance: Instance,
    spec: InstanceSpec,
    bare: dict[str, object],
    *,
    warn: Warn | None = None,
) -> list[tuple[str, str, str]]:
    """Record that the disks should be active and assemble them, in two steps.

    Disks that were meant to be active before are not deactivated by the undo. With ``warn``, what
    fails on a secondary node is no error.

    Returns:
        as :func:`assemble_disks`.
    """
    if not instance.disks_active:
        record = undo("instance.set_fields", uuid=instance.uuid, fields={"disks_active": False})
        async with run.step("record active disks", record):
            await run.config.commit(instance_fields(instance.uuid, disks_active=True))
    back = None if instance.disks_active else undo("instance.deactivate_disks", spec=bare)
    async with run.step("activate disks", back):
        return await assemble_disks(run.nodes, run.config.view, spec, warn=warn)
