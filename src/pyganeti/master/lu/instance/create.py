"""Create an instance: ``gnt-instance add``, ``POST /2/instances``.

Data flow: opcode -> CreatePlan (reads only) -> disks -> configuration -> OS scripts -> guest.
Source: gnt-instance(8) ADD; hooks path ``instance-add``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from pyganeti.master.backup.compression import check_compression
from pyganeti.master.backup.importing import (
    ImportSource,
    open_source,
    read_export,
    source_name,
)
from pyganeti.master.backup.remote import RemoteSource, remote_source
from pyganeti.master.changes import add_instance
from pyganeti.master.communication import with_nic
from pyganeti.master.disks.adoption import found_disks
from pyganeti.master.disks.making import make_disks
from pyganeti.master.disks.new import (
    DiskRequest,
    Placement,
    adopted_sources,
    are_adopted,
    chosen_template,
    file_directory,
    made_disks,
    metadata_group,
    requested_disks,
    with_metadata_groups,
)
from pyganeti.master.disks.states import overwritten, with_states
from pyganeti.master.iallocator.choosing import begin_chosen
from pyganeti.master.instances.forthcoming import commit_instance, with_reserved_disks
from pyganeti.master.instances.guests import assemble_disks, bare_spec
from pyganeti.master.instances.hooks import instance_hooks
from pyganeti.master.instances.installing import Helper, warn_of_silence
from pyganeti.master.instances.specs import disk_spec, instance_spec
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.instance.create_checks import (
    check_nodes_can_take,
    installing_helper,
    secondary_node,
    unused_secondary,
    wanted_instance,
)
from pyganeti.master.lu.instance.create_filling import CreateRest, finish_creation
from pyganeti.master.lu.instance.create_forthcoming import (
    check_reservable,
    find_reserved,
    reserve,
)
from pyganeti.master.lu.instance.placing import is_placed, place, placing_locks
from pyganeti.master.nics.new import check_conflicts
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, InstanceCreateMode
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.names import check_hostname
from pyganeti.model.state_disks import check_states
from pyganeti.model.templates import MUST_ADOPT
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.wire.noderpc.blockdev import BlockdevRenameCall, BlockdevSetinfoCall
from pyganeti.wire.noderpc.specs import DiskSpec


@dataclass(frozen=True, slots=True)
class CreatePlan:
    """What will be made; identifiers are given in ``execute``.

    Attributes:
        instance: without UUID, disks, port and generated MACs.
        placement: where its disks will lie.
        secrets: secret OS parameters, for the OS scripts only.
        wipe: indices of the disks to be overwritten before use.
        sync: wait until mirrors are in sync, or only until they sync; ``None`` for others.
        source: what the disks are filled from, of an imported instance.
        chosen: how the nodes were, if by an allocator, or were not, for the job's log.
        forthcoming: only reserve it.
        reserved: the reservation in whose place it comes.
        helper: where the OS scripts run, if not on the node.
        remote: what the disks come from, of an instance of another cluster.
    """

    instance: Instance
    placement: Placement
    disks: tuple[DiskRequest, ...]
    secrets: Mapping[str, Any]  # Any: values as given
    wipe: tuple[int, ...]
    sync: bool | None
    install: bool
    start: bool
    conflicts_check: bool
    mode: InstanceCreateMode
    source: ImportSource | None
    chosen: tuple[str, ...]
    forthcoming: bool
    reserved: Instance | None
    helper: Helper | None = None
    remote: RemoteSource | None = None

    @property
    def imports(self) -> bool:
        """Whether its disks are filled with what another instance had."""
        return self.source is not None or self.remote is not None


class LUInstanceCreate(LogicalUnit[OpInstanceCreate, CreatePlan, list[str]]):
    """Create an instance on a given node; the result is the list of its nodes."""

    hooks_path: ClassVar[str] = "instance-add"
    takes_forthcoming: ClassVar[bool] = True
    rest_type: ClassVar[type[msgspec.Struct]] = CreateRest

    async def expand(self, op: OpInstanceCreate, nodes: NodeReader) -> OpInstanceCreate:
        """Take the name that the resolver knows, where it is to be asked."""
        if not op.name_check:
            return op
        name, _address = await nodes.resolve(check_hostname(op.instance_name))
        return msgspec.structs.replace(op, instance_name=name)

    def declare_locks(self, op: OpInstanceCreate, view: ClusterView) -> LockRequest:
        """Lock the new name; the nodes are shared, so that others can create there too."""
        names = {check_hostname(op.instance_name)}
        if op.mode is InstanceCreateMode.IMPORT:
            names.add(source_name(op))  # nobody replaces or removes the export
        if not is_placed(op, view):
            some = op.opportunistic_locking
            return placing_locks([op], view, frozenset(names), opportunistic=some)
        given = (name for name in (op.pnode, op.snode) if name is not None)
        nodes = frozenset(view.node(name).uuid for name in given)
        return LockRequest(
            instances=frozenset(names),
            shared_nodes=nodes,
            shared_node_res=nodes,
        )

    async def check_prereq(
        self, op: OpInstanceCreate, view: ClusterView, nodes: NodeReader
    ) -> CreatePlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: whatever of the request is wrong, taken, too large or missing.
        """
        _refuse_modes(op)
        placed = is_placed(op, view)
        if op.opportunistic_locking and placed:
            text = "opportunistic locking needs an instance allocator, which chooses the node"
            raise OpPrereqError(text, ECode.INVAL)
        reserved = find_reserved(op, view)
        source = None
        if op.mode is InstanceCreateMode.IMPORT:
            check_compression(op.compress, view)
            op, source = await read_export(op, view, nodes)
        remote = None
        if op.mode is InstanceCreateMode.REMOTE_IMPORT:
            check_compression(op.compress, view)
            remote = remote_source(op, nodes)
        op = with_nic(with_states(op, view), view)
        chosen: tuple[str, ...] = ()
        if not placed:
            op, chosen = await place(op, view, nodes, reserved)
        template = chosen_template(op.disk_template, view)
        disks = requested_disks(op.disks, template, view)
        secondary = secondary_node(op, view, template)
        instance = await wanted_instance(op, view, nodes, reserved)
        if secondary is not None:
            disks = with_metadata_groups(disks, metadata_group(view, instance.primary_node))
        check_reservable(op, disks)
        disks = await found_disks(disks, template, view.node(instance.primary_node), view, nodes)
        if op.conflicts_check:
            had = () if reserved is None else reserved.nics
            group = view.group_of(view.node(instance.primary_node))
            check_conflicts(instance.nics, view, group, had)
        directory = file_directory(view, template, instance.name, op.file_storage_dir)
        plan = CreatePlan(
            instance,
            Placement(template, instance.primary_node, directory, op.file_driver, secondary),
            disks,
            dict(op.osparams_secret or {}),
            wipe=() if are_adopted(disks) else overwritten(disks, view),
            install=source is None and remote is None and _is_installed(op, instance, disks),
            sync=None if secondary is None else op.wait_for_sync,
            start=op.start,
            conflicts_check=op.conflicts_check,
            mode=op.mode,
            source=source if source is not None and source.disks else None,
            chosen=(*chosen, *unused_secondary(op, template)),
            forthcoming=op.forthcoming,
            reserved=reserved,
            remote=remote,
        )
        check_states(instance.name, view.filled_hvparams(instance), disks)
        await check_nodes_can_take(op, view, nodes, plan.instance, disks, plan.placement, reserved)
        if not plan.install or plan.forthcoming:
            return plan
        return replace(plan, helper=await installing_helper(op, view, nodes, instance, reserved))

    def hooks(self, plan: CreatePlan, view: ClusterView) -> HookContext:
        """Instance environment, on the master and the instance's nodes."""
        mode = plan.mode
        found = view.find_instance(plan.instance.name)
        made = found is not None and found.name == plan.instance.name
        if found is not None and made and found.forthcoming == plan.forthcoming:
            return instance_hooks(found, view, ADD_MODE=mode)
        state = AdminState.UP if plan.start else AdminState.DOWN
        wanted = msgspec.structs.replace(plan.instance, admin_state=state)
        return instance_hooks(wanted, view, _planned(plan), ADD_MODE=mode)

    def outline(self, plan: CreatePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        name, node = plan.instance.name, view.node(plan.instance.primary_node).name
        places = " and ".join(view.node(uuid).name for uuid in plan.placement.nodes)
        disks = [
            f"{'adopt' if disk.adopt else 'create'} disk/{index}"
            f" ({plan.placement.template}, {disk.size} MiB) on {places}"
            for index, disk in enumerate(plan.disks)
        ]
        if plan.forthcoming:
            return [f"reserve instance {name} on {node}"]
        wanted = [
            (True, f"add instance {name} to the configuration"),
            *((True, f"wipe disk/{index}") for index in plan.wipe),
            (bool(plan.sync), "wait until its disks are in sync"),
            (plan.install, f"install {plan.instance.os}{' in a helper' if plan.helper else ''}"),
            (plan.source is not None, "fill its disks from the export"),
            (plan.remote is not None, "fill its disks from the other cluster"),
            (plan.start, f"start {name} on {node}"),
        ]
        return [*disks, *(line for asked, line in wanted if asked)]

    async def execute(self, run: Run, plan: CreatePlan) -> list[str]:
        """Make the disks, record the instance, install it and start it."""
        begin_chosen(run, plan.chosen, plan.placement.nodes)
        if plan.forthcoming:
            made = made_disks(plan.disks, plan.placement, run.ids, run.minor)
            return await reserve(run, self._identified(run, plan, made), made, plan.conflicts_check)
        instance, disks = await self._make(run, plan)
        view = run.config.view
        spec = instance_spec(view, view.instances[instance.uuid])
        fills = bool(disks) and (plan.install or bool(plan.wipe) or bool(plan.sync) or plan.imports)
        if disks and (fills or plan.start):
            bare = msgspec.to_builtins(bare_spec(view, view.instances[instance.uuid]))
            async with run.step("activate disks", undo("instance.deactivate_disks", spec=bare)):
                await assemble_disks(run.nodes, view, spec)
        rest = CreateRest(
            instance.uuid,
            wipe=plan.wipe,
            sync=plan.sync if fills or plan.start else None,
            install=plan.install,
            start=plan.start,
            shut_down=fills and not plan.start,
            mode=plan.mode,
            source=None
            if plan.source is None
            else await open_source(run, plan.source, instance.primary_node),
            helper=plan.helper,
            remote=plan.remote,
        )
        return await finish_creation(run, rest, plan.secrets)

    async def resume(self, run: Run, rest: CreateRest, answers: Mapping[str, Any]) -> list[str]:
        """Fill the disks further, and start it."""
        if rest.helper is not None and not rest.install:
            warn_of_silence(run, answers)
        return await finish_creation(run, rest, {})

    def resumed_hooks(self, rest: CreateRest, view: ClusterView) -> HookContext:
        """As :meth:`hooks`."""
        return instance_hooks(view.instance(rest.uuid), view, ADD_MODE=rest.mode)

    async def _make(self, run: Run, plan: CreatePlan) -> tuple[Instance, tuple[Disk, ...]]:
        """Disks on the node, then the instance in the configuration."""
        node = plan.instance.primary_node
        view = run.config.view
        disks = made_disks(plan.disks, plan.placement, run.ids, run.minor)
        if plan.reserved is not None:
            disks = with_reserved_disks(disks, view.disks_of(plan.reserved))
        instance = self._identified(run, plan, disks)
        uuid = instance.uuid
        specs = tuple(disk_spec(disk, view, node) for disk in disks)
        if plan.placement.template in MUST_ADOPT:
            run.log("* the instance's disks exist already")
        elif are_adopted(plan.disks):
            old = [disk_spec(disk, view) for disk in adopted_sources(disks, plan.disks)]
            await self._adopt_disks(run, plan, tuple(zip(old, specs, strict=True)))
        elif disks:
            run.log("* creating instance disks...")
            directory, name = plan.placement.directory, plan.instance.name
            await make_disks(run, specs, node, directory=directory, owner=uuid, name=name)
        run.log(f"adding instance {plan.instance.name} to cluster config")
        add, back = add_instance, "instance.remove_from_config"
        if plan.reserved is not None:
            add, back = commit_instance, "instance.back_to_reservation"
        async with run.step("add to config", undo(back, uuid=uuid)):
            await run.config.commit(add(instance, disks, run.ids, check=plan.conflicts_check))
        return instance, disks

    def _identified(self, run: Run, plan: CreatePlan, disks: tuple[Disk, ...]) -> Instance:
        """The instance with its disks; one that was reserved keeps its UUID."""
        uuid = run.ids.uuid() if plan.reserved is None else plan.reserved.uuid
        own = tuple(disk.uuid for disk in disks)
        return msgspec.structs.replace(plan.instance, uuid=uuid, disks=own)

    async def _adopt_disks(
        self, run: Run, plan: CreatePlan, pairs: tuple[tuple[DiskSpec, DiskSpec], ...]
    ) -> None:
        run.log("* adopting instance disks...")
        node, name = plan.instance.primary_node, plan.instance.name
        back = undo("disk.rename_back", node=node, disks=msgspec.to_builtins(pairs))
        async with run.step("adopt disks", back):
            await run.nodes.call(node, BlockdevRenameCall(disks=pairs))
            for _, disk in pairs:
                await run.nodes.call(node, BlockdevSetinfoCall(disk=disk, info=name))


def _is_installed(op: OpInstanceCreate, instance: Instance, disks: tuple[DiskRequest, ...]) -> bool:
    return not op.no_install and bool(instance.os and disks) and not are_adopted(disks)


def _planned(plan: CreatePlan) -> tuple[Disk, ...]:
    """The disks as far as they are known before they are made: without identifiers and places."""
    return tuple(
        Disk(
            uuid="",
            dev_type=plan.placement.template,
            logical_id=(),
            size=disk.size,
            nodes=plan.placement.nodes,
            mode=disk.mode,
            name=disk.name,
        )
        for disk in plan.disks
    )


def _refuse_modes(op: OpInstanceCreate) -> None:
    """Refuse what belongs to another mode."""
    if op.mode is not InstanceCreateMode.IMPORT and (op.src_node or op.src_path):
        text = "src_node and src_path say where an export is, which only an import reads"
        raise OpPrereqError(text, ECode.INVAL)
    if op.mode is InstanceCreateMode.REMOTE_IMPORT and op.forthcoming:
        raise OpPrereqError("an import cannot be forthcoming", ECode.INVAL)
