"""A master on a real machine is cut off, replaced, and plugged in again."""

from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from tests.e2e.hosts import DOMAIN, NETWORK, Host, rack, skip_without_namespaces
from tests.e2e.switch import Network
from tests.e2e.vcluster import wait_for

CLUSTER = f"cluster.{DOMAIN}"
CLUSTER_IP = f"{NETWORK}.100"
TOLD_S = 60
NOT_REPLICATED = "not replicated: 1 of 3"


Bed = tuple[Network, list[Host]]


@pytest.fixture
def bed() -> Iterator[Bed]:
    """Three machines that are a cluster, and their network; the first is its master."""
    skip_without_namespaces()
    with rack("hosta", "hostb", "hostc", others={CLUSTER: 100}) as (network, made):
        first, *others = made
        words = ("--master-netdev=eth0", "--enabled-disk-templates=diskless")
        first.run("gnt-cluster", "init", *words, "--enabled-hypervisors=fake", CLUSTER)
        key = first.make_key()
        for host in others:
            host.authorize(key)
            first.run("gnt-node", "add", "--no-ssh-key-check", host.name)
        first.run("gnt-cluster", "redist-conf")
        yield network, made


def tags(host: Host) -> list[str]:
    return host.run("gnt-cluster", "list-tags").stdout.split()


def add_tag(host: Host, tag: str) -> str:
    """Add a tag to the cluster; what was said."""
    done = host.run("gnt-cluster", "add-tags", tag)
    return done.stdout + done.stderr


def is_plain_node(host: Host, master: Host) -> bool:
    """Whether a machine runs no master, has not the address, and knows who the master is."""
    named = host.path("/var/lib/ganeti/ssconf_master_node").read_text().strip()
    return (host.daemons(), host.addresses(), named) == (
        ["ganeti-confd", "ganeti-mond", "ganeti-noded"],
        [host.address],
        master.name,
    )


def check_master(master: Host, hosts: Sequence[Host]) -> None:
    """Wait until one machine is the master and all others are plain nodes; verify."""
    for host in hosts:
        if host is not master:
            wait_for(partial(is_plain_node, host, master), TOLD_S, f"{host.name} to step down")
    assert master.daemons() == [
        "ganeti-confd",
        "ganeti-masterd",
        "ganeti-mond",
        "ganeti-noded",
        "ganeti-rapi",
    ]
    assert master.addresses() == [master.address, CLUSTER_IP]
    said = master.run("gnt-cluster", "verify").stdout
    assert "ERROR" not in said
    # Each candidate has a key that lets it in, and knows the keys of the others' machines.
    said = master.run("gnt-cluster", "command", "-M", "hostname").stdout
    assert all(f"{host.name}: {host.name}" in said for host in hosts)
    master.write("/root/note", master.name)
    master.run("gnt-cluster", "copyfile", "/root/note")
    assert {host.path("/root/note").read_text() for host in hosts} == {master.name}


def test_a_master_that_is_cut_off_is_replaced_and_steps_down(bed: Bed) -> None:
    network, hosts = bed
    first, second, third = hosts
    assert "not replicated" not in add_tag(first, "before")
    network.cut(first)
    # Alone it goes on, and says what that is worth.
    assert NOT_REPLICATED in add_tag(first, "cut-off")
    second.run("gnt-cluster", "master-failover")
    assert tags(second) == ["before"]
    assert "not replicated" not in add_tag(second, "after")
    assert NOT_REPLICATED in add_tag(first, "still-cut-off")

    network.join(first)
    check_master(second, hosts)
    assert tags(second) == ["after", "before"]
    refused = first.run("gnt-cluster", "list-tags", code=11)
    assert second.name in refused.stderr

    # In order, and back: the one that was cut off has all that it missed.
    first.run("gnt-cluster", "master-failover")
    check_master(first, hosts)
    assert tags(first) == ["after", "before"]
    assert third.addresses() == [third.address]


def test_a_hanging_master_that_keeps_the_address_is_named(bed: Bed) -> None:
    _network, hosts = bed
    first, second, _third = hosts
    pids = [first.pid(name) for name in ("ganeti-masterd", "ganeti-noded")]
    first.run("kill", "-STOP", *pids)
    said = second.run("gnt-cluster", "master-failover").stderr
    assert f"still answers at the cluster's address {CLUSTER_IP}, most likely {first.name}" in said
    # Both have it now, as was said; the hanging one gives it up as soon as it is heard of again.
    assert CLUSTER_IP in first.addresses()
    first.run("kill", "-CONT", *pids)
    check_master(second, hosts)


def test_the_side_with_fewer_machines_cannot_take_over(bed: Bed) -> None:
    network, hosts = bed
    first, _second, third = hosts
    network.cut(third)
    refused = third.run("gnt-cluster", "master-failover", code=1)
    assert "only 1 of 3 nodes answer" in refused.stderr
    network.join(third)
    add_tag(first, "goes-on")
    check_master(first, hosts)
