"""Change a node: ``gnt-node modify``, ``POST /2/nodes/[name]/modify``, ``PUT .../role``.

    opcode -> model/node_roles.py decides -> others promoted -> record -> everybody told

Source: gnt-node(8) MODIFY; hooks path ``node-modify``; ``docs/design/0013-node-roles.md``.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import msgspec

from pyganeti.master.candidate_pool import (
    Recruit,
    certificate_digest,
    pool_without,
    promote,
    recruits,
)
from pyganeti.master.changes import Maker, change_node
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.locks import ALL, LockRequest
from pyganeti.master.lu.base import HookContext, LogicalUnit
from pyganeti.master.lu.node.secondary_ip import (
    check_address,
    check_change,
    users_of_secondary_ip,
)
from pyganeti.master.nodes import NodeReader
from pyganeti.master.ssh_logins import following_logins
from pyganeti.model.change import Change
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.node_roles import ROLE_FLAGS, Decision, Standing, Wish, decide
from pyganeti.model.params.nd import updated_ndparams
from pyganeti.model.params.state import updated_disk_state, updated_hv_state
from pyganeti.model.ssconf import ssconf_values
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.node import OpNodeSetParams

_SHOWN: Final = ("master_capable", "vm_capable", "secondary_ip", *ROLE_FLAGS)
_WISHES: Final = Wish.__slots__


@dataclass(frozen=True, slots=True)
class NodeSetParamsPlan:
    """What will be recorded.

    Attributes:
        before: the record as it is.
        changes: fields that become others.
        wish: the roles and flags that were asked for, and those that follow; for hooks.
        digest: of the certificate of one that becomes a candidate.
        recruits: who is promoted in its place.
        short: by how many the pool falls short all the same.
        notes: for the job's log.
        is_told: whether nodes have to know.
    """

    before: Node
    changes: Mapping[str, object]
    wish: Wish
    digest: str | None
    recruits: tuple[Recruit, ...]
    short: int
    notes: tuple[str, ...]
    is_told: bool


Shown = list[tuple[str, Any]]  # Any: JSON values


class LUNodeSetParams(LogicalUnit[OpNodeSetParams, NodeSetParamsPlan, Shown]):
    """Change role, flags, parameters or the secondary address of a node."""

    hooks_path: ClassVar[str] = "node-modify"

    def declare_locks(self, op: OpNodeSetParams, view: ClusterView) -> LockRequest:
        """The node; all nodes if others may be promoted; instances that replicate over it."""
        node = view.node(op.node_name)
        promotes = op.auto_promote and _wish(op).may_demote
        nodes = frozenset({ALL} if promotes else {node.uuid})
        users = users_of_secondary_ip(view, node) if op.secondary_ip is not None else []
        return LockRequest(
            nodes=nodes,
            node_res=nodes,
            shared_instances=frozenset(instance.name for instance in users),
        )

    async def check_prereq(
        self, op: OpNodeSetParams, view: ClusterView, nodes: NodeReader
    ) -> NodeSetParamsPlan:
        """Refuse what cannot be, and decide all that follows.

        Raises:
            OpPrereqError: see ``decide`` and ``check_change``; or a node that becomes online or a
                candidate does not answer.
            ParameterError: names the parameter.
        """
        node = view.node(op.node_name)
        _check_given(op)
        notes: list[str] = []
        changed = _with_parameters(node, op)
        if op.secondary_ip is not None:
            address = check_address(op.secondary_ip)
            if address != node.secondary_ip:
                notes += await check_change(view, nodes, node, address, force=op.force)
            changed = msgspec.structs.replace(changed, secondary_ip=address)
        decision = decide(changed, _wish(op), _standing(op, view, changed))
        digest = await _joining(view, nodes, node, decision)
        missing = _missing(view, node, decision.node)
        called = tuple(await recruits(view, nodes, node.uuid, missing)) if op.auto_promote else ()
        return NodeSetParamsPlan(
            before=node,
            changes=_differences(node, decision.node),
            wish=decision.wish,
            digest=digest,
            recruits=called,
            short=missing - len(called),
            notes=(*notes, *decision.notes, *_warnings(node, decision.node)),
            is_told=bool(called) or _concerns_nodes(view, decision.node, digest),
        )

    def hooks(self, plan: NodeSetParamsPlan, view: ClusterView) -> HookContext:
        """On the master and the node, before and after."""
        names = (*ROLE_FLAGS, "master_capable", "vm_capable")
        env = {name.upper(): str(getattr(plan.wish, name)) for name in names}
        env["OP_TARGET"] = plan.before.name
        both = (view.cluster.master_node, plan.before.uuid)
        return HookContext("NODE", plan.before.name, env, pre=both, post=both)

    def outline(self, plan: NodeSetParamsPlan, view: ClusterView) -> list[str]:
        """See :meth:`LogicalUnit.outline`."""
        return [
            *(f"make node {one.node.name} a master candidate" for one in plan.recruits),
            *(f"set {name} of node {plan.before.name}" for name in plan.changes),
        ]

    async def execute(self, run: Run, plan: NodeSetParamsPlan) -> Shown:
        """Promote others first, so that the pool is never short; record; tell everybody."""
        for note in plan.notes:
            run.log(note)
        async with following_logins(run) if _concerns_logins(plan) else nullcontext():
            await _record(run, plan)
        return [
            (name, value if isinstance(value, str) else str(value))
            for name in _SHOWN
            if (value := plan.changes.get(name)) is not None
        ]


async def _record(run: Run, plan: NodeSetParamsPlan) -> None:
    node = plan.before
    await promote(run, plan.recruits)
    if plan.changes:
        digest = run.config.view.cluster.candidate_certs.get(node.uuid)
        before = msgspec.to_builtins(node)
        back = undo("node.restore", uuid=node.uuid, before=before, digest=digest)
        async with run.step("record node", back):
            await run.config.commit(_recorded(plan))
    if plan.is_told:
        async with run.step("distribute files"):
            missed = await run.distribute()
        for name, why in missed.items():
            run.log(f"Warning: node {name} could not be told: {why}")


def _concerns_logins(plan: NodeSetParamsPlan) -> bool:
    roles = {"master_candidate", "offline"}
    return bool(plan.recruits) or not roles.isdisjoint(plan.changes)


def _wish(op: OpNodeSetParams) -> Wish:
    return Wish(**{name: getattr(op, name) for name in _WISHES})


def _check_given(op: OpNodeSetParams) -> None:
    names = ("secondary_ip", "ndparams", "hv_state", "disk_state", *_WISHES)
    if all(getattr(op, name) is None for name in names):
        raise OpPrereqError("nothing was given that could be modified", ECode.INVAL)


def _with_parameters(node: Node, op: OpNodeSetParams) -> Node:
    """``node`` with the parameters and states that ``op`` lays over those it has."""
    return msgspec.structs.replace(
        node,
        ndparams=updated_ndparams(node.ndparams, op.ndparams or {}, for_node=True),
        hv_state_static=updated_hv_state(node.hv_state_static, op.hv_state or {}),
        disk_state_static=updated_disk_state(node.disk_state_static, op.disk_state or {}),
    )


def _standing(op: OpNodeSetParams, view: ClusterView, node: Node) -> Standing:
    held = view.primary_instance_uuids(node.uuid) | view.secondary_instance_uuids(node.uuid)
    return Standing(
        is_master=view.is_master(node),
        has_instances=bool(held),
        has_oob=bool(view.filled_ndparams(node).oob_program),
        pool=pool_without(view, node.uuid),
        auto_promote=op.auto_promote,
    )


async def _joining(
    view: ClusterView, nodes: NodeReader, node: Node, decision: Decision
) -> str | None:
    """The certificate of a node that becomes online or a candidate: it has to answer as a member.

    Raises:
        OpPrereqError: it does not.
    """
    after = decision.node
    returns = node.offline and not after.offline
    promoted = after.master_candidate and not node.master_candidate
    if not (returns or promoted):
        return None
    return await certificate_digest(view, nodes, node)


def _missing(view: ClusterView, before: Node, after: Node) -> int:
    """How many others have to be promoted for a candidate that leaves."""
    leaves = before.master_candidate and not after.master_candidate
    return pool_without(view, before.uuid).missing if leaves else 0


def _recorded(plan: NodeSetParamsPlan) -> Maker:
    """The change, once it is seen that no other candidate has left meanwhile.

    Operations on other nodes lock those only.
    """
    uuid = plan.before.uuid
    make = change_node(uuid, digest=plan.digest, **plan.changes)

    def checked(view: ClusterView) -> Change:
        change = make(view)
        after = next((one for one in change.puts if isinstance(one, Node)), plan.before)
        if _missing(view, plan.before, after) > plan.short:
            text = f"another master candidate left while node {plan.before.name} was to leave"
            raise OpPrereqError(f"{text}: too few would remain", ECode.STATE)
        return change

    return checked


def _differences(before: Node, after: Node) -> dict[str, object]:
    names = (field.name for field in msgspec.structs.fields(Node))
    return {
        name: getattr(after, name)
        for name in names
        if getattr(before, name) != getattr(after, name)
    }


def _warnings(before: Node, after: Node) -> list[str]:
    if before.offline and not after.offline:
        text = f"Warning: node {after.name} becomes online without being added again (--readd)"
        return [f"{text}: what was changed on the cluster meanwhile may not be there"]
    return []


def _concerns_nodes(view: ClusterView, after: Node, digest: str | None) -> bool:
    fields = _differences(view.nodes[after.uuid], after)
    changed = view.apply(change_node(after.uuid, digest=digest, **fields)(view))
    return ssconf_values(changed) != ssconf_values(view)
