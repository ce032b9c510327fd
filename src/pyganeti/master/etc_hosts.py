"""Names of nodes in the master's hosts file, for clusters that manage it (``modify_etc_hosts``).

Called by the operations that found a cluster, add and remove nodes. A name that stands there
already, with the right address, is the administrator's and stays as written.
Source: gnt-cluster(8) INIT, ``--no-etc-hosts``.
"""

from dataclasses import dataclass

from pyganeti.master.jobs.run import Run, undo
from pyganeti.master.nodes import NodeReader
from pyganeti.model.errors import GenericError
from pyganeti.model.node import Node
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.node import EtcHostsLookupCall, EtcHostsModifyCall


@dataclass(frozen=True, slots=True)
class HostsEntry:
    """A name to write into the hosts file of the node with UUID ``node``.

    Attributes:
        before: the address that the file gives the name now, or ``None``.
    """

    node: str
    name: str
    ip: str
    before: str | None


def outline_of(entry: HostsEntry | None, view: ClusterView) -> list[str]:
    """What :func:`write_entry` would do, for a dry run."""
    if entry is None:
        return []
    return [f"write {entry.name} ({entry.ip}) into the hosts file of {view.node(entry.node).name}"]


async def missing_entry(
    view: ClusterView, nodes: NodeReader, name: str, ip: str
) -> HostsEntry | None:
    """What the hosts file lacks to know ``name`` at ``ip``; ``None`` if nothing.

    Raises:
        GenericError: the master's node daemon does not answer.
    """
    cluster = view.cluster
    if not cluster.modify_etc_hosts:
        return None
    before = await nodes.call(cluster.master_node, EtcHostsLookupCall(name=name))
    return None if before == ip else HostsEntry(cluster.master_node, name, ip, before)


async def write_entry(run: Run, entry: HostsEntry | None) -> None:
    """Write an entry, as a step; nothing for ``None``."""
    if entry is None:
        return
    back = undo("node.restore_host", node=entry.node, name=entry.name, ip=entry.before)
    async with run.step("add to hosts file", back):
        call = EtcHostsModifyCall(mode="add", name=entry.name, ip=entry.ip)
        await run.nodes.call(entry.node, call)


async def remove_entry(run: Run, node: Node) -> None:
    """Remove a node that is no member any more, as a step; a failure is only told."""
    cluster = run.config.view.cluster
    if not cluster.modify_etc_hosts:
        return
    async with run.step("remove from hosts file"):
        try:
            call = EtcHostsModifyCall(mode="remove", name=node.name)
            await run.nodes.call(cluster.master_node, call)
        except GenericError as err:
            run.log(f"Warning: {node.name} is still in the master's hosts file: {err}")
