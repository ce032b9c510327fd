"""What must hold before an instance's disks become disks of another template; reads only."""

from pyganeti.master.disks.converting import Conversion, wanted_disks
from pyganeti.master.disks.copies import actual_sizes
from pyganeti.master.disks.ext import check_providers
from pyganeti.master.disks.new import (
    Placement,
    chosen_template,
    file_directory,
    wanted_of_providers,
)
from pyganeti.master.disks.space import check_space, wanted_space
from pyganeti.master.iallocator.choosing import choose_node
from pyganeti.master.iallocator.requests import AllocateSecondary
from pyganeti.master.instances.guests import check_online
from pyganeti.master.instances.ipolicy import InstanceShape, check_policy
from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.lu.instance.create_checks import check_file_driver, check_pair, check_role
from pyganeti.master.lu.instance.set_params_checks import Guest
from pyganeti.master.nodes import NodeReader
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import (
    FILE_BASED,
    INTERNALLY_MIRRORED,
    NOT_CONVERTIBLE_FROM,
    NOT_CONVERTIBLE_TO,
)
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceSetParams

_MIB = 1024 * 1024


async def plan_conversion(
    op: OpInstanceSetParams,
    view: ClusterView,
    nodes: NodeReader,
    after: Instance,
    guest: Guest,
) -> Conversion | None:
    """What becomes of the disks, if they are to be of another template.

    Args:
        op: what is asked for.
        view: the snapshot.
        nodes: asks them.
        after: the instance with all else that changes.
        guest: what runs of it.

    Raises:
        OpPrereqError: it cannot be done, not while the instance runs, or does not fit.
    """
    if op.disk_template is None:
        _refuse_companions(op)
        return None
    disks, primary = tuple(view.disks_of(after)), view.node(after.primary_node)
    template = _template(op, after, disks, view)
    check_online(view, primary.uuid)
    _check_stopped(after, guest)
    secondary, notes = await _secondary(op, template, after, view, nodes)
    directory = file_directory(view, template, after.name, op.file_storage_dir)
    sizes = await _sizes(disks, template, primary, view, nodes)
    requests = wanted_disks(disks, sizes, template, op.ext_params, view)
    where = Placement(
        template,
        primary.uuid,
        directory,
        op.file_driver,
        None if secondary is None else secondary.uuid,
    )
    conversion = Conversion(disks, requests, where, notes)
    if not op.ignore_ipolicy:
        shape = InstanceShape.of(after, view, requests, template)
        policy = view.ipolicy(view.group_of(primary))
        check_policy(shape, policy, f"instance {after.name}")
    await check_providers(nodes, primary, wanted_of_providers(requests))
    for uuid in where.nodes:
        wanted = wanted_space(view, template, conversion.wanted(uuid))
        await check_space(nodes, view.node(uuid), wanted, view.cluster.cluster_name)
    return conversion


def _refuse_companions(op: OpInstanceSetParams) -> None:
    for name in ("remote_node", "iallocator", "ext_params", "file_driver", "file_storage_dir"):
        if getattr(op, name):
            text = f"{name} is for a change of the disk template, and none was given"
            raise OpPrereqError(text, ECode.INVAL)


def _template(
    op: OpInstanceSetParams, instance: Instance, disks: tuple[Disk, ...], view: ClusterView
) -> DiskTemplate:
    """The new template.

    Raises:
        OpPrereqError: there is no way there, or it is asked for together with what excludes it.
    """
    if op.disks:
        text = "disks and their template cannot change together"
        raise OpPrereqError(text, ECode.INVAL)
    if op.pnode is not None:
        text = "the disk template and the primary node cannot change together"
        raise OpPrereqError(text, ECode.INVAL)
    old = disks[0].dev_type if disks else DiskTemplate.DISKLESS
    template = chosen_template(op.disk_template, view)
    if template is old:
        text = f"instance {instance.name} has disks of template {template} already"
        raise OpPrereqError(text, ECode.STATE)
    if old in NOT_CONVERTIBLE_FROM:
        text = f"instance {instance.name} has no disks that could become {template}: add some"
        raise OpPrereqError(f"{text} with --disk add", ECode.STATE)
    if template is DiskTemplate.BLOCKDEV:
        text = "blockdev disks are existing devices of others, nothing can become one"
        raise OpPrereqError(text, ECode.STATE)
    if template in NOT_CONVERTIBLE_TO:
        text = f"disks cannot become {template}: remove them with --disk remove"
        raise OpPrereqError(text, ECode.STATE)
    if template not in FILE_BASED and (op.file_driver or op.file_storage_dir):
        text = f"file_driver and file_storage_dir are not for disk template {template}"
        raise OpPrereqError(text, ECode.INVAL)
    check_file_driver(op.file_driver, instance.hypervisor)
    if template is not DiskTemplate.EXT and op.ext_params:
        raise OpPrereqError(f"ext_params are not for disk template {template}", ECode.INVAL)
    return template


def _check_stopped(instance: Instance, guest: Guest) -> None:
    if guest.unknown is not None:
        text = f"whether instance {instance.name} runs is not known: {guest.unknown}"
        raise OpPrereqError(text, ECode.ENVIRON)
    if guest.info is not None or instance.admin_state is AdminState.UP:
        text = f"instance {instance.name} is not stopped, so its disk template cannot change"
        raise OpPrereqError(f"{text}: use gnt-instance shutdown first", ECode.STATE)


async def _secondary(
    op: OpInstanceSetParams,
    template: DiskTemplate,
    instance: Instance,
    view: ClusterView,
    nodes: NodeReader,
) -> tuple[Node | None, tuple[str, ...]]:
    """The node that will mirror the disks, and how it was chosen."""
    if template not in INTERNALLY_MIRRORED:
        if op.remote_node is not None or op.iallocator is not None:
            text = f"disk template {template} has no secondary node, but one was asked for"
            raise OpPrereqError(text, ECode.INVAL)
        return None, ()
    if (op.remote_node is None) is (op.iallocator is None):
        text = f"disk template {template} needs a secondary node: -n NODE"
        raise OpPrereqError(f"{text}, or an allocator that chooses it: -I NAME", ECode.INVAL)
    notes: tuple[str, ...] = ()
    if op.remote_node is not None:
        secondary = view.node(op.remote_node)
    else:
        request = AllocateSecondary(instance)
        choice = await choose_node(nodes, view, op.iallocator, request, instance.name)
        secondary, notes = choice.node, choice.lines
    check_pair(view, template, view.node(instance.primary_node), secondary)
    check_role(view, secondary)
    return secondary, notes


async def _sizes(
    disks: tuple[Disk, ...],
    template: DiskTemplate,
    primary: Node,
    view: ClusterView,
    nodes: NodeReader,
) -> tuple[int, ...]:
    """Bytes that the guest finds on each disk."""
    if disks[0].dev_type in INTERNALLY_MIRRORED:
        # As large as it was asked for, whatever is below.
        return tuple(disk.size * _MIB for disk in disks)
    specs = [disk_spec(disk, view, primary.uuid) for disk in disks]
    sizes = await actual_sizes(nodes, primary, specs)
    if disks[0].dev_type is DiskTemplate.PLAIN and template is DiskTemplate.DRBD:
        # The mirror comes to lie on the volume, and has whole MiB.
        return tuple(size // _MIB * _MIB for size in sizes)
    return sizes
