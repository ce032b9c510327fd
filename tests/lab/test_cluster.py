"""A cluster of two machines, joined over ssh, runs a guest in KVM."""

from tests.lab.cluster import LabCluster
from tests.lab.conftest import Nodes
from tests.lab.guest import Guest

ADD = ("-t", "file", "--disk", "0:size=64m", "-o", "micro+default", "-B", "memory=128m")


def test_a_guest_lives_on_the_second_machine(nodes: Nodes) -> None:
    cluster = LabCluster(nodes(2))
    cluster.init()
    second = cluster.nodes[1]
    name = "web1.example.com"
    cluster.gnt("instance", "add", *ADD, "--ignore-ipolicy", "-n", cluster.full_name(second), name)
    assert cluster.listed("instance", "name,pnode,status") == [
        [name, cluster.full_name(second), "running"]
    ]
    Guest(name).is_up(second)
    cluster.gnt("instance", "shutdown", name)
    assert "qemu-system" not in second.run("ps ax -o comm")
    cluster.gnt("instance", "remove", "-f", name)
    cluster.gnt("cluster", "verify")
