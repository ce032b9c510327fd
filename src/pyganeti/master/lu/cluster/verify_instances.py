"""The instances' part of a group check: are they where they should be, with their disks?"""

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.instances.user_shutdown import user_may_shut_down
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.lu.cluster.verify_mirrors import check_mirrors
from pyganeti.master.lu.cluster.verify_spindles import check_spindles
from pyganeti.model.disk import Disk
from pyganeti.model.enums import AdminState, DiskTemplate
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import BLOCK, INTERNALLY_MIRRORED
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.blockdev import BlockdevGetdimensionsCall
from pyganeti.wire.noderpc.types import NodeVerifyResult


async def check_instances(
    findings: Findings, run: Run, members: list[Node], found: dict[str, NodeVerifyResult]
) -> None:
    """Compare what runs on the nodes that answered (``found``) with what should."""
    view = run.config.view
    findings.section("Verifying instance status")
    running = {
        uuid: {name for names in result.instances.values() for name in names}
        for uuid, result in found.items()
    }
    ended = {name for result in found.values() for name in result.ended}
    for node in members:
        for instance in view.primary_instances(node.uuid):
            if not instance.forthcoming:
                _check_instance(findings, view, instance, node, running, ended)
    await _check_disks(findings, run, members, set(found))
    findings.section("Verifying orphan instances")
    for uuid, names in running.items():
        for name in sorted(names):
            known = view.find_instance(name)
            if known is None or known.name != name:
                text = f"instance {name} is running but the configuration does not know it"
                findings.error(VerifyCode.ENODEORPHANINSTANCE, view.node(uuid).name, text)


def _check_instance(
    findings: Findings,
    view: ClusterView,
    instance: Instance,
    primary: Node,
    running: dict[str, set[str]],
    ended: set[str],
) -> None:
    name = instance.name
    if primary.offline:
        text = f"instance has an offline primary node {primary.name}"
        findings.error(VerifyCode.EINSTANCEBADNODE, name, text)
    if not primary.vm_capable:
        text = f"primary node {primary.name} is not vm_capable"
        findings.error(VerifyCode.EINSTANCEBADNODE, name, text)
    check_spindles(findings, view, instance, primary)
    here = running.get(primary.uuid)
    wanted = instance.admin_state is AdminState.UP
    by_user = name in ended and user_may_shut_down(instance, view)
    if here is not None and wanted and name not in here and not by_user:
        text = f"instance not running on its primary node {primary.name}"
        findings.error(VerifyCode.EINSTANCEDOWN, name, text)
    if here is not None and not wanted and name in here:
        text = f"instance is marked {instance.admin_state} but runs on {primary.name}"
        findings.warning(VerifyCode.EINSTANCEWRONGNODE, name, text)
    for uuid, names in running.items():
        if uuid != primary.uuid and name in names:
            text = f"instance should not run on node {view.node(uuid).name}"
            findings.error(VerifyCode.EINSTANCEWRONGNODE, name, text)


async def _check_disks(
    findings: Findings, run: Run, members: list[Node], answered: set[str]
) -> None:
    """Each disk must be there, with its recorded size, on all nodes that it lies on."""
    view = run.config.view
    asked = {node.uuid: _disks_on(view, node) for node in members if node.uuid in answered}
    calls = {
        uuid: BlockdevGetdimensionsCall(
            disks=tuple(disk_spec(disk, view, uuid) for _, disk in disks)
        )
        for uuid, disks in asked.items()
        if disks
    }
    findings.section(f"Gathering disk information ({len(calls)} nodes)")
    for uuid, answer in (await run.nodes.call_each(calls)).items():
        node = view.node(uuid)
        if isinstance(answer, GenericError):
            findings.error(VerifyCode.ENODERPC, node.name, f"while asking for disks: {answer}")
            continue
        for (instance, disk), size in zip(asked[uuid], answer, strict=True):
            if size is None:
                text = f"{disk.iv_name} on {node.name} is missing"
                findings.error(VerifyCode.EINSTANCEMISSINGDISK, instance.name, text)
            elif _differs(disk, size[0]):
                text = f"{disk.iv_name} on {node.name} has {size[0]} bytes, not {disk.size} MiB"
                findings.error(VerifyCode.EINSTANCEFAULTYDISK, instance.name, text)

    await check_mirrors(findings, run, asked)


def _disks_on(view: ClusterView, node: Node) -> list[tuple[Instance, Disk]]:
    """All disks of instances whose primary it is, and the mirrors of others."""
    own = [
        (instance, [disk for disk in view.disks_of(instance) if _is_seen(disk, instance)])
        for instance in view.primary_instances(node.uuid)
    ]
    others = [
        (instance, [disk for disk in view.disks_of(instance) if _is_mirror(disk, node)])
        for instance in view.secondary_instances(node.uuid)
    ]
    return [
        (instance, disk)
        for instance, disks in (*own, *others)
        if not instance.forthcoming
        for disk in disks
    ]


def _is_mirror(disk: Disk, node: Node) -> bool:
    return disk.dev_type in INTERNALLY_MIRRORED and node.uuid in disk.nodes


def _is_seen(disk: Disk, instance: Instance) -> bool:
    """Whether a node sees the disk; to see others of external storage, it would attach them."""
    return instance.disks_active or disk.dev_type is not DiskTemplate.EXT


def _differs(disk: Disk, found: int) -> bool:
    """Whether ``found`` bytes are not what was recorded; devices may be larger."""
    wanted = disk.size * 1024 * 1024
    return found < wanted if disk.dev_type in BLOCK else found != wanted
