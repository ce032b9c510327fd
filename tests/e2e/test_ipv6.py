"""A cluster whose nodes have IPv6 addresses only."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.own_network import own_network
from tests.e2e.test_migration import FAST, Guest, speed
from tests.e2e.vcluster import NAME, Cluster, virtual_cluster

NETWORK = "2001:db8:77"
WEB = "web1.example.com"
VERSION_6 = "--primary-ip-version=6"


class Ipv6Cluster(Cluster):
    """Nodes with the last byte of their addresses as they would have it in IPv4."""

    def make(self, cluster_name: str) -> None:
        """Make the nodes, then give all names their addresses here."""
        super().make(cluster_name)
        pattern = re.escape(self.network) + r"\.(\d+)"
        for node in self.nodes:
            hosts = self.root(node) / "etc/hosts"
            hosts.write_text(re.sub(pattern, rf"{NETWORK}::\1", hosts.read_text()))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three nodes; none is initialized."""
    addresses = [f"{NETWORK}::{number}/128" for number in (1, 2, 3)]
    with (
        own_network(addresses) as wrapper,
        virtual_cluster(size=3, wrapper=wrapper, kind=Ipv6Cluster) as made,
    ):
        yield made


def test_guests_move_in_a_cluster_of_ipv6(cluster: Cluster) -> None:
    cluster.init_sharing(VERSION_6)
    assert "primary ip version: 6" in cluster.gnt("cluster", "info").stdout
    assert cluster.listed("node", "name,pip") == [
        [f"node{number}", f"{NETWORK}::{number}"] for number in (1, 2, 3)
    ]
    words = ("-t", "sharedfile", "--disk", "0:size=1g", "-o", "micro+default", "-n", "node1")
    more = ("-B", "memory=128m", "--no-nics", "--ignore-ipolicy")
    cluster.gnt("instance", "add", *words, *more, WEB)
    guest = Guest(cluster)
    speed(cluster, FAST)
    cluster.gnt("instance", "migrate", "-f", "-n", "node2", WEB)
    guest.check_lives_on("node2")
    cluster.gnt("cluster", "verify")


def test_addresses_of_the_other_version_are_refused(cluster: Cluster) -> None:
    cluster.make(NAME)
    words = ("--no-ssh-init", "--no-etc-hosts", "--master-netdev=lo")
    kinds = ("--enabled-hypervisors=fake", "--enabled-disk-templates=diskless")
    refused = cluster.gnt("cluster", "init", *words, *kinds, NAME, code=1)
    assert "no IPv4 address" in refused.stderr
    assert not (cluster.root("node1") / "var/lib/ganeti/cluster.db").exists()
    cluster.gnt("cluster", "init", *words, *kinds, VERSION_6, NAME)
    hosts = cluster.root("node1") / "etc/hosts"
    hosts.write_text(hosts.read_text().replace(f"{NETWORK}::2", "192.0.2.2"))
    refused = cluster.gnt("node", "add", "--no-ssh-key-check", "node2", code=1)
    assert "no IPv6 address" in refused.stderr
