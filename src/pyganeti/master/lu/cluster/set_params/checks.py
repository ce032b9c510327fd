"""What other objects and the nodes must allow before the cluster's settings are changed."""

from pyganeti.master.nodes import NodeReader
from pyganeti.model.change import Change
from pyganeti.model.cluster import Cluster
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.state_disks import add_command, lacking
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterSetParams
from pyganeti.wire.noderpc.blockdev import DrbdHelperCall


def check_in_use(op: OpClusterSetParams, view: ClusterView) -> None:
    """Refuse to disable what instances use."""
    for instance in view.all_instances():
        if op.enabled_hypervisors and instance.hypervisor not in op.enabled_hypervisors:
            text = f"hypervisor {instance.hypervisor} is used by instance {instance.name}"
            raise OpPrereqError(text, ECode.STATE)
        template = view.disk_template(instance)
        if op.enabled_disk_templates and template not in op.enabled_disk_templates:
            text = f"disk template {template} is used by instance {instance.name}"
            raise OpPrereqError(text, ECode.STATE)


def check_state_disks(view: ClusterView, cluster: Cluster) -> None:
    """Refuse parameters for instances that have not the disks which these need.

    Raises:
        OpPrereqError: ``ECode.STATE``; names the first of them, and what helps.
    """
    after = view.apply(Change(puts=(cluster,)))
    for instance in view.all_instances():
        names = [disk.name for disk in view.disks_of(instance)]
        had = lacking(view.filled_hvparams(instance), names)
        for name in lacking(after.filled_hvparams(instance), names):
            if name not in had:
                text = f"instance {instance.name} would need a disk {name}"
                raise OpPrereqError(f"{text}: {add_command(instance.name, name)}", ECode.STATE)


async def check_drbd_helper(op: OpClusterSetParams, view: ClusterView, nodes: NodeReader) -> None:
    """Refuse a program that is not the one which the nodes' kernels call.

    Raises:
        OpPrereqError: names the node; or there are DRBD disks, and no program was given.
    """
    if op.drbd_helper is None:
        return
    if not op.drbd_helper:
        if any(disk.dev_type is DiskTemplate.DRBD for disk in view.disks.values()):
            text = "the drbd helper cannot be unset while there are DRBD disks"
            raise OpPrereqError(text, ECode.INVAL)
        return
    templates = op.enabled_disk_templates or view.cluster.enabled_disk_templates
    if DiskTemplate.DRBD not in templates:
        return
    asked = [node.uuid for node in view.online_nodes() if node.vm_capable]
    for uuid, found in (await nodes.call_all(asked, DrbdHelperCall())).items():
        if found != op.drbd_helper:
            text = f"on node {view.node(uuid).name}: drbd helper is {found}"
            raise OpPrereqError(f"{text}, not {op.drbd_helper}", ECode.ENVIRON)
