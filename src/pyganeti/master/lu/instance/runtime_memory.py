"""Memory of a running guest: ``gnt-instance modify --runtime-memory``.

Part of the operation in :mod:`.set_params`. Source: gnt-instance(8) MODIFY.
"""

from pyganeti.master.instances.ballooning import Ballooning
from pyganeti.master.instances.guests import free_memory
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import ECode, OpPrereqError
from pyganeti.model.instance import Instance
from pyganeti.model.view import ClusterView
from pyganeti.opcodes.instance import OpInstanceSetParams
from pyganeti.wire.noderpc.guests import GuestInfo


async def ballooning(
    op: OpInstanceSetParams,
    after: Instance,
    guest: GuestInfo | None,
    view: ClusterView,
    nodes: NodeReader,
) -> Ballooning:
    """Refuse memory that the guest must not or cannot have.

    Raises:
        OpPrereqError: it does not run, the size is outside what the instance may have (unless that
            is forced), or its node has not so much more.
    """
    wanted = op.runtime_mem or 0
    if guest is None or after.primary_node != view.instance(after.uuid).primary_node:
        text = f"instance {after.name} is not running: it has no memory that could be changed"
        raise OpPrereqError(text, ECode.STATE)
    limits = view.filled_beparams(after)
    if not op.force and not limits.minmem <= wanted <= limits.maxmem:
        text = f"instance {after.name} may have from {limits.minmem} to {limits.maxmem} MiB"
        raise OpPrereqError(f"{text} of memory, not {wanted}, unless --force is given", ECode.INVAL)
    node = view.node(after.primary_node)
    more = wanted - guest.memory
    if more > 0:
        free = await free_memory(nodes, view, node, after.hypervisor)
        if more > free:
            text = f"not enough memory on node {node.name} for {more} MiB more, free {free} MiB"
            raise OpPrereqError(f"instance {after.name}: {text}", ECode.NORES)
    return Ballooning(guest.memory, wanted)
