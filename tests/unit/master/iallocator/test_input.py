"""What allocators are told of a cluster."""

import json
from typing import Any

from pyganeti.master.iallocator.input import NodeState, allocator_input
from pyganeti.model.enums import AdminState
from pyganeti.testing.cluster import SimCluster
from pyganeti.wire.noderpc.disks import StorageInfo
from pyganeti.wire.noderpc.guests import GuestInfo, GuestState, HypervisorInfo

STATIC = {
    "tags", "primary_ip", "secondary_ip", "offline", "drained", "master_candidate", "group",
    "master_capable", "vm_capable", "ndparams",
}  # fmt: skip
DYNAMIC = {
    "total_memory", "reserved_memory", "free_memory", "total_disk", "free_disk",
    "total_spindles", "free_spindles", "total_cpus", "reserved_cpus", "i_pri_memory",
    "i_pri_up_memory",
}  # fmt: skip


def state(**guests: int) -> NodeState:
    """A node with guests that use so much memory."""
    found = {
        name: GuestInfo(
            name=name,
            memory=memory,
            vcpus=1,
            state=GuestState.RUNNING,
            cputime=0.0,
            hypervisor="fake",
        )
        for name, memory in guests.items()
    }
    memory = HypervisorInfo(memory_total=4096, memory_free=3000, memory_dom0=96, cpu_total=4)
    storage = StorageInfo(type="file", name="/srv", storage_free=500, storage_size=1000)
    return NodeState(memory, storage, found)


def cluster() -> SimCluster:
    made = SimCluster()
    made.add_instance("web1", admin_state=AdminState.UP, disks=(1024, 64))
    made.add_instance("web2")
    made.add_instance("web3", node="node2", shared=True)
    made.set_node("node2", offline=True)
    made.set_node("node3", vm_capable=False)
    return made


def told(made: SimCluster, **states: NodeState) -> dict[str, Any]:
    """What an allocator reads, once it has been a file."""
    uuids = {made.view.node(name).uuid: one for name, one in states.items()}
    found: dict[str, Any] = json.loads(json.dumps(allocator_input(made.view, uuids, {"type": "x"})))
    return found


def test_everything_has_its_place() -> None:
    found = told(cluster(), node1=state())
    assert set(found) == {
        "version", "cluster_name", "cluster_tags", "enabled_hypervisors", "ipolicy",
        "nodegroups", "nodes", "instances", "request",
    }  # fmt: skip
    assert (found["version"], found["request"]) == (2, {"type": "x"})
    (group,) = found["nodegroups"].values()
    assert set(group) == {"name", "alloc_policy", "networks", "ipolicy", "tags"}
    assert {"minmax", "std", "disk-templates", "vcpu-ratio"} <= set(found["ipolicy"])
    assert "std" not in group["ipolicy"] or group["ipolicy"]["minmax"]


def test_nodes_that_are_offline_or_for_no_instances_have_no_numbers() -> None:
    nodes = told(cluster(), node1=state(), node2=state(), node3=state())["nodes"]
    assert set(nodes["node1"]) == STATIC | DYNAMIC
    assert set(nodes["node2"]) == set(nodes["node3"]) == STATIC
    assert [nodes[name]["offline"] for name in sorted(nodes)] == [False, True, False]


def test_a_node_that_does_not_answer_counts_as_offline() -> None:
    nodes = told(cluster())["nodes"]
    assert set(nodes["node1"]) == STATIC
    assert nodes["node1"]["offline"] is True


def test_what_guests_will_use_is_not_free() -> None:
    node = told(cluster(), node1=state())["nodes"]["node1"]
    # web1 should run and does not; web2 is down.
    assert node["free_memory"] == 3000 - 128
    assert (node["i_pri_memory"], node["i_pri_up_memory"]) == (256, 128)
    assert (node["total_memory"], node["reserved_memory"]) == (4096, 96)
    assert (node["total_disk"], node["free_disk"]) == (1000, 500)
    node = told(cluster(), node1=state(web1=100))["nodes"]["node1"]
    assert node["free_memory"] == 3000 - 28
    node = told(cluster(), node1=state(web1=500))["nodes"]["node1"]
    assert node["free_memory"] == 3000


def test_instances_name_their_nodes_and_what_they_take() -> None:
    found = told(cluster(), node1=state())["instances"]
    assert set(found["web1"]) == {
        "tags", "admin_state", "vcpus", "memory", "spindle_use", "os", "nodes", "nics", "disks",
        "disk_template", "disks_active", "hypervisor", "disk_space_total",
    }  # fmt: skip
    assert (found["web1"]["admin_state"], found["web1"]["nodes"]) == ("up", ["node1"])
    assert found["web1"]["disk_space_total"] == 1088
    assert found["web3"]["disk_space_total"] == 0
    assert found["web1"]["disks"][1] == {
        "dev_type": "file",
        "size": 64,
        "mode": "rw",
        "spindles": None,
    }
    (nic,) = found["web1"]["nics"]
    assert (nic["mode"], nic["link"], nic["bridge"]) == ("bridged", "br0", "br0")
