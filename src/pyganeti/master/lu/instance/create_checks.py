"""What must hold before an instance is created; reads only."""

from typing import Final

from pyganeti.master.disks.ext import check_providers
from pyganeti.master.disks.new import (
    DiskRequest,
    Placement,
    are_adopted,
    wanted_of_providers,
)
from pyganeti.master.disks.spindles import check_new_disks, check_spindles, check_template
from pyganeti.master.instances.changes import check_cpus, check_vnc
from pyganeti.master.instances.forthcoming import (
    reserved_memory,
    reserved_space,
    with_reserved_identities,
)
from pyganeti.master.instances.guests import (
    check_bridges,
    check_memory,
    check_online,
    check_os,
    refused_by,
)
from pyganeti.master.instances.installing import Helper, find_helper
from pyganeti.master.instances.ipolicy import InstanceShape, check_policy
from pyganeti.master.instances.name import check_new_name
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.nics.new import requested_nics
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import (
    AdminState,
    AdminStateSource,
    DiskTemplate,
    FileDriver,
    Hypervisor,
)
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.names import check_hostname, check_tags
from pyganeti.model.node import Node
from pyganeti.model.params.be import check_beparams, check_complete_beparams
from pyganeti.model.params.hv import check_complete_hvparams, check_instance_hvparams
from pyganeti.model.templates import INTERNALLY_MIRRORED
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.wire.noderpc.instance import HypervisorValidateParamsCall

_XEN: Final = frozenset({Hypervisor.XEN_PVM, Hypervisor.XEN_HVM})


async def wanted_instance(
    op: OpInstanceCreate, view: ClusterView, nodes: NodeReader, reserved: Instance | None
) -> Instance:
    """The instance as it will be recorded, without identifiers but those that were reserved.

    Raises:
        OpPrereqError: name taken or unknown, hypervisor not enabled, a parameter is wrong.
    """
    name = check_hostname(op.instance_name)
    await check_new_name(
        name,
        view,
        nodes,
        name_check=op.name_check,
        ip_check=op.ip_check,
        own=None if reserved is None else reserved.uuid,
    )
    hypervisor = op.hypervisor or view.cluster.enabled_hypervisors[0]
    if hypervisor not in view.cluster.enabled_hypervisors:
        enabled = ", ".join(view.cluster.enabled_hypervisors)
        raise OpPrereqError(
            f"hypervisor {hypervisor} is not enabled on this cluster, enabled are: {enabled}",
            ECode.STATE,
        )
    check_file_driver(op.file_driver, hypervisor)
    if op.os_type and op.os_type.partition("+")[0] in view.cluster.blacklisted_os:
        text = f"guest OS {op.os_type} is blacklisted, it is not for new instances"
        raise OpPrereqError(text, ECode.INVAL)
    if not op.os_type and not op.no_install:
        raise OpPrereqError("no guest OS given, and --no-install was not", ECode.INVAL)
    node = view.node(op.pnode or "")
    if op.group_name is not None and node.group != view.group(op.group_name).uuid:
        text = f"node {node.name} is in group {view.group_of(node).name}, not in {op.group_name}"
        raise OpPrereqError(text, ECode.INVAL)
    instance = Instance(
        uuid="",
        name=name,
        primary_node=node.uuid,
        os=op.os_type or "",
        hypervisor=hypervisor,
        hvparams=check_instance_hvparams(hypervisor, op.hvparams),
        beparams=check_beparams(op.beparams),
        osparams=dict(op.osparams),
        osparams_private=dict(op.osparams_private or {}),
        admin_state=AdminState.DOWN,
        admin_state_source=AdminStateSource.ADMIN,
        nics=requested_nics(op.nics or (), view, view.group_of(node)),
        disks_active=False,
        tags=check_tags(op.tags),
    )
    check_complete_hvparams(hypervisor, view.filled_hvparams(instance))
    check_complete_beparams(view.filled_beparams(instance))
    check_cpus(instance, view)
    check_vnc(op.hvparams, instance, view)
    return instance if reserved is None else with_reserved_identities(instance, reserved)


def secondary_node(op: OpInstanceCreate, view: ClusterView, template: DiskTemplate) -> str | None:
    """UUID of the node that will have the mirrors; ``None`` for templates without.

    Raises:
        OpPrereqError: ``ECode.INVAL``, there must be one and is none, or it is the primary.
    """
    if template not in INTERNALLY_MIRRORED:
        return None
    if op.snode is None:
        text = f"disk template {template} needs a secondary node: -n PRIMARY:SECONDARY"
        raise OpPrereqError(text, ECode.INVAL)
    primary, secondary = view.node(op.pnode or ""), view.node(op.snode)
    check_pair(view, template, primary, secondary)
    return secondary.uuid


def unused_secondary(op: OpInstanceCreate, template: DiskTemplate) -> tuple[str, ...]:
    """A warning of a secondary node that is given for disks which are on one node."""
    if op.snode is None or template in INTERNALLY_MIRRORED:
        return ()
    text = (
        f"node {op.snode} becomes no secondary node, disks of template {template} have no mirrors"
    )
    return (f"Warning: {text}",)


def check_file_driver(driver: FileDriver | None, hypervisor: Hypervisor) -> None:
    """Refuse drivers of Xen for the guests of others.

    Raises:
        OpPrereqError: ``ECode.INVAL``, it is such a driver.
    """
    if driver not in (None, FileDriver.LOOP) and hypervisor not in _XEN:
        text = f"file driver {driver} is for Xen, guests of {hypervisor} have loop"
        raise OpPrereqError(text, ECode.INVAL)


def check_pair(view: ClusterView, template: DiskTemplate, primary: Node, secondary: Node) -> None:
    """Refuse two nodes that cannot mirror disks.

    Raises:
        OpPrereqError: ``ECode.INVAL``, they are one, or give out storage in another way.
    """
    if primary is secondary:
        text = f"node {primary.name} cannot be primary and secondary node of an instance"
        raise OpPrereqError(text, ECode.INVAL)
    check_template(template, (primary, secondary), view)


async def check_nodes_can_take(
    op: OpInstanceCreate,
    view: ClusterView,
    nodes: NodeReader,
    instance: Instance,
    disks: tuple[DiskRequest, ...],
    where: Placement,
    reserved: Instance | None,
) -> None:
    """Ask the primary node whether it can have the instance, and both whether they have space.

    Raises:
        OpPrereqError: a role forbids it, or there is no space, memory, bridge, OS or hypervisor.
    """
    template, node = where.template, view.node(instance.primary_node)
    for uuid in where.nodes:
        check_role(view, view.node(uuid))
        check_spindles(disks, template, view.node(uuid), view)
    if not op.ignore_ipolicy:
        shape = InstanceShape.of(instance, view, disks, template)
        check_policy(shape, view.ipolicy(view.group_of(node)), f"instance {instance.name}")
    spec = instance_spec(view, instance, disks=(), osparams_private=op.osparams_secret)
    await _check_hypervisor(nodes, node, instance.hypervisor, spec.hvparams)
    # Whoever reserves an instance has time to bring what it will find there.
    if instance.os and not op.no_install and not op.forthcoming:
        await check_os(nodes, view, spec, force_variant=op.force_variant)
    await check_providers(nodes, node, wanted_of_providers(disks))
    if not are_adopted(disks):
        for uuid in where.nodes:
            kept = reserved_space(view, uuid, reserved)
            await check_new_disks(nodes, view.node(uuid), disks, template, view, kept)
    if not op.forthcoming:
        await check_bridges(nodes, view, spec)
    if op.start:
        await check_memory(nodes, view, spec, reserved_memory(view, node.uuid, reserved))


async def installing_helper(
    op: OpInstanceCreate,
    view: ClusterView,
    nodes: NodeReader,
    instance: Instance,
    reserved: Instance | None,
) -> Helper | None:
    """Where the create script is to run, if not on the node.

    Raises:
        OpPrereqError: the OS needs a helper, and there can be none.
    """
    return await find_helper(
        nodes,
        view,
        instance_spec(view, instance, disks=()),
        startup_s=op.helper_startup_timeout,
        shutdown_s=op.helper_shutdown_timeout,
        reserved=reserved_memory(view, instance.primary_node, reserved),
    )


def check_role(view: ClusterView, node: Node) -> None:
    """Refuse a node that takes no new instances.

    Raises:
        OpPrereqError: ``ECode.STATE``, it is offline, drained, or not for instances.
    """
    check_online(view, node.uuid)
    if node.drained:
        raise OpPrereqError(f"node {node.name} is drained: no new instances", ECode.STATE)
    if not node.vm_capable:
        raise OpPrereqError(f"node {node.name} is not vm_capable", ECode.STATE)


async def _check_hypervisor(
    nodes: NodeReader, node: Node, hypervisor: Hypervisor, hvparams: dict[str, object]
) -> None:
    call = HypervisorValidateParamsCall(hypervisor=hypervisor, hvparams=hvparams)
    try:
        await nodes.call(node.uuid, call)
    except GenericError as err:
        raise refused_by(node, err, ECode.ENVIRON) from err
