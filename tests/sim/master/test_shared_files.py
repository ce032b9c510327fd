"""Keys and secrets that all nodes have alike reach all of them, and nobody else's files change."""

import os

from pyganeti.kit.files import read_bytes
from pyganeti.kit.paths import Paths
from pyganeti.master.distribution import DELAY_S, RETRY_S
from pyganeti.opcodes.cluster import OpClusterRedistConf
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode

KEY, SECRET = b"a-key\n", b"a-secret\n"


def write(node: SimNode, path: str, content: bytes) -> None:
    with open(f"{node.paths.rootdir}{path}", "wb") as handle:
        handle.write(content)


def read(cluster: SimCluster, path: str) -> list[bytes | None]:
    """What each node has."""
    return [read_bytes(f"{node.paths.rootdir}{path}") for node in cluster.nodes.values()]


def keyed() -> SimCluster:
    """The master has two of the files that all nodes have alike."""
    cluster = SimCluster()
    write(cluster.nodes["node1"], Paths().hmac_key, KEY)
    write(cluster.nodes["node1"], Paths().domain_secret, SECRET)
    return cluster


async def started(cluster: SimCluster) -> None:
    await cluster.master()
    await cluster.clock.sleep(DELAY_S + 1.0)


async def test_a_master_brings_them_once() -> None:
    cluster = keyed()
    await started(cluster)
    assert read(cluster, Paths().hmac_key) == [KEY] * 3
    assert read(cluster, Paths().domain_secret) == [SECRET] * 3
    # What the master has not is not taken from the others.
    write(cluster.nodes["node2"], Paths().spice_pem, b"its own")
    write(cluster.nodes["node2"], Paths().hmac_key, b"changed by somebody")
    await cluster.mark_node("node3", ndparams={"ssh_port": 2222})
    await cluster.clock.sleep(RETRY_S)
    assert read(cluster, Paths().hmac_key) == [KEY, b"changed by somebody", KEY]
    assert read(cluster, Paths().spice_pem) == [None, b"its own", None]


async def test_redist_conf_brings_what_changed_and_lets_the_rest_be() -> None:
    cluster = keyed()
    await started(cluster)
    kept = os.stat(f"{cluster.nodes['node2'].paths.rootdir}{Paths().domain_secret}").st_ino
    write(cluster.nodes["node1"], Paths().hmac_key, b"another\n")
    await cluster.run(OpClusterRedistConf())
    assert read(cluster, Paths().hmac_key) == [b"another\n"] * 3
    assert os.stat(f"{cluster.nodes['node2'].paths.rootdir}{Paths().domain_secret}").st_ino == kept


async def test_a_node_that_was_down_is_named_and_gets_them_when_it_answers() -> None:
    cluster = keyed()
    cluster.nodes["node3"].reachable = False
    submitted = cluster.submit(OpClusterRedistConf())
    await cluster.finished(submitted)
    assert "node3 could not be told" in " ".join(cluster.log(submitted.result()))
    assert read(cluster, Paths().hmac_key) == [KEY, KEY, None]
    cluster.nodes["node3"].reachable = True
    await cluster.clock.sleep(2 * RETRY_S)
    assert read(cluster, Paths().hmac_key) == [KEY] * 3


async def test_a_node_that_is_marked_offline_gets_them_when_it_is_back() -> None:
    cluster = keyed()
    cluster.set_node("node3", offline=True, master_candidate=False)
    await started(cluster)
    assert read(cluster, Paths().hmac_key) == [KEY, KEY, None]
    await cluster.mark_node("node3", offline=False)
    await cluster.clock.sleep(RETRY_S)
    assert read(cluster, Paths().hmac_key) == [KEY] * 3


async def test_a_file_that_cannot_be_read_is_told_and_stops_nothing() -> None:
    cluster = keyed()
    os.unlink(cluster.nodes["node1"].paths.hmac_key)
    os.mkdir(cluster.nodes["node1"].paths.hmac_key)
    submitted = cluster.submit(OpClusterRedistConf())
    await cluster.finished(submitted)
    assert "hmac.key" in " ".join(cluster.log(submitted.result()))
    os.rmdir(cluster.nodes["node1"].paths.hmac_key)
    await cluster.clock.sleep(2 * RETRY_S)
    assert read(cluster, Paths().domain_secret) == [SECRET] * 3
