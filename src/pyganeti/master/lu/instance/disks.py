"""Activate and deactivate an instance's disks by hand.

``gnt-instance activate-disks`` and ``deactivate-disks``. Source: gnt-instance(8).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from pyganeti.master.changes import instance_fields
from pyganeti.master.disks.mirrors import wait_for_sync
from pyganeti.master.instances.guests import (
    bare_spec,
    check_online,
    guest_info,
    shut_down_disks,
)
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.instance.startup import activate
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceActivateDisks, OpInstanceDeactivateDisks
from pyganeti.wire.noderpc.specs import InstanceSpec


@dataclass(frozen=True, slots=True)
class DisksPlan:
    """Whose disks, and how they are activated.

    Attributes:
        wait_for_sync: the job ends when they are in sync.
        ignore_size: they keep the size that they have, whatever the configuration says.
    """

    instance: Instance
    wait_for_sync: bool = False
    ignore_size: bool = False


class Assembled(msgspec.Struct, frozen=True):
    """``(node, disk/N, path)`` of each disk, which is all that is left to be told."""

    disks: list[tuple[str, str, str]]


class LUInstanceActivateDisks(
    LogicalUnit[OpInstanceActivateDisks, DisksPlan, list[tuple[str, str, str]]]
):
    """Assemble the disks; the result is ``(node, disk/N, path)`` for each."""

    rest_type: ClassVar[type[msgspec.Struct]] = Assembled

    def declare_locks(self, op: OpInstanceActivateDisks, view: ClusterView) -> LockRequest:
        """Lock the instance."""
        return LockRequest(instances=frozenset({view.instance(op.instance_name).name}))

    async def check_prereq(
        self, op: OpInstanceActivateDisks, view: ClusterView, nodes: NodeReader
    ) -> DisksPlan:
        """Refuse an offline node.

        Raises:
            OpPrereqError: ``ECode.STATE``.
        """
        instance = view.instance(op.instance_name)
        check_online(view, instance.primary_node)
        return DisksPlan(instance, op.wait_for_sync, op.ignore_size)

    def outline(self, plan: DisksPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"activate the disks of {plan.instance.name}"]

    async def execute(self, run: Run, plan: DisksPlan) -> list[tuple[str, str, str]]:
        """Record that they should be active, and assemble them."""
        view = run.config.view
        spec = instance_spec(view, plan.instance)
        bare = msgspec.to_builtins(bare_spec(view, plan.instance))
        found = _without_sizes(spec) if plan.ignore_size else spec
        rest = Assembled(await activate(run, plan.instance, found, bare))
        if plan.wait_for_sync:
            await wait_for_sync(run, spec, rest)
        return rest.disks

    async def resume(
        self, run: Run, rest: Assembled, answers: Mapping[str, Any]
    ) -> list[tuple[str, str, str]]:
        """The sync was the last."""
        return rest.disks


def _without_sizes(spec: InstanceSpec) -> InstanceSpec:
    disks = tuple(msgspec.structs.replace(disk, size=0) for disk in spec.disks)
    return msgspec.structs.replace(spec, disks=disks)


class LUInstanceDeactivateDisks(LogicalUnit[OpInstanceDeactivateDisks, DisksPlan, None]):
    """Shut the disks down; refused while the guest runs, unless forced."""

    def declare_locks(self, op: OpInstanceDeactivateDisks, view: ClusterView) -> LockRequest:
        """Lock the instance."""
        return LockRequest(instances=frozenset({view.instance(op.instance_name).name}))

    async def check_prereq(
        self, op: OpInstanceDeactivateDisks, view: ClusterView, nodes: NodeReader
    ) -> DisksPlan:
        """Refuse when the guest uses them.

        Raises:
            OpPrereqError: it runs, or its node is offline.
        """
        instance = view.instance(op.instance_name)
        check_online(view, instance.primary_node)
        if not op.force and await guest_info(nodes, view, instance) is not None:
            text = f"instance {instance.name} is running, its disks are in use"
            raise OpPrereqError(text, ECode.STATE)
        return DisksPlan(instance)

    def outline(self, plan: DisksPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"shut down the disks of {plan.instance.name}"]

    async def execute(self, run: Run, plan: DisksPlan) -> None:
        """Shut them down, and record that."""
        async with run.step("shut down disks"):
            spec = instance_spec(run.config.view, plan.instance)
            await shut_down_disks(run.nodes, spec)
            await run.config.commit(instance_fields(plan.instance.uuid, disks_active=False))
