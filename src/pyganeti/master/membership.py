"""What a node says of its membership. Used where nodes come in, or take over other roles."""

from pyganeti.master.nodes import NODED_PORT, NodeReader
from pyganeti.model.errors import ECode, GenericError, OpPrereqError
from pyganeti.model.node import Node
from pyganeti.model.versions import PROTOCOL_VERSION
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.call import NodeAddress
from pyganeti.wire.noderpc.node import NodeVerifyCall, VersionCall
from pyganeti.wire.noderpc.types import NodeVerifyResult


async def ask_member(
    view: ClusterView, nodes: NodeReader, node: Node, code: ECode
) -> NodeVerifyResult:
    """What a node says, recorded or not, marked offline or not, that speaks our protocol.

    Raises:
        OpPrereqError: ``code``, it does not answer as a member, or in another protocol.
    """
    # Asked at its address, for it may be new, or on its way back.
    address = NodeAddress(node.name, node.primary_ip, NODED_PORT)
    try:
        version = await nodes.call_address(address, VersionCall())
        call = NodeVerifyCall(cluster_name=view.cluster.cluster_name)
        found = await nodes.call_address(address, call)
    except GenericError as err:
        text = f"node {node.name} does not answer as a member: {err}"
        raise OpPrereqError(text, code) from err
    if version.protocol != PROTOCOL_VERSION:
        text = f"node {node.name} speaks protocol {version.protocol}, not {PROTOCOL_VERSION}"
        raise OpPrereqError(text, code)
    return found
