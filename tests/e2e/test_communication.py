"""A guest that asks its node about itself, before and after it moves."""

import json
import os
from collections.abc import Iterator

import pytest

from pyganeti.model.communication import SERVICE_IP
from tests.e2e.own_network import own_network
from tests.e2e.test_migration import FAST, speed
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for

WEB = "web1.example.com"
PARAMETERS = f"http://{SERVICE_IP}/ganeti/latest/os/parameters.json"
DESCRIPTION = f"http://{SERVICE_IP}/ganeti/latest/meta_data.json"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes that see the same files, in a network of their own: here nobody else is asked."""
    addresses = [f"127.99.1.{number}/32" for number in (1, 2)]
    with own_network(addresses) as wrapper, virtual_cluster(size=2, wrapper=wrapper) as made:
        made.init_sharing()
        yield made


def told(cluster: Cluster, node: str, url: str) -> object:
    """What the guest is told at ``url``; asked on its console."""
    command = f"\necho ans''wer $(wget -q -O - {url}) e''nd\n".encode()
    said = cluster.console(node, WEB, r"answer (\{.*\}) end", ask=command)
    return json.loads(said.group(1))


def test_a_guest_asks_its_node_wherever_it_is(cluster: Cluster) -> None:
    cluster.gnt("cluster", "modify", "--instance-communication-network=talk")
    assert "instance communication network: talk" in cluster.gnt("cluster", "info").stdout
    assert cluster.listed("network", "name,network,group_list")[0][:2] == ["talk", "169.254.0.0/16"]
    words = ("-t", "sharedfile", "--disk", "0:size=1g", "-o", "micro+default", "-n", "node1")
    more = ("-B", "memory=128m", "--no-nics", "--ignore-ipolicy", "--communication=yes")
    cluster.gnt("instance", "add", *words, *more, WEB)
    cluster.console("node1", WEB, r"is up", ask=b"\nmicro\n")
    ((uuid,),) = cluster.listed("instance", "uuid")
    wanted = {"name": WEB, "uuid": uuid, "os": "micro+default"}
    assert told(cluster, "node1", DESCRIPTION) == wanted
    assert isinstance(told(cluster, "node1", PARAMETERS), dict)
    assert cluster.gnt("debug", "metad", "echo", "hello").stdout == "Answer: hello\n"

    speed(cluster, FAST)
    cluster.gnt("instance", "migrate", "-f", "-n", "node2", WEB)
    assert told(cluster, "node2", DESCRIPTION) == wanted

    cluster.kill9("ganeti-metad", "node2")
    cluster.run("node2", "daemon-util", "start", "ganeti-metad")
    assert told(cluster, "node2", DESCRIPTION) == wanted

    cluster.gnt("instance", "modify", "--ignore-ipolicy", "--communication=no", WEB)
    records = cluster.root("node2") / "var/run/ganeti/metadata"
    wait_for(lambda: os.listdir(records) == [], 30, "the guest to be forgotten")
    assert cluster.listed("instance", "nic.count") == [["0"]]
    cluster.gnt("cluster", "verify")
