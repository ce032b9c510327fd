"""The cluster's address and name change on a real machine."""

from collections.abc import Iterator

import pytest

from tests.e2e.hosts import DOMAIN, NETWORK, Host, machines, skip_without_namespaces
from tests.e2e.switch import NETDEV

CLUSTER = f"cluster.{DOMAIN}"
CLUSTER_IP = f"{NETWORK}.100"
OTHER = f"other.{DOMAIN}"
OTHER_IP = f"{NETWORK}.101"
# What a site may do in place of "ip": here it keeps a record of how it was called.
SCRIPT = """#!/bin/sh
echo "$1 $MASTER_IP/$MASTER_NETMASK $MASTER_NETDEV $CLUSTER_IP_VERSION" >> /var/log/address
case $1 in
    start) ip address add $MASTER_IP/$MASTER_NETMASK dev $MASTER_NETDEV ;;
    stop) ip address del $MASTER_IP/$MASTER_NETMASK dev $MASTER_NETDEV ;;
esac
"""


@pytest.fixture
def host() -> Iterator[Host]:
    """A machine with a cluster, and one more network device."""
    skip_without_namespaces()
    with machines("hosta", others={CLUSTER: 100, OTHER: 101}) as (made,):
        made.run("ip", "link", "add", "other0", "type", "bridge")
        made.run("ip", "link", "set", "other0", "up")
        words = (f"--master-netdev={NETDEV}", "--enabled-disk-templates=diskless")
        made.run("gnt-cluster", "init", *words, "--enabled-hypervisors=fake", CLUSTER)
        yield made


def where(host: Host, address: str = CLUSTER_IP) -> list[str]:
    """Device and netmask of the cluster's address."""
    shown = host.run("ip", "-4", "-o", "address", "show").stdout.splitlines()
    rows = [line.split() for line in shown]
    return [f"{row[1]} {row[3]}" for row in rows if row[3].startswith(f"{address}/")]


def test_the_address_goes_down_and_up(host: Host) -> None:
    assert where(host) == [f"{NETDEV} {CLUSTER_IP}/32"]
    refused = host.run("gnt-cluster", "deactivate-master-ip", code=13)
    assert "not confirmed" in refused.stderr
    for _ in range(2):
        host.run("gnt-cluster", "deactivate-master-ip", "--yes")
        assert where(host) == []
    for _ in range(2):
        host.run("gnt-cluster", "activate-master-ip")
        assert where(host) == [f"{NETDEV} {CLUSTER_IP}/32"]


def test_the_address_moves(host: Host) -> None:
    host.run("gnt-cluster", "modify", "--master-netdev=other0", "--master-netmask=24")
    assert where(host) == [f"other0 {CLUSTER_IP}/24"]

    refused = host.run("gnt-cluster", "modify", "--master-netdev=nosuch", code=1)
    assert "nosuch" in refused.stderr
    assert where(host) == [f"other0 {CLUSTER_IP}/24"]
    info = host.run("gnt-cluster", "info").stdout
    assert "master netdev: other0" in info
    assert "master netmask: 24" in info

    host.write("/etc/ganeti/scripts/master-ip-setup", SCRIPT, mode=0o755)
    host.run("gnt-cluster", "modify", f"--master-netdev={NETDEV}", "--use-external-mip-script=yes")
    assert where(host) == [f"{NETDEV} {CLUSTER_IP}/24"]
    log = host.path("/var/log/address").read_text()
    assert log == f"start {CLUSTER_IP}/24 {NETDEV} 4\n"
    host.run("gnt-cluster", "deactivate-master-ip", "--yes")
    assert where(host) == []
    assert host.path("/var/log/address").read_text().endswith(f"stop {CLUSTER_IP}/24 {NETDEV} 4\n")
    host.run("gnt-cluster", "verify")


def test_the_cluster_gets_another_name(host: Host) -> None:
    refused = host.run("gnt-cluster", "rename", "other", code=13)
    assert "not confirmed" in refused.stderr
    refused = host.run("gnt-cluster", "rename", "-f", host.name, code=1)
    assert "name of a node" in refused.stderr
    renamed = host.run("gnt-cluster", "rename", "-f", "other")
    assert f"Cluster renamed from '{CLUSTER}' to '{OTHER}'\n" in renamed.stdout
    assert (where(host), where(host, OTHER_IP)) == ([], [f"{NETDEV} {OTHER_IP}/32"])
    assert f"Cluster name: {OTHER}" in host.run("gnt-cluster", "info").stdout
    name = host.path("/var/lib/ganeti/ssconf_cluster_name").read_text()
    assert name.strip() == OTHER
    host.run("gnt-cluster", "verify")
