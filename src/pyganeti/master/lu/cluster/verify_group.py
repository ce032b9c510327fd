"""Check the nodes and instances of one node group. Source: gnt-cluster(8) VERIFY."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext, HooksReport, LogicalUnit
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.lu.cluster.verify_assessment import assess_hvparams
from pyganeti.master.lu.cluster.verify_drbd import check_drbd
from pyganeti.master.lu.cluster.verify_files import check_files
from pyganeti.master.lu.cluster.verify_instances import ask_disks, check_instances, check_orphans
from pyganeti.master.lu.cluster.verify_memory import check_memory
from pyganeti.master.lu.cluster.verify_node import Asked, check_node
from pyganeti.master.lu.cluster.verify_oses import check_oses
from pyganeti.master.lu.cluster.verify_placement import check_exclusion_tags
from pyganeti.master.lu.cluster.verify_question import Questions
from pyganeti.master.lu.cluster.verify_volumes import (
    check_orphan_volumes,
    check_sizes,
    check_volume_group,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import AdminState
from pyganeti.model.errors import GenericError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import MIRRORED
from pyganeti.model.verify_codes import CONFIG_CODES, OptionalCheck, VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterVerifyGroup

_CODES: Final = tuple(code for code in VerifyCode if code not in CONFIG_CODES)


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
        findings = _findings(run, op)
        findings.section(f"Verifying group '{op.group_name}'")
        members = view.nodes_of_group(plan.group)
        if members:
            await _check(findings, run, plan, members)
        else:
            findings.section("Empty node group, skipping verification")
        if op.debug_simulate_errors:
            findings.simulate(_CODES)
        return not findings.bad

    def after_hooks(
        self, run: Run, op: OpClusterVerifyGroup, result: bool, report: HooksReport
    ) -> bool:
        """A script that fails is a finding, and so is a node that cannot run them."""
        findings = _findings(run, op)
        findings.section("Hooks Results")
        for node, why in report.unreached.items():
            text = f"Communication failure in hooks execution: {why}"
            findings.error(VerifyCode.ENODEHOOKS, node, text)
        for one in report.failures:
            text = f"Script {one.script} failed, output:"
            findings.error(VerifyCode.ENODEHOOKS, one.node, text)
            findings.quote(one.output)
        return result and not findings.bad


def _findings(run: Run, op: OpClusterVerifyGroup) -> Findings:
    return Findings(
        run.log, error_codes=op.error_codes, ignore=op.ignore_errors, verbose=op.verbose
    )


async def _check(findings: Findings, run: Run, plan: GroupPlan, members: list[Node]) -> None:
    view, op = run.config.view, plan.op
    online = [node for node in members if not node.offline]
    findings.section(f"Gathering information about nodes ({len(online)} nodes)")
    questions = Questions(view, op, plan.group)
    begun = run.clock.now()
    answers = await run.nodes.call_each({node.uuid: questions.of(node) for node in online})
    asked = Asked(begun, run.clock.now())
    good = {uuid: one for uuid, one in answers.items() if not isinstance(one, GenericError)}
    disks = await ask_disks(findings, run, members, good)
    await check_files(findings, run, good)
    findings.section("Verifying node status")
    for node in online:
        answer = answers[node.uuid]
        if isinstance(answer, GenericError):
            findings.error(VerifyCode.ENODERPC, node.name, f"while contacting node: {answer}")
        else:
            check_node(findings, view, node, answer, asked)
            check_volume_group(findings, node, answer)
            check_exclusion_tags(findings, view, node)
    check_drbd(findings, view, good)
    check_oses(findings, view, good)
    check_sizes(findings, view, plan.group, good)
    check_orphans(findings, view, good)
    check_instances(findings, view, plan.group, good, disks)
    check_orphan_volumes(findings, view, good)
    if OptionalCheck.NPLUSONE_MEM not in op.skip_checks:
        check_memory(findings, view, good)
    if OptionalCheck.HVPARAM_ASSESSMENT not in op.skip_checks:
        assess_hvparams(findings, view, plan.group)
    _other_notes(findings, view, members)


def _other_notes(findings: Findings, view: ClusterView, members: Sequence[Node]) -> None:
    findings.section("Other Notes")
    own = [one for node in members for one in view.primary_instances(node.uuid)]
    counted: dict[str, Sequence[Instance | Node]] = {
        "non-redundant instance(s)": [one for one in own if not _is_redundant(view, one)],
        "non-auto-balanced instance(s)": [
            one for one in own if not view.filled_beparams(one).auto_balance
        ],
        "offline instance(s)": [one for one in own if one.admin_state is AdminState.OFFLINE],
        "offline node(s)": [node for node in members if node.offline],
        "drained node(s)": [node for node in members if node.drained],
    }
    for what, chosen in counted.items():
        if chosen:
            findings.note(f"NOTICE: {len(chosen)} {what} found.")


def _is_redundant(view: ClusterView, instance: Instance) -> bool:
    return view.disk_template(instance) in set(MIRRORED)
