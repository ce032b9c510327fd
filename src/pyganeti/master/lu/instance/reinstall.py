"""Run an instance's OS scripts again: ``gnt-instance reinstall``.

Source: gnt-instance(8) REINSTALL; hooks path ``instance-reinstall``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from pyganeti.master.changes import instance_fields
from pyganeti.master.instances.guests import (
    assemble_disks,
    bare_spec,
    check_online,
    check_os,
    guest_info,
    shut_down_disks,
)
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.installing import (
    Helper,
    find_helper,
    install,
    warn_of_silence,
)
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceReinstall


@dataclass(frozen=True, slots=True)
class ReinstallPlan:
    """What will be done.

    Attributes:
        instance: as it will be recorded, OS and parameters changed.
        before: the same as it is recorded now.
        secrets: secret OS parameters, for the scripts only.
        helper: where the scripts run, if not on the node.
    """

    instance: Instance
    before: Instance
    secrets: Mapping[str, Any]  # Any: values as given
    helper: Helper | None


class ReinstallRest(msgspec.Struct, frozen=True):
    """What is to be done after the scripts: by the instance's UUID."""

    uuid: str


class LUInstanceReinstall(LogicalUnit[OpInstanceReinstall, ReinstallPlan, None]):
    """Install a stopped instance anew, with another OS where one is given."""

    hooks_path: ClassVar[str] = "instance-reinstall"
    rest_type: ClassVar[type[msgspec.Struct]] = ReinstallRest

    def declare_locks(self, op: OpInstanceReinstall, view: ClusterView) -> LockRequest:
        """Lock the instance."""
        return LockRequest(instances=frozenset({view.instance(op.instance_name).name}))

    async def check_prereq(
        self, op: OpInstanceReinstall, view: ClusterView, nodes: NodeReader
    ) -> ReinstallPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: it runs, is diskless, or its OS or parameters are not usable.
        """
        before = view.instance(op.instance_name)
        check_online(view, before.primary_node)
        if not before.disks:
            text = f"instance {before.name} is diskless, there is nothing to install on"
            raise OpPrereqError(text, ECode.INVAL)
        if before.admin_state is not AdminState.DOWN:
            text = f"instance {before.name} is marked to be {before.admin_state}, not down"
            raise OpPrereqError(text, ECode.STATE)
        if await guest_info(nodes, view, before) is not None:
            raise OpPrereqError(f"instance {before.name} is running, shut it down", ECode.STATE)
        instance = msgspec.structs.replace(
            before,
            os=op.os_type or before.os,
            osparams={**before.osparams, **(op.osparams or {})},
            osparams_private={**before.osparams_private, **(op.osparams_private or {})},
        )
        secrets = dict(op.osparams_secret or {})
        spec = instance_spec(view, instance, osparams_private=secrets)
        await check_os(nodes, view, spec, force_variant=op.force_variant)
        helper = await find_helper(nodes, view, instance_spec(view, instance))
        return ReinstallPlan(instance, before, secrets, helper)

    def hooks(self, plan: ReinstallPlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        return instance_hooks(view.instance(plan.instance.uuid), view)

    def outline(self, plan: ReinstallPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, wanted = plan.instance.name, plan.instance.os
        where = " in a helper" if plan.helper else ""
        return [f"install {wanted}{where} on the disks of {name}, which are overwritten"]

    async def execute(self, run: Run, plan: ReinstallPlan) -> None:
        """Record OS and parameters, activate the disks, run the scripts, shut the disks down."""
        new, old = plan.instance, plan.before
        back = undo("instance.set_fields", uuid=new.uuid, fields=_os_fields(old, public=True))
        if _os_fields(new) != _os_fields(old):
            # A private parameter cannot stand in the journal; an interrupted change of one stays.
            async with run.step("record OS and parameters", back):
                await run.config.commit(instance_fields(new.uuid, **_os_fields(new)))
        view = run.config.view
        spec = instance_spec(view, new)
        bare = msgspec.to_builtins(bare_spec(view, new))
        async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
            await assemble_disks(run.nodes, view, spec)
        run.log("Running the instance OS create scripts...")
        rest = ReinstallRest(new.uuid)
        await install(run, new, rest, plan.secrets, plan.helper, reinstall=True)
        await self.resume(run, rest, {})

    async def resume(self, run: Run, rest: ReinstallRest, answers: Mapping[str, Any]) -> None:
        """Shut the disks down."""
        warn_of_silence(run, answers)
        view = run.config.view
        async with run.step("shut down disks"):
            await shut_down_disks(run.nodes, bare_spec(view, view.instance(rest.uuid)))

    def resumed_hooks(self, rest: ReinstallRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return instance_hooks(view.instance(rest.uuid), view)


def _os_fields(instance: Instance, *, public: bool = False) -> dict[str, object]:
    fields: dict[str, object] = {"os": instance.os, "osparams": dict(instance.osparams)}
    if not public:
        fields["osparams_private"] = dict(instance.osparams_private)
    return fields
