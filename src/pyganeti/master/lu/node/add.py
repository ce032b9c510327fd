"""Add a node: ``gnt-node add``.

The node's daemon runs already, with certificates that the command brought; this makes it a member.
Data flow: opcode -> checks on the new node -> configuration -> its files. Source: gnt-node(8) ADD;
hooks path ``node-add``.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

import msgspec

from pyganeti.master.candidate_pool import pool_without
from pyganeti.master.changes import put_node
from pyganeti.master.etc_hosts import HostsEntry, missing_entry, outline_of, write_entry
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.node.secondary_ip import check_address
from pyganeti.master.membership import ask_member
from pyganeti.master.nodes import NodeReader
from pyganeti.master.open_vswitch import make_switch
from pyganeti.master.ssh_logins import following_logins
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.group import NodeGroup
from pyganeti.model.names import check_hostname
from pyganeti.model.node import Node
from pyganeti.model.params.nd import check_ndparams, updated_ndparams
from pyganeti.model.params.state import updated_disk_state, updated_hv_state
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodeAdd


@dataclass(frozen=True, slots=True)
class AddPlan:
    """What will be recorded.

    Attributes:
        node: the record; its UUID is the one its certificate was issued for.
        digest: of its client certificate.
        before: the record it has now, when it is taken back.
        hosts: what the master's hosts file lacks to know it.
    """

    node: Node
    digest: str
    before: Node | None
    hosts: HostsEntry | None


class LUNodeAdd(LogicalUnit[OpNodeAdd, AddPlan, None]):
    """Make a prepared machine a node, or take one back (``readd``)."""

    hooks_path: ClassVar[str] = "node-add"

    def declare_locks(self, op: OpNodeAdd, view: ClusterView) -> LockRequest:
        """The whole cluster: the set of nodes changes."""
        return LockRequest(cluster=True)

    async def check_prereq(self, op: OpNodeAdd, view: ClusterView, nodes: NodeReader) -> AddPlan:
        """Refuse what cannot work; change nothing.

        Raises:
            OpPrereqError: known already (or not known, for a readd), address taken, no answer, or
                another version.
        """
        name = check_hostname(op.node_name)
        before = next((node for node in view.nodes.values() if node.name == name), None)
        if op.readd and before is None:
            raise OpPrereqError(f"Node '{name}' not known, cannot re-add it", ECode.NOENT)
        if before is not None and view.is_master(before):
            raise OpPrereqError(f"node {name} is the master, it cannot be re-added", ECode.STATE)
        if before is not None and not op.readd:
            raise OpPrereqError(f"node {name} is already in the cluster", ECode.EXISTS)
        primary_ip = op.primary_ip or (await nodes.resolve(name))[1]
        node = (
            _new_node(op, view, name, primary_ip)
            if before is None
            else _taken_back(op, view, primary_ip, before)
        )
        _check_addresses(view, node)
        found = await ask_member(view, nodes, node, ECode.ENVIRON)
        if not found.client_cert_uuid:
            raise OpPrereqError(f"node {name} has no client certificate", ECode.ENVIRON)
        if before is None:
            node = msgspec.structs.replace(node, uuid=found.client_cert_uuid)
        elif found.client_cert_uuid != before.uuid:
            text = f"the certificate on {name} is not for the node that is taken back"
            raise OpPrereqError(text, ECode.STATE)
        hosts = await missing_entry(view, nodes, name, primary_ip)
        return AddPlan(node, found.client_cert_digest, before, hosts)

    def hooks(self, plan: AddPlan, view: ClusterView) -> HookContext:
        """Before on the old nodes, afterwards on the new one too."""
        old = tuple(node.uuid for node in view.online_nodes() if node.name != plan.node.name)
        new = tuple(node.uuid for node in view.nodes.values() if node.name == plan.node.name)
        env = {
            "OP_TARGET": plan.node.name,
            "NODE_NAME": plan.node.name,
            "NODE_PIP": plan.node.primary_ip,
            "NODE_SIP": plan.node.secondary_ip,
            "MASTER_CAPABLE": str(plan.node.master_capable),
            "VM_CAPABLE": str(plan.node.vm_capable),
        }
        return HookContext("NODE", plan.node.name, env, pre=old, post=(*old, *new))

    def outline(self, plan: AddPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        group = view.group(plan.node.group).name
        added = f"add node {plan.node.name} ({plan.node.primary_ip}) to group {group}"
        return [*outline_of(plan.hosts, view), added]

    async def execute(self, run: Run, plan: AddPlan) -> None:
        """Record the node, then bring it and the others what they must know."""
        node = plan.node
        await write_entry(run, plan.hosts)
        back = undo(
            "node.restore",
            uuid=node.uuid,
            before=None if plan.before is None else msgspec.to_builtins(plan.before),
            digest=run.config.view.cluster.candidate_certs.get(node.uuid),
        )
        async with following_logins(run):
            async with run.step("add to config", back):
                await run.config.commit(put_node(node, plan.digest))
            await make_switch(run, node)
            async with run.step("distribute files"):
                missed = await run.distribute()
        for name, why in missed.items():
            run.log(f"Warning: node {name} could not be told: {why}")


def _new_node(op: OpNodeAdd, view: ClusterView, name: str, primary_ip: str) -> Node:
    """The record of a new node, but for its UUID."""
    capable = op.master_capable is not False
    group = view.group(op.group) if op.group else _default_group(view)
    return Node(
        uuid="",
        name=name,
        primary_ip=primary_ip,
        secondary_ip=check_address(op.secondary_ip) if op.secondary_ip else primary_ip,
        master_candidate=capable and pool_without(view).has_room,
        offline=False,
        drained=False,
        group=group.uuid,
        master_capable=capable,
        vm_capable=op.vm_capable is not False,
        ndparams=check_ndparams(op.ndparams or {}, for_node=True),
        powered=True,
        hv_state_static=updated_hv_state({}, op.hv_state or {}),
        disk_state_static=updated_disk_state({}, op.disk_state or {}),
    )


def _taken_back(op: OpNodeAdd, view: ClusterView, primary_ip: str, before: Node) -> Node:
    """The record of a node that comes back: its own, with what is given; its roles cleared.

    Raises:
        OpPrereqError: a group is given, or it has instances and is not to have any.
    """
    if op.group:
        text = f"node {before.name} is in its group already, none can be given with readd"
        raise OpPrereqError(text, ECode.INVAL)
    held = view.primary_instance_uuids(before.uuid) | view.secondary_instance_uuids(before.uuid)
    if op.vm_capable is False and held:
        text = f"node {before.name} has instances, it must remain vm_capable"
        raise OpPrereqError(text, ECode.STATE)
    capable = before.master_capable if op.master_capable is None else op.master_capable
    has_room = pool_without(view, before.uuid).has_room
    return msgspec.structs.replace(
        before,
        primary_ip=primary_ip,
        secondary_ip=check_address(op.secondary_ip) if op.secondary_ip else before.secondary_ip,
        offline=False,
        drained=False,
        powered=True,
        master_capable=capable,
        vm_capable=before.vm_capable if op.vm_capable is None else op.vm_capable,
        master_candidate=capable and (before.master_candidate or has_room),
        ndparams=updated_ndparams(before.ndparams, op.ndparams or {}, for_node=True),
        hv_state_static=updated_hv_state(before.hv_state_static, op.hv_state or {}),
        disk_state_static=updated_disk_state(before.disk_state_static, op.disk_state or {}),
    )


def _default_group(view: ClusterView) -> NodeGroup:
    groups = view.all_groups()
    if len(groups) == 1:
        return groups[0]
    found = view.find_group("default")
    if found is None:
        raise OpPrereqError("no node group given, and none is called 'default'", ECode.INVAL)
    return found


def _check_addresses(view: ClusterView, node: Node) -> None:
    mine = {node.primary_ip, node.secondary_ip}
    for other in view.nodes.values():
        taken = mine & {other.primary_ip, other.secondary_ip}
        if other.name != node.name and taken:
            raise OpPrereqError(
                f"address {min(taken)} of node {node.name} belongs to node {other.name}",
                ECode.NOTUNIQUE,
            )
    if view.cluster.master_ip in mine:
        raise OpPrereqError(
            f"address {view.cluster.master_ip} belongs to the cluster itself", ECode.NOTUNIQUE
        )
    version = view.cluster.ip_version
    if ip_address(node.primary_ip).version != version:
        text = f"address {node.primary_ip} of node {node.name} is no IPv{version} address"
        raise OpPrereqError(f"{text}, as the cluster uses them", ECode.INVAL)
    master = view.master_node
    master_single = master.primary_ip == master.secondary_ip
    if master_single and node.secondary_ip != node.primary_ip:
        text = "the master has no secondary ip but the new node has one"
        raise OpPrereqError(text, ECode.INVAL)
    if not master_single and node.secondary_ip == node.primary_ip:
        text = "the master has a secondary ip but the new node doesn't have one"
        raise OpPrereqError(text, ECode.INVAL)
