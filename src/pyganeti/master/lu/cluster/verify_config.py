"""Check the configuration, and what concerns all node groups. Source: gnt-cluster(8) VERIFY."""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.lu.cluster.verify_certificates import certificate_fault
from pyganeti.master.nodes import NodeReader
from pyganeti.model.checks import verify_config
from pyganeti.model.errors import GenericError, OpPrereqError, ParameterError
from pyganeti.model.params.hv import check_complete_hvparams
from pyganeti.model.state_disks import check_states
from pyganeti.model.verify_codes import CONFIG_CODES, VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterVerifyConfig
from pyganeti.wire.noderpc.node import NodeVerifyCall

_ALL = frozenset({ALL})


@dataclass(frozen=True, slots=True)
class ConfigPlan:
    """How to report."""

    op: OpClusterVerifyConfig


class LUClusterVerifyConfig(LogicalUnit[OpClusterVerifyConfig, ConfigPlan, bool]):
    """Look for contradictions; the result is whether there were none."""

    def declare_locks(self, op: OpClusterVerifyConfig, view: ClusterView) -> LockRequest:
        """Everything, shared: a job under way looks like a contradiction."""
        return LockRequest(
            shared_instances=_ALL, shared_groups=_ALL, shared_nodes=_ALL, shared_networks=_ALL
        )

    async def check_prereq(
        self, op: OpClusterVerifyConfig, view: ClusterView, nodes: NodeReader
    ) -> ConfigPlan:
        """Nothing can be refused."""
        return ConfigPlan(op)

    async def execute(self, run: Run, plan: ConfigPlan) -> bool:
        """Check and report."""
        view, op = run.config.view, plan.op
        findings = Findings(
            run.log, error_codes=op.error_codes, ignore=op.ignore_errors, verbose=op.verbose
        )
        findings.section("Verifying cluster config")
        for text in verify_config(view):
            findings.error(VerifyCode.ECLUSTERCFG, "", text)
        for line in run.leftovers():
            findings.warning(VerifyCode.ECLUSTERCFG, "", f"still to be undone: {line}")
        for name in run.lagging():
            text = f"master candidate {name} lacks acknowledged changes; it is tried again"
            findings.warning(VerifyCode.ECLUSTERCFG, "", text)
        await _check_certificates(findings, run)
        _check_hvparams(findings, view)
        _check_dangling(findings, view)
        if op.debug_simulate_errors:
            findings.simulate(sorted(CONFIG_CODES))
        return not findings.bad


async def _check_certificates(findings: Findings, run: Run) -> None:
    """The master's own, of which all others' trust depends."""
    findings.section("Verifying cluster certificate files")
    cluster = run.config.view.cluster
    call = NodeVerifyCall(cluster_name=cluster.cluster_name, certificates=True)
    try:
        states = (await run.nodes.call(cluster.master_node, call)).certificates
    except GenericError as err:
        text = f"certificates of the master cannot be looked at: {err}"
        findings.error(VerifyCode.ECLUSTERCERT, "", text)
        return
    for state in states:
        fault = certificate_fault(state, run.clock.now())
        if fault is not None:
            text, is_error = fault
            report = findings.error if is_error else findings.warning
            report(VerifyCode.ECLUSTERCERT, "", f"While verifying {text}")


def _check_hvparams(findings: Findings, view: ClusterView) -> None:
    findings.section("Verifying hypervisor parameters")
    for instance in view.all_instances():
        try:
            hvparams = view.filled_hvparams(instance)
            check_complete_hvparams(instance.hypervisor, hvparams)
            check_states(instance.name, hvparams, view.disks_of(instance))
        except (OpPrereqError, ParameterError) as err:
            text = f"hypervisor parameters of instance {instance.name}: {err}"
            findings.error(VerifyCode.ECLUSTERCFG, "", text)


def _check_dangling(findings: Findings, view: ClusterView) -> None:
    findings.section("Verifying all nodes belong to an existing group")
    nodes = [node for node in view.all_nodes() if node.group not in view.groups]
    if nodes:
        told = "; ".join(
            f"{node.name} ({', '.join(one.name for one in view.primary_instances(node.uuid))})"
            for node in nodes
        )
        text = f"the following nodes (and their instances) belong to a non existing group: {told}"
        findings.error(VerifyCode.ECLUSTERDANGLINGNODES, nodes[0].name, text)
    instances = [
        one.name
        for one in view.all_instances()
        if one.primary_node not in view.nodes and not one.forthcoming
    ]
    if instances:
        text = "the following instances have a non-existing primary-node"
        text = f"{text}: {', '.join(instances)}"
        findings.error(VerifyCode.ECLUSTERDANGLINGINST, "", text)
