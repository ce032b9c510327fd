"""Every contradiction in a configuration is named."""

from typing import Any

import msgspec
import pytest

from pyganeti.model.checks import verify_config
from pyganeti.model.disk import Disk, DrbdId, drbd_id, typed_id
from pyganeti.model.enums import DiskTemplate, Hypervisor
from pyganeti.model.errors import ConfigurationError

from . import make

SPEC = dict.fromkeys(
    ("memory-size", "cpu-count", "disk-size", "disk-count", "nic-count", "spindle-use"), 4
)


def test_a_sound_configuration_has_no_findings() -> None:
    view = make.view(
        make.node(1),
        make.node(2),
        # A group's bounds need not hold the standard instance, which is the cluster's.
        make.group(
            networks={"network-1": {"mode": "bridged"}},
            ipolicy={"minmax": [{"min": SPEC, "max": SPEC}]},
        ),
        make.network(gateway="198.51.100.1", reservations="11000001"),
        make.instance(1, disks=("disk-1",), nics=(make.nic(1, network="network-1"),)),
        make.instance(2, disks=("disk-2",), network_port=11000),
        make.disk(1),
        make.drbd(2),
    )
    assert verify_config(view) == []


CASES: list[tuple[list[Any], str]] = [
    ([make.node(2)], "master node node-1 does not exist"),
    ([make.node(1, offline=True, master_candidate=False)], "is the master, but offline"),
    ([make.node(1), make.node(2, group="gone")], "its group gone does not exist"),
    ([make.node(1), make.node(2, drained=True, offline=True)], "is drained and offline at once"),
    ([make.node(1, master_capable=False)], "is a master candidate, but not master capable"),
    ([make.node(1), make.node(2, primary_ip="192.0.2.1")], "primary address of two nodes"),
    ([make.node(1, ndparams={"ssh_port": "x"})], "'ssh_port'"),
    ([make.group(networks={"gone": {}})], "connected network gone does not exist"),
    ([make.group(ipolicy={"vcpu-ratio": "x"})], "node group default: stored instance policy"),
    ([make.instance(1), make.instance(2, name="web1.example.com")], "two have this name"),
    ([make.instance(1, primary_node="gone")], "its primary node gone does not exist"),
    ([make.instance(1, disks=("gone",))], "its disk gone does not exist"),
    ([make.instance(1, hypervisor=Hypervisor.LXC)], "hypervisor lxc is not enabled"),
    ([make.instance(1, hvparams={"acpi": "maybe"})], "'acpi'"),
    ([make.instance(1, beparams={"vcpus": 0})], "'vcpus'"),
    ([make.instance(1, nics=(make.nic(1, network="gone"),))], "network gone of nic/0"),
    ([make.instance(1, nics=(make.nic(1), make.nic(1)))], "MAC address aa:00:00:00:00:01"),
    (
        [make.instance(1, nics=(make.nic(1, ip="192.0.2.9"), make.nic(2, ip="192.0.2.9")))],
        "IP address 192.0.2.9 on br0: in use twice",
    ),
    (
        [make.instance(1, disks=("disk-1",)), make.instance(2, disks=("disk-1",)), make.disk(1)],
        "disk disk-1: belongs to two instances",
    ),
    ([make.disk(1, nodes=("gone",))], "its node gone does not exist"),
    ([make.disk(1, logical_id=("loop",))], "does not fit file"),
    ([make.disk(1, logical_id=("loop", 5))], "5 in the logical_id of a file disk, expected str"),
    ([make.disk(1), make.node(1, uuid="disk-1")], "UUID disk-1: two objects have it"),
    (
        [make.instance(1, network_port=11000), make.instance(2, network_port=11000)],
        "port 11000: in use twice",
    ),
    ([make.instance(1, network_port=11011)], "above the highest used port"),
    ([make.node(1), make.node(2), make.drbd(1), make.drbd(2, port=11002)], "DRBD minor 0 on node"),
    ([make.network(network="198.51.100.1/29")], "network lan"),
    ([make.network(gateway="192.0.2.1")], "gateway 192.0.2.1 lies outside"),
    ([make.network(network="198.51.100.0/31")], "no /16 to /30 network"),
    (
        [make.network(), make.group(networks={"network-1": {"mode": "other"}})],
        "connection to network network-1: ",
    ),
    ([make.network(reservations="1")], "1 reservations for 8 addresses"),
]


@pytest.mark.parametrize(("objects", "finding"), CASES, ids=[finding for _, finding in CASES])
def test_a_contradiction_is_named(objects: list[Any], finding: str) -> None:
    found = verify_config(make.view(*objects))
    assert any(finding in line for line in found), found
    assert not any("\n" in line for line in found)


def test_a_port_in_use_is_not_free() -> None:
    cluster = msgspec.structs.replace(make.CLUSTER, tcpudp_port_pool=(11000,))
    view = make.view(make.instance(1, network_port=11000), cluster=cluster)
    assert verify_config(view) == ["port 11000: in use, but in the pool of free ports"]


def test_cluster_defaults_are_checked() -> None:
    cluster = msgspec.structs.replace(
        make.CLUSTER,
        hvparams={"kvm": {"kvm_path": ""}},
        nicparams={"default": {"mode": "magic"}},
        enabled_disk_templates=(),
    )
    found = "\n".join(verify_config(make.view(cluster=cluster)))
    for word in ("'kvm_path'", "'mode'", "no disk template"):
        assert word in found


def test_logical_ids_have_named_parts() -> None:
    found = drbd_id(make.drbd(1, port=11005, minors=(3, 4)))
    assert found == DrbdId("node-1", "node-2", 11005, 3, 4, "secret")
    assert found is not None
    assert (found.minor_on("node-2"), found.minor_on("node-9")) == (4, None)
    assert found.peer_of("node-1") == "node-2"
    assert drbd_id(make.disk(1)) is None
    file = typed_id(make.disk(1))
    assert file._asdict() == {"driver": "loop", "path": "/srv/ganeti/file-storage/1"}
    broken: Disk = make.disk(1, dev_type=DiskTemplate.DISKLESS)
    with pytest.raises(ConfigurationError, match="does not fit diskless"):
        typed_id(broken)


def test_the_clusters_standard_instance_must_be_allowed() -> None:
    policy = {**make.CLUSTER.ipolicy, "minmax": [{"min": SPEC, "max": SPEC}]}
    cluster = msgspec.structs.replace(make.CLUSTER, ipolicy=policy)
    (found,) = verify_config(make.view(make.node(1), cluster=cluster))
    assert "cluster: instance policy: std" in found
