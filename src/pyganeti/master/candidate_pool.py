"""The pool of master candidates: how many there are, and who comes in for one that leaves.

Used by the operations on nodes and by ``gnt-cluster modify``.
Source: ``docs/design/0013-node-roles.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from pyganeti.master.changes import Maker, change_node
from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.membership import ask_member
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.node_roles import Pool
from pyganeti.model.view import ClusterView


@dataclass(frozen=True, slots=True)
class Recruit:
    """A node to be promoted, and the digest of its certificate."""

    node: Node
    digest: str


def pool_without(view: ClusterView, uuid: str = "", *, size: int | None = None) -> Pool:
    """The candidates beside the node with ``uuid``; ``size`` if it is to be another one."""
    others = [node for node in view.nodes.values() if node.uuid != uuid]
    return Pool(
        others=sum(_is_candidate(view, node) for node in others),
        possible=sum(_is_candidate(view, node) or _is_eligible(node) for node in others),
        size=view.cluster.candidate_pool_size if size is None else size,
    )


def _is_candidate(view: ClusterView, node: Node) -> bool:
    return node.master_candidate or view.is_master(node)


def _is_eligible(node: Node) -> bool:
    return node.master_capable and not (node.drained or node.offline)


async def recruits(view: ClusterView, nodes: NodeReader, uuid: str, wanted: int) -> list[Recruit]:
    """Nodes to be promoted, in natural order; those that do not answer are passed over.

    Args:
        view: the cluster.
        nodes: asks them.
        uuid: of the node in whose place they come, or empty.
        wanted: how many.
    """
    eligible = (
        node
        for node in view.all_nodes()
        if node.uuid != uuid and _is_eligible(node) and not _is_candidate(view, node)
    )
    found: list[Recruit] = []
    for node in eligible:
        if len(found) >= wanted:
            break
        try:
            found.append(Recruit(node, await certificate_digest(view, nodes, node)))
        except OpPrereqError:
            continue
    return found


async def certificate_digest(view: ClusterView, nodes: NodeReader, node: Node) -> str:
    """Digest of the certificate that a node has, marked offline or not.

    Raises:
        OpPrereqError: it does not answer, runs another version, or has another node's certificate.
    """
    found = await ask_member(view, nodes, node, ECode.STATE)
    if found.client_cert_uuid != node.uuid:
        text = f"the certificate on node {node.name} is not its own: add it again with --readd"
        raise OpPrereqError(text, ECode.STATE)
    return found.client_cert_digest


def promotion(recruit: Recruit) -> Maker:
    """Make a node a candidate."""
    return change_node(recruit.node.uuid, digest=recruit.digest, master_candidate=True)


async def promote(run: Run, chosen: Sequence[Recruit]) -> None:
    """Make nodes candidates, a step each."""
    for recruit in chosen:
        node = recruit.node
        back = undo("node.restore", uuid=node.uuid, before=msgspec.to_builtins(node))
        async with run.step(f"promote {node.name}", back):
            await run.config.commit(promotion(recruit))
        run.log(f"Node {node.name} becomes a master candidate")
