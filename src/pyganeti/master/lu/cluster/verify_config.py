"""Check the configuration, and what concerns all node groups. Source: gnt-cluster(8) VERIFY."""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.master.nodes import NodeReader
from pyganeti.model.checks import verify_config
from pyganeti.model.errors import OpPrereqError, ParameterError
from pyganeti.model.params.hv import check_complete_hvparams
from pyganeti.model.state_disks import check_states
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterVerifyConfig

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
        findings = Findings(run.log, error_codes=op.error_codes, ignore=op.ignore_errors)
        findings.section("Verifying cluster config")
        for text in verify_config(view):
            findings.error(VerifyCode.ECLUSTERCFG, "", text)
        findings.section("Verifying hypervisor parameters")
        for instance in view.all_instances():
            try:
                hvparams = view.filled_hvparams(instance)
                check_complete_hvparams(instance.hypervisor, hvparams)
                check_states(instance.name, hvparams, view.disks_of(instance))
            except (OpPrereqError, ParameterError) as err:
                text = f"hypervisor parameters of instance {instance.name}: {err}"
                findings.error(VerifyCode.ECLUSTERCFG, "", text)
        findings.section("Verifying all nodes belong to an existing group")
        lost = [node.name for node in view.all_nodes() if node.group not in view.groups]
        if lost:
            text = f"the following nodes are in no existing group: {', '.join(lost)}"
            findings.error(VerifyCode.ECLUSTERDANGLINGNODES, lost[0], text)
        for line in run.leftovers():
            findings.warning(VerifyCode.ECLUSTERCFG, "", f"still to be undone: {line}")
        return not findings.bad
