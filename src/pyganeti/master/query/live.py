"""What queries ask nodes: one call a node at most, all nodes at once.

:class:`LiveReader` is the border; :class:`NodeLiveReader` asks through node calls. An answer that
did not come is an error in its place, never an exception.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from pyganeti.master.instances.consoles import with_ssh_port
from pyganeti.master.instances.specs import instance_spec
from pyganeti.master.nodes import NodeReader
from pyganeti.model.enums import DiskTemplate, StorageType
from pyganeti.model.errors import GenericError, HypervisorError
from pyganeti.model.instance import Instance
from pyganeti.model.node import Node
from pyganeti.model.templates import LVM, STORAGE_TYPE
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.backup import ExportListCall
from pyganeti.wire.noderpc.disks import StorageUnit
from pyganeti.wire.noderpc.guests import (
    ConsoleInfo,
    GuestInfo,
)
from pyganeti.wire.noderpc.instance import AllInstancesInfoCall, InstanceConsoleInfoCall
from pyganeti.wire.noderpc.node import NodeInfoCall
from pyganeti.wire.noderpc.os import ExtStorageDiagnoseCall, OsDiagnoseCall
from pyganeti.wire.noderpc.struct import Params
from pyganeti.wire.noderpc.types import (
    NodeInfo,
    OsInfo,
    ProviderInfo,
)

# Who looks at a list can do without a node's answer, and will not wait as long as a job must.
LIMIT_S: Final = 10.0
Guests = Mapping[str, GuestInfo]
"""Guests of a node by name."""


class LiveReader(Protocol):
    """Asks nodes; offline ones are not among those asked."""

    async def node_info(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, NodeInfo | GenericError]:
        """Memory, CPUs and storage of each node, by UUID."""
        ...

    async def guests(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Guests | GenericError]:
        """Guests of the enabled hypervisors on each node, by UUID."""
        ...

    async def consoles(
        self, view: ClusterView, instances: Sequence[Instance]
    ) -> Mapping[str, ConsoleInfo | GenericError]:
        """How to reach the console of each instance, by UUID."""
        ...

    async def exports(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[str] | GenericError]:
        """Names of the exports on each node, by UUID."""
        ...

    async def oses(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[OsInfo] | GenericError]:
        """OS definitions on each node, by UUID."""
        ...

    async def providers(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[ProviderInfo] | GenericError]:
        """External storage providers on each node, by UUID."""
        ...


class NodeLiveReader:
    """Asks through node calls; no node holds up the others for more than :data:`LIMIT_S`.

    Args:
        nodes: read-only calls.
    """

    def __init__(self, nodes: NodeReader) -> None:
        self._nodes = nodes

    async def node_info(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, NodeInfo | GenericError]:
        """See :class:`LiveReader`."""
        hypervisors = _hypervisors(view)
        calls = {
            node: NodeInfoCall(
                storage_units=storage_units(view, view.nodes[node]), hypervisors=hypervisors
            )
            for node in nodes
        }
        return await self._nodes.call_each(calls, limit_s=LIMIT_S)

    async def guests(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Guests | GenericError]:
        """See :class:`LiveReader`."""
        hypervisors = _hypervisors(view)
        call = AllInstancesInfoCall(hypervisors=tuple(hypervisors), hvparams=hypervisors)
        return await self._nodes.call_all(nodes, call, limit_s=LIMIT_S)

    async def consoles(
        self, view: ClusterView, instances: Sequence[Instance]
    ) -> Mapping[str, ConsoleInfo | GenericError]:
        """See :class:`LiveReader`."""
        by_node: dict[str, list[Instance]] = {}
        for instance in instances:
            by_node.setdefault(instance.primary_node, []).append(instance)
        calls = {
            node: InstanceConsoleInfoCall(instances=tuple(instance_spec(view, i) for i in found))
            for node, found in by_node.items()
        }
        answers = await self._nodes.call_each(calls, limit_s=LIMIT_S)
        return {
            instance.uuid: _console(instance, answers[node], view)
            for node, found in by_node.items()
            for instance in found
        }

    async def exports(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[str] | GenericError]:
        """See :class:`LiveReader`."""
        return await self._nodes.call_all(nodes, ExportListCall(), limit_s=LIMIT_S)

    async def oses(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[OsInfo] | GenericError]:
        """See :class:`LiveReader`."""
        return await self._nodes.call_all(nodes, OsDiagnoseCall(), limit_s=LIMIT_S)

    async def providers(
        self, view: ClusterView, nodes: Iterable[str]
    ) -> Mapping[str, Sequence[ProviderInfo] | GenericError]:
        """See :class:`LiveReader`."""
        return await self._nodes.call_all(nodes, ExtStorageDiagnoseCall(), limit_s=LIMIT_S)


def _console(
    instance: Instance, answer: Mapping[str, ConsoleInfo] | GenericError, view: ClusterView
) -> ConsoleInfo | GenericError:
    if isinstance(answer, GenericError):
        return answer
    found = answer.get(instance.name)
    if found is None:
        return HypervisorError(f"{instance.name}: its node knows of no console")
    return with_ssh_port(found, instance, view)


def _hypervisors(view: ClusterView) -> dict[str, Params]:
    cluster = view.cluster
    return {str(hv): dict(cluster.hvparams.get(hv, {})) for hv in cluster.enabled_hypervisors}


def storage_units(view: ClusterView, node: Node) -> tuple[StorageUnit, ...]:
    """What a node is asked the space of: one unit for each enabled template that has one."""
    cluster = view.cluster
    exclusive = view.filled_ndparams(node).exclusive_storage
    names = {
        DiskTemplate.PLAIN: cluster.volume_group_name,
        DiskTemplate.DRBD: cluster.volume_group_name,
        DiskTemplate.FILE: cluster.file_storage_dir,
        DiskTemplate.SHAREDFILE: cluster.shared_file_storage_dir,
        DiskTemplate.GLUSTER: cluster.gluster_storage_dir,
    }
    units: dict[StorageUnit, None] = {}
    for template in cluster.enabled_disk_templates:
        name = names.get(template)
        if name:
            whole = exclusive and template in LVM
            unit = StorageUnit(type=STORAGE_TYPE[template], name=name, exclusive=whole)
            units[unit] = None
    vg = cluster.volume_group_name
    if vg and exclusive:
        # Physical volumes are given out whole there: they are the spindles.
        units[StorageUnit(type=StorageType.LVM_PV, name=vg)] = None
    return tuple(units)
