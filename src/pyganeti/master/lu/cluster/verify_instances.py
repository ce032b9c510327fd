"""The instances' part of a group check: are they where they should be, with their disks?"""

from collections.abc import Iterable, Mapping

from pyganeti.master.instances.specs import disk_spec
from pyganeti.master.instances.user_shutdown import user_may_shut_down
from pyganeti.master.jobs.run import Run
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.lu.cluster.verify_mirrors import ask_mirrors
from pyganeti.master.lu.cluster.verify_placement import check_placement
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

# Code, name of the instance, text.
Fault = tuple[VerifyCode, str, str]


def check_instances(
    findings: Findings,
    view: ClusterView,
    group: str,
    found: Mapping[str, NodeVerifyResult],
    disks: Iterable[Fault],
) -> None:
    """Compare what runs on the nodes that answered (``found``) with what should.

    Args:
        findings: takes what is wrong.
        view: the configuration.
        group: whose instances.
        found: what nodes said, by UUID.
        disks: what :func:`ask_disks` has found.
    """
    findings.section("Verifying instance status")
    running = _running(found)
    ended = {name for result in found.values() for name in result.ended}
    policy = view.ipolicy(view.group(group))
    for instance in view.instances_of_group(group):
        if instance.forthcoming:
            continue
        findings.detail(f"Verifying instance {instance.name}")
        _check_instance(findings, view, instance, running, ended)
        check_placement(findings, view, instance, policy)
    for code, name, text in disks:
        findings.error(code, name, text)


def check_orphans(
    findings: Findings, view: ClusterView, found: Mapping[str, NodeVerifyResult]
) -> None:
    """Guests that are no instance's."""
    for uuid, names in _running(found).items():
        for name in sorted(names):
            known = view.find_instance(name)
            if known is None or known.name != name:
                text = f"instance {name} is running but the configuration does not know it"
                findings.error(VerifyCode.ENODEORPHANINSTANCE, view.node(uuid).name, text)


def _running(found: Mapping[str, NodeVerifyResult]) -> dict[str, set[str]]:
    """Names of guests by UUID of their node."""
    return {
        uuid: {name for names in result.instances.values() for name in names}
        for uuid, result in found.items()
    }


def _check_instance(
    findings: Findings,
    view: ClusterView,
    instance: Instance,
    running: Mapping[str, set[str]],
    ended: set[str],
) -> None:
    name, primary = instance.name, view.node(instance.primary_node)
    if primary.offline and instance.admin_state is AdminState.UP:
        text = f"instance is marked as running and lives on offline node {primary.name}"
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


async def ask_disks(
    findings: Findings,
    run: Run,
    members: Iterable[Node],
    found: Mapping[str, NodeVerifyResult],
) -> list[Fault]:
    """Each disk must be there, with its recorded size, on all nodes that it lies on.

    Returns:
        what is wrong with disks; that a node does not answer is reported at once.
    """
    view = run.config.view
    asked = {node.uuid: _disks_on(view, node) for node in members if node.uuid in found}
    calls = {
        uuid: BlockdevGetdimensionsCall(
            disks=tuple(disk_spec(disk, view, uuid) for _, disk in disks)
        )
        for uuid, disks in asked.items()
        if disks
    }
    findings.section(f"Gathering disk information ({len(calls)} nodes)")
    faults: list[Fault] = []
    for uuid, answer in (await run.nodes.call_each(calls)).items():
        node = view.node(uuid)
        if isinstance(answer, GenericError):
            findings.error(VerifyCode.ENODERPC, node.name, f"while asking for disks: {answer}")
            continue
        for (instance, disk), size in zip(asked[uuid], answer, strict=True):
            if size is None:
                text = f"{disk.iv_name} on {node.name} is missing"
                faults.append((VerifyCode.EINSTANCEMISSINGDISK, instance.name, text))
            elif _differs(disk, size[0]):
                text = f"{disk.iv_name} on {node.name} has {size[0]} bytes, not {disk.size} MiB"
                faults.append((VerifyCode.EINSTANCEFAULTYDISK, instance.name, text))
    mirrors = await ask_mirrors(findings, run, asked)
    return faults + [(VerifyCode.EINSTANCEFAULTYDISK, name, text) for name, text in mirrors]


def _disks_on(view: ClusterView, node: Node) -> list[tuple[Instance, Disk]]:
    """All disks of instances whose primary it is, and the mirrors of others."""
    own = [
        (instance, [disk for disk in _disks_of(view, instance) if _is_seen(disk, instance)])
        for instance in view.primary_instances(node.uuid)
    ]
    others = [
        (instance, [disk for disk in _disks_of(view, instance) if _is_mirror(disk, node)])
        for instance in view.secondary_instances(node.uuid)
    ]
    return [
        (instance, disk)
        for instance, disks in (*own, *others)
        if not instance.forthcoming
        for disk in disks
    ]


def _disks_of(view: ClusterView, instance: Instance) -> list[Disk]:
    """Those that the configuration has; its own check tells of others."""
    return [view.disks[uuid] for uuid in instance.disks if uuid in view.disks]


def _is_mirror(disk: Disk, node: Node) -> bool:
    return disk.dev_type in INTERNALLY_MIRRORED and node.uuid in disk.nodes


def _is_seen(disk: Disk, instance: Instance) -> bool:
    """Whether a node sees the disk; to see others of external storage, it would attach them."""
    return instance.disks_active or disk.dev_type is not DiskTemplate.EXT


def _differs(disk: Disk, found: int) -> bool:
    """Whether ``found`` bytes are not what was recorded; devices may be larger."""
    wanted = disk.size * 1024 * 1024
    return found < wanted if disk.dev_type in BLOCK else found != wanted
