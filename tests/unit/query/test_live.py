"""What queries ask of nodes, call by call."""

from typing import Any

import msgspec

from pyganeti.kit.paths import Paths
from pyganeti.master.jobs.node_tasks import NodeTasks
from pyganeti.master.key_files import KeyFiles
from pyganeti.master.nodes import NodeAccess, NodeReader
from pyganeti.master.query.live import NodeLiveReader, storage_units
from pyganeti.model.enums import DiskTemplate
from pyganeti.model.errors import GenericError, HypervisorError, NodeUnreachable
from pyganeti.model.view import ClusterView
from pyganeti.wire.noderpc.call import AnyCall, CallContext, NodeAddress, TaskId
from pyganeti.wire.noderpc.disks import StorageUnit
from pyganeti.wire.noderpc.guests import ConsoleInfo
from pyganeti.wire.noderpc.instance import AllInstancesInfoCall, InstanceConsoleInfoCall
from pyganeti.wire.noderpc.node import NodeInfoCall
from tests.unit.model import make as m

from .make import INFO, guest


class Client:
    """Answers on node1, and on no other; remembers calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, AnyCall]] = []

    # Any: each call has its own type of answer.
    async def call(self, node: NodeAddress, call: AnyCall, ctx: CallContext) -> Any:
        """An answer by procedure."""
        self.calls.append((node.name, call))
        if node.name != "node1.example.com":
            raise NodeUnreachable(node.name)
        if isinstance(call, NodeInfoCall):
            return INFO
        if isinstance(call, InstanceConsoleInfoCall):
            return {
                one.name: ConsoleInfo(instance=one.name, kind="msg")
                for one in call.instances
                if not one.name.startswith("web2")
            }
        assert isinstance(call, AllInstancesInfoCall)
        return {"web1": guest("web1")}

    async def start(self, node: NodeAddress, call: AnyCall, ctx: CallContext) -> TaskId:
        """Queries start no tasks."""
        raise AssertionError(call)

    async def wait(
        self,
        node: NodeAddress,
        task: TaskId,
        kind: type[AnyCall],
        ctx: CallContext,
        progress: object = None,
    ) -> Any:
        """Queries wait for none."""
        raise AssertionError(kind)


async def _resolve(name: str) -> tuple[str, str]:
    return name, name


async def _answers(_address: str) -> bool:
    return True


def reader(view: ClusterView) -> tuple[Client, NodeLiveReader]:
    """A reader over the client above."""
    client = Client()
    tasks, keys = NodeTasks(lambda: 0.0), KeyFiles(Paths())
    access = NodeAccess(client, lambda: view, lambda: 1, _resolve, _answers, tasks, keys)
    return client, NodeLiveReader(NodeReader(access))


def world(**cluster: Any) -> ClusterView:
    """Two nodes, three instances."""
    return m.view(
        m.node(1),
        m.node(2),
        m.instance(1),
        m.instance(2),
        m.instance(3, primary_node="node-2"),
        cluster=msgspec.structs.replace(m.CLUSTER, **cluster),
    )


async def test_one_call_a_node_and_errors_in_place_of_answers() -> None:
    view = world()
    client, live = reader(view)
    info = await live.node_info(view, ["node-1", "node-2"])
    assert info["node-1"] == INFO
    assert isinstance(info["node-2"], NodeUnreachable)
    guests = await live.guests(view, ["node-1", "node-2"])
    assert guests["node-1"] == {"web1": guest("web1")}
    assert isinstance(guests["node-2"], GenericError)
    assert len(client.calls) == 4
    (call,) = [call for _, call in client.calls[2:3]]
    assert isinstance(call, AllInstancesInfoCall)
    assert call.hypervisors == ("fake", "kvm")
    assert call.hvparams["kvm"]["acpi"] is False


async def test_all_consoles_of_a_node_are_a_call() -> None:
    view = world()
    client, live = reader(view)
    found = await live.consoles(view, view.all_instances())
    assert isinstance(found["instance-1"], ConsoleInfo)
    assert isinstance(found["instance-2"], HypervisorError)
    assert isinstance(found["instance-3"], NodeUnreachable)
    assert len(client.calls) == 2


def units(view: ClusterView) -> tuple[StorageUnit, ...]:
    return storage_units(view, view.all_nodes()[0])


def test_storage_is_asked_once_for_each_unit() -> None:
    assert units(world()) == (StorageUnit(type="file", name="/srv/ganeti/file-storage"),)
    templates = (DiskTemplate.DRBD, DiskTemplate.PLAIN)
    found = units(world(volume_group_name="xenvg", enabled_disk_templates=templates))
    assert found == (StorageUnit(type="lvm-vg", name="xenvg"),)
    exclusive = world(
        volume_group_name="xenvg",
        enabled_disk_templates=templates,
        ndparams={"exclusive_storage": True},
    )
    assert units(exclusive) == (
        StorageUnit(type="lvm-vg", name="xenvg", exclusive=True),
        StorageUnit(type="lvm-pv", name="xenvg"),
    )
