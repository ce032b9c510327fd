"""New certificates and ssh keys for the nodes: ``gnt-cluster renew-crypto``.

Data flow: opcode -> files on the master -> :class:`~pyganeti.master.renewal.Renewal`. An authority
that the command left on the master's disk takes the present one's place. Source: gnt-cluster(8)
RENEW-CRYPTO; docs/design/0015-renewing-keys.md.
"""

from dataclasses import dataclass

from pyganeti.kit.threads import in_thread
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import LogicalUnit
from pyganeti.master.nodes import NodeReader
from pyganeti.master.reaching import Reaching
from pyganeti.master.renewal import Renewal
from pyganeti.master.ssh_renewal import SshKind, renew_ssh_keys
from pyganeti.model.cluster import Cluster
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.ssh_keys import check_kind, default_bits
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterRenewCrypto


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """What will be renewed.

    Attributes:
        certificates: whether those of the nodes are.
        ssh: what ssh keys are to be; ``None`` to keep them.
        offline: names of nodes that are not asked.
        online: how many are.
    """

    certificates: bool
    ssh: SshKind | None
    offline: tuple[str, ...]
    online: int


class LUClusterRenewCrypto(LogicalUnit[OpClusterRenewCrypto, RenewPlan, None]):
    """Give every node that answers new certificates, new ssh keys, or both."""

    def declare_locks(self, op: OpClusterRenewCrypto, view: ClusterView) -> LockRequest:
        """All nodes: nothing that runs there for others may meet a certificate that is gone."""
        return LockRequest(nodes=frozenset({ALL}))

    async def check_prereq(
        self, op: OpClusterRenewCrypto, view: ClusterView, nodes: NodeReader
    ) -> RenewPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: nothing is asked for; the cluster leaves ssh keys alone; there is no such
                ssh key.
        """
        if not (op.node_certificates or op.renew_ssh_keys):
            raise OpPrereqError("nothing to renew was named", ECode.INVAL)
        ssh = _ssh_kind(op, view.cluster) if op.renew_ssh_keys else None
        offline = tuple(node.name for node in view.all_nodes() if node.offline)
        return RenewPlan(op.node_certificates, ssh, offline, len(view.online_nodes()))

    def outline(self, plan: RenewPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        lines = [f"give {plan.online} nodes new certificates"] if plan.certificates else []
        if plan.ssh is not None:
            kind = f"{plan.ssh.type}, {plan.ssh.bits} bits"
            lines.append(f"give {plan.online} nodes new SSH keys ({kind})")
        return lines + [f"leave out node {name}, which is marked offline" for name in plan.offline]

    async def execute(self, run: Run, plan: RenewPlan) -> None:
        """Renew, and name the nodes that will need help.

        Raises:
            ConfigurationError: this node cannot sign.
        """
        if plan.certificates:
            authority = await in_thread(run.keys.authority)
            following = await in_thread(run.keys.next_authority)
            nodes = Reaching(run)
            try:
                await Renewal(run, nodes).run(authority, following)
            finally:
                help_ = "take it in again: gnt-node add --readd {}"
                _tell_missed(run, nodes, plan.offline, "no new certificate", help_)
        if plan.ssh is not None:
            nodes = Reaching(run)
            try:
                await renew_ssh_keys(run, nodes, plan.ssh)
            finally:
                _tell_missed(run, nodes, plan.offline, "no new SSH key", "renew them again")


def _ssh_kind(op: OpClusterRenewCrypto, cluster: Cluster) -> SshKind:
    if not cluster.modify_ssh_setup:
        text = "this cluster leaves SSH keys alone, as gnt-cluster init --no-ssh-init said"
        raise OpPrereqError(text, ECode.STATE)
    kind = op.ssh_key_type or cluster.ssh_key_type
    kept = cluster.ssh_key_bits if kind == cluster.ssh_key_type else default_bits(kind)
    bits = op.ssh_key_bits or kept
    check_kind(kind, bits)
    return SshKind(kind, bits)


def _tell_missed(
    run: Run, nodes: Reaching, offline: tuple[str, ...], lacks: str, help_: str
) -> None:
    reasons = {nodes.names[uuid]: why for uuid, why in nodes.missed.items()}
    reasons |= dict.fromkeys(offline, "it is marked offline")
    for name, why in reasons.items():
        advice = f"once it can be reached, {help_.format(name)}"
        run.log(f"Warning: node {name} has {lacks}: {why}; {advice}")
