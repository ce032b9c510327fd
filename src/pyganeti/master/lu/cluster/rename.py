"""Give the cluster another name, and the address that goes with it: ``gnt-cluster rename``.

Source: gnt-cluster(8) RENAME; hooks path ``cluster-rename``.
"""

import ipaddress
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from pyganeti.master.changes import cluster_fields
from pyganeti.master.jobs.run import Run
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.cluster.address import move_address
from pyganeti.master.lu.cluster.redist_conf import distribute_files
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.names import check_hostname
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.cluster import OpClusterRename


@dataclass(frozen=True, slots=True)
class ClusterRenamePlan:
    """The new name in full, and its address."""

    name: str
    address: str


class LUClusterRename(LogicalUnit[OpClusterRename, ClusterRenamePlan, str]):
    """Record name and address, and move the address; the result is the name in full."""

    hooks_path: ClassVar[str] = "cluster-rename"

    async def expand(self, op: OpClusterRename, nodes: NodeReader) -> OpClusterRename:
        """Take the name that the resolver knows."""
        name, _address = await nodes.resolve(check_hostname(op.name))
        return msgspec.structs.replace(op, name=name)

    def declare_locks(self, op: OpClusterRename, view: ClusterView) -> LockRequest:
        """The whole cluster: its name is on every node."""
        return LockRequest(cluster=True)

    async def check_prereq(
        self, op: OpClusterRename, view: ClusterView, nodes: NodeReader
    ) -> ClusterRenamePlan:
        """Refuse a name or an address that something else has.

        Raises:
            OpPrereqError: names it; or nothing would be another.
            ResolverError: the name has no address.
        """
        cluster = view.cluster
        name, address = await nodes.resolve(op.name)
        if (name, address) == (cluster.cluster_name, cluster.master_ip):
            text = f"the cluster is called {name} already, and {address} is its address"
            raise OpPrereqError(text, ECode.INVAL)
        _check_free(name, view)
        if address != cluster.master_ip:
            await _check_address(name, address, view, nodes)
        return ClusterRenamePlan(name, address)

    def hooks(self, plan: ClusterRenamePlan, view: ClusterView) -> HookContext:
        """On the master before, on all nodes after."""
        old = view.cluster.cluster_name
        return HookContext(
            "CLUSTER",
            old,
            {"OP_TARGET": old, "NEW_NAME": plan.name},
            pre=(view.cluster.master_node,),
            post=tuple(node.uuid for node in view.all_nodes()),
        )

    def outline(self, plan: ClusterRenamePlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [f"rename {view.cluster.cluster_name} to {plan.name} ({plan.address})"]

    async def execute(self, run: Run, plan: ClusterRenamePlan) -> str:
        """Record the name; with it the address moves, if it is another."""
        if plan.address == run.config.view.cluster.master_ip:
            async with run.step("record name"):
                await run.config.commit(cluster_fields(cluster_name=plan.name))
        else:
            await move_address(run, {"cluster_name": plan.name, "master_ip": plan.address})
        await distribute_files(run)  # programs on nodes read the name there
        return plan.name


def _check_free(name: str, view: ClusterView) -> None:
    if any(node.name == name for node in view.nodes.values()):
        raise OpPrereqError(f"{name} is the name of a node", ECode.NOTUNIQUE)
    if any(instance.name == name for instance in view.instances.values()):
        raise OpPrereqError(f"{name} is the name of an instance", ECode.NOTUNIQUE)


async def _check_address(name: str, address: str, view: ClusterView, nodes: NodeReader) -> None:
    version = ipaddress.ip_address(address).version
    if version != ipaddress.ip_address(view.cluster.master_ip).version:
        text = f"{name} has the address {address}, which is not of the cluster's kind, IPv4 or IPv6"
        raise OpPrereqError(text, ECode.INVAL)
    for node in view.nodes.values():
        if address in (node.primary_ip, node.secondary_ip):
            text = f"{name} has the address {address}, which is node {node.name}'s"
            raise OpPrereqError(text, ECode.NOTUNIQUE)
    if await nodes.answers(address):
        text = f"{name} has the address {address}, at which something answers already"
        raise OpPrereqError(text, ECode.NOTUNIQUE)
