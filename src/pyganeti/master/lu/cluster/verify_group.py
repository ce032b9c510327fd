"""Check the nodes and instances of one node group. Source: gnt-cluster(8) VERIFY."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final

from pyganeti.kit.patterns import Pattern, PatternError, PatternTooSlow
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.lu.cluster.verify_drbd import check_drbd
from pyganeti.master.lu.cluster.verify_instances import check_instances
from pyganeti.master.nodes import NODED_PORT, NodeReader
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import GenericError
from pyganeti.model.node import Node
from pyganeti.model.params.hv import DEFAULTS
from pyganeti.model.templates import LVM
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.versions import PROTOCOL_VERSION
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterVerifyGroup
from pyganeti.wire.noderpc.node import NodeVerifyCall
from pyganeti.wire.noderpc.types import NodeVerifyResult

# Beyond this, logs and certificates of two nodes contradict each other.
MAX_CLOCK_SKEW_S: Final = 150.0

# For one volume and pattern.
_RESERVED_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Which group, and how to report."""

    op: OpClusterVerifyGroup
    group: str


class LUClusterVerifyGroup(LogicalUnit[OpClusterVerifyGroup, GroupPlan, bool]):
    """Ask all nodes of the group and compare; the result is whether all was right."""

    hooks_path: ClassVar[str] = "cluster-verify"

    def declare_locks(self, op: OpClusterVerifyGroup, view: ClusterView) -> LockRequest:
        """The group's nodes and all instances, shared: a job under way looks like a fault."""
        group = view.group(op.group_name)
        members = frozenset(node.uuid for node in view.nodes_of_group(group.uuid))
        return LockRequest(
            shared_instances=frozenset({ALL}),
            shared_groups=frozenset({group.uuid}),
            shared_nodes=members,
        )

    async def check_prereq(
        self, op: OpClusterVerifyGroup, view: ClusterView, nodes: NodeReader
    ) -> GroupPlan:
        """Refuse an unknown group."""
        return GroupPlan(op, view.group(op.group_name).uuid)

    def hooks(self, plan: GroupPlan, view: ClusterView) -> HookContext:
        """After the check, on the group's nodes."""
        members = view.nodes_of_group(plan.group)
        env = {"CLUSTER_TAGS": " ".join(view.cluster.tags)}
        env.update((f"NODE_TAGS_{node.name}", " ".join(node.tags)) for node in members)
        online = tuple(node.uuid for node in members if not node.offline)
        return HookContext("CLUSTER", view.cluster.cluster_name, env, post=online)

    def outline(self, plan: GroupPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"check group {view.group(plan.group).name} and run the verify hooks"]

    async def execute(self, run: Run, plan: GroupPlan) -> bool:
        """Ask, compare, report."""
        view, op = run.config.view, plan.op
        findings = Findings(run.log, error_codes=op.error_codes, ignore=op.ignore_errors)
        findings.section(f"Verifying group '{op.group_name}'")
        members = view.nodes_of_group(plan.group)
        online = [node for node in members if not node.offline]
        findings.section(f"Gathering information about nodes ({len(online)} nodes)")
        calls = {node.uuid: _question(view, node) for node in online}
        started = run.clock.now()
        answers = await run.nodes.call_each(calls)
        findings.section("Verifying node status")
        good: dict[str, NodeVerifyResult] = {}
        for node in online:
            answer = answers[node.uuid]
            if isinstance(answer, GenericError):
                findings.error(VerifyCode.ENODERPC, node.name, f"while contacting node: {answer}")
                continue
            good[node.uuid] = answer
            _check_node(findings, view, node, answer, started, run.clock.now())
        check_drbd(findings, view, good)
        await check_instances(findings, run, members, good)
        _other_notes(findings, view, members)
        return not findings.bad


def _question(view: ClusterView, node: Node) -> NodeVerifyCall:
    cluster = view.cluster
    templates = cluster.enabled_disk_templates
    directories = {
        DiskTemplate.FILE: cluster.file_storage_dir,
        DiskTemplate.SHAREDFILE: cluster.shared_file_storage_dir,
    }
    hypervisors = {}
    if node.vm_capable:
        for name in cluster.enabled_hypervisors:
            hypervisors[str(name)] = {**DEFAULTS[name], **cluster.hvparams.get(name, {})}
    dirs = tuple(path for template, path in directories.items() if path and template in templates)
    return NodeVerifyCall(
        cluster_name=cluster.cluster_name,
        hypervisors=hypervisors,
        storage_dirs=dirs if node.vm_capable else (),
        check_storage_paths=node.vm_capable and bool(dirs),
        reach=_others(view, node) if view.is_master(node) else {},
        node_setup=True,
        drbd=node.vm_capable and DiskTemplate.DRBD in templates,
        exclusive_pvs=view.filled_ndparams(node).exclusive_storage,
        vg_name=cluster.volume_group_name if node.vm_capable and LVM & set(templates) else None,
    )


def _others(view: ClusterView, node: Node) -> dict[str, tuple[str, int]]:
    return {
        other.name: (other.primary_ip, NODED_PORT)
        for other in view.online_nodes()
        if other.uuid != node.uuid
    }


def _check_node(
    findings: Findings,
    view: ClusterView,
    node: Node,
    found: NodeVerifyResult,
    started: float,
    ended: float,
) -> None:
    name = node.name
    if found.version.protocol != PROTOCOL_VERSION:
        text = f"incompatible protocol versions: master {PROTOCOL_VERSION}, node"
        findings.error(VerifyCode.ENODEVERSION, name, f"{text} {found.version.protocol}")
    skew = max(started - found.time, found.time - ended, 0.0)
    if skew > MAX_CLOCK_SKEW_S:
        text = f"node time diverges by at least {skew:.1f}s from master node time"
        findings.error(VerifyCode.ENODETIME, name, text)
    for hypervisor, text in found.hypervisor_errors.items():
        findings.error(VerifyCode.ENODEHV, name, f"hypervisor {hypervisor}: {text}")
    for path, text in found.unusable_storage_dirs.items():
        shared = path == view.cluster.shared_file_storage_dir
        code = VerifyCode.ENODEFILESTORAGEPATHUNUSABLE
        if shared:
            code = VerifyCode.ENODESHAREDFILESTORAGEPATHUNUSABLE
        findings.error(code, name, f"directory {path}: {text}")
    for path in found.forbidden_file_storage_paths:
        text = f"file storage directory {path} must not be used"
        findings.error(VerifyCode.ENODEFILESTORAGEPATHS, name, text)
    _check_volumes(findings, view, node, found)
    for other, text in found.unreachable.items():
        findings.error(VerifyCode.ENODENET, name, f"cannot reach node {other}: {text}")
    for text in found.setup_errors:
        findings.error(VerifyCode.ENODESETUP, name, text)
    _check_certificate(findings, view, node, found.client_cert_digest)


def _check_volumes(
    findings: Findings, view: ClusterView, node: Node, found: NodeVerifyResult
) -> None:
    """The volume group, and volumes in it that belong to nobody."""
    if found.volume_group_error:
        findings.error(VerifyCode.ENODELVM, node.name, found.volume_group_error)
    for text in found.exclusive_faults:
        findings.error(VerifyCode.ENODELVM, node.name, f"exclusive storage: {text}")
    known = view.volumes_on(node.uuid)
    reserved = _reserved(view)
    for volume in found.volumes:
        place = f"{volume.group}/{volume.name}"
        if (volume.group, volume.name) in known or _is_reserved(place, reserved):
            continue
        findings.error(VerifyCode.ENODEORPHANLV, node.name, f"volume {place} is unknown")


def _reserved(view: ClusterView) -> list[Pattern]:
    """What administrators keep for other uses; one that was never a pattern matches nothing."""
    found = []
    for text in view.cluster.reserved_lvs:
        with suppress(PatternError):
            found.append(Pattern(text))
    return found


def _is_reserved(volume: str, reserved: list[Pattern]) -> bool:
    """Whether one of the patterns is that of ``GROUP/VOLUME``; one that takes too long is not."""
    for pattern in reserved:
        with suppress(PatternTooSlow):
            if pattern.matches_all(volume, _RESERVED_S):
                return True
    return False


def _check_certificate(findings: Findings, view: ClusterView, node: Node, digest: str) -> None:
    if not node.master_candidate and not view.is_master(node):
        return
    known: Mapping[str, str] = view.cluster.candidate_certs
    if known.get(node.uuid) != digest:
        text = f"client certificate of node {node.name} is not the one the configuration knows"
        findings.error(VerifyCode.ECLUSTERCLIENTCERT, "", text)


def _other_notes(findings: Findings, view: ClusterView, members: list[Node]) -> None:
    findings.section("Other Notes")
    for role, chosen in (
        ("offline", [node for node in members if node.offline]),
        ("drained", [node for node in members if node.drained]),
    ):
        if chosen:
            findings.note(f"NOTICE: {len(chosen)} {role} node(s) found.")
