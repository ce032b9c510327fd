"""Memory in a group check: could a node take over from each of those it backs?

Source: gnt-cluster(8) VERIFY, the N+1 check.
"""

from collections import defaultdict
from collections.abc import Mapping

from pyganeti.master.lu.cluster.findings import Findings
from pyganeti.model.enums import AdminState
from pyganeti.model.node import Node
from pyganeti.model.verify_codes import VerifyCode
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.types import NodeVerifyResult


def check_memory(
    findings: Findings, view: ClusterView, found: Mapping[str, NodeVerifyResult]
) -> None:
    """For each node that answered, and each node whose instances it would have to start."""
    findings.section("Verifying N+1 Memory redundancy")
    for uuid, one in found.items():
        node = view.node(uuid)
        free = _free(one)
        if free is None or not node.vm_capable:
            continue
        for primary, needed in _needs(view, node).items():
            if needed > free:
                text = "not enough memory to accommodate instance failovers should node"
                text = f"{text} {view.node(primary).name} fail"
                text = f"{text} ({needed}MiB needed, {free}MiB available)"
                findings.error(VerifyCode.ENODEN1, node.name, text)


def _free(found: NodeVerifyResult) -> int | None:
    hypervisors = found.info.hypervisors.values() if found.info else ()
    return min((one.memory_free for one in hypervisors), default=None)


def _needs(view: ClusterView, node: Node) -> dict[str, int]:
    """By primary node, the least memory of its instances that would be started on ``node``."""
    needs: defaultdict[str, int] = defaultdict(int)
    for uuid in view.secondary_instance_uuids(node.uuid):
        instance = view.instances[uuid]
        if instance.forthcoming or instance.admin_state is not AdminState.UP:
            continue
        be = view.filled_beparams(instance)
        if be.auto_balance:
            needs[instance.primary_node] += be.minmem
    return dict(sorted(needs.items(), key=lambda item: view.node(item[0]).name))
