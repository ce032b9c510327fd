"""gnt-cluster renew-crypto on real daemons: who answers goes on, what was is refused."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.footprint import data_dir
from tests.e2e.test_security import NOT_ADMITTED, call
from tests.e2e.vcluster import NAME, Cluster, virtual_cluster, wait_for

KINDS = {
    "--new-cluster-certificate": {"ca.pem", "client.pem", "server.pem"},
    "--new-node-certificates": {"client.pem", "server.pem"},
    "--new-rapi-certificate": {"rapi.pem"},
    "--new-spice-certificate": {"spice.pem", "spice-ca.pem"},
    "--new-confd-hmac-key": {"hmac.key"},
    "--new-cluster-domain-secret": {"cluster-domain-secret"},
}
KEYS = ("ca.key", *sorted(set().union(*KINDS.values())))
FILE_INFO: dict[str, object] = {"file_path": "/etc/hosts"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Node 3 is no candidate."""
    with virtual_cluster() as made:
        made.init("--candidate-pool-size=2", hypervisor="fake")
        made.add_nodes()
        assert [row[1] for row in made.listed("node", "name,role")] == ["M", "C", "R"]
        yield made


def files(cluster: Cluster, node: str) -> dict[str, bytes]:
    """Keys and certificates of a node."""
    paths = {name: data_dir(cluster, node) / name for name in KEYS}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def renew(cluster: Cluster, *words: str) -> str:
    done = cluster.gnt("cluster", "renew-crypto", "-f", *words)
    return done.stdout + done.stderr


def check(cluster: Cluster) -> None:
    """Every node answers, and every candidate is admitted by every node."""
    cluster.gnt("cluster", "verify")
    for row in cluster.listed("node", "name,role,mfree"):
        assert row[2].isdigit(), row
    for caller in ("node1", "node2"):
        for node in cluster.nodes:
            own = data_dir(cluster, caller) / "client.pem"
            assert call(cluster, "get_file_info", FILE_INFO, certificate=own, node=node)[0] == 200


@pytest.mark.parametrize("option", KINDS)
def test_each_kind_alone(cluster: Cluster, option: str, tmp_path: Path) -> None:
    pids = {node: cluster.pid("ganeti-noded", node) for node in cluster.nodes}
    before = {node: files(cluster, node) for node in cluster.nodes}
    kept = tmp_path / "kept.pem"
    kept.write_bytes(before["node2"]["client.pem"])
    assert "Warning" not in renew(cluster, option)
    check(cluster)
    for node in cluster.nodes:
        found = files(cluster, node)
        keys = {"ca.key"} if option == "--new-cluster-certificate" and node != "node3" else set()
        changed = {name for name, content in found.items() if before[node].get(name) != content}
        assert changed == KINDS[option] | keys
        # Nobody was stopped for it.
        assert cluster.pid("ganeti-noded", node) == pids[node]
    if "client.pem" in KINDS[option]:
        refused(cluster, kept)


def refused(cluster: Cluster, certificate: Path) -> None:
    """No node believes who shows ``certificate``."""
    for node in cluster.nodes:
        try:
            status = call(cluster, "get_file_info", FILE_INFO, certificate=certificate, node=node)
        except OSError as err:
            print(f"{node}: {err}")
        else:
            assert status[0] == NOT_ADMITTED


def test_all_together_under_running_jobs(cluster: Cluster) -> None:
    cluster.gnt("debug", "delay", "--submit", "3")
    cluster.gnt("instance", "add", "-t", "diskless", "-o", "micro+default", "-n", "node3",
                "--no-nics", "--no-install", "--ignore-ipolicy", "web1.example.com")  # fmt: skip
    cluster.gnt("instance", "startup", "web1.example.com")
    assert "Warning" not in renew(cluster, *KINDS)
    check(cluster)
    assert cluster.listed("instance", "name,status") == [["web1.example.com", "running"]]
    cluster.gnt("instance", "remove", "-f", "web1.example.com")
    # Daemons that start now have what those that run have.
    cluster.gnt("node", "list")
    for node in cluster.nodes:
        cluster.run(node, "daemon-util", "stop", "ganeti-noded")
        cluster.run(node, "daemon-util", "start", "ganeti-noded")
    cluster.kill9("ganeti-masterd")
    cluster.start_daemons()
    check(cluster)


def test_no_secret_is_said_or_logged(cluster: Cluster) -> None:
    said = renew(cluster, "-d", "-v", *KINDS)
    secrets = {
        line
        for node in cluster.nodes
        for content in files(cluster, node).values()
        for line in content.splitlines()
        if not line.startswith(b"-----") and len(line) >= 40
    }
    public = {
        line
        for name in ("ca.pem", "spice-ca.pem")
        for line in files(cluster, "node1")[name].splitlines()
    }
    assert len(secrets - public) > 10
    for path in cluster.base.rglob("*"):
        if path.is_file() and path.name not in KEYS:
            content = path.read_bytes()
            assert not [line for line in secrets - public if line in content], path
    assert not [line for line in secrets if line.decode() in said]


def test_a_node_that_was_down_is_named_and_taken_in_again(cluster: Cluster) -> None:
    cluster.kill9("ganeti-noded", "node3")
    said = renew(cluster, *KINDS)
    assert "gnt-node add --readd node3" in said
    assert "--readd node2" not in said
    cluster.start_daemons()
    assert cluster.listed("node", "name,mfree")[2] == ["node3", "?"]
    cluster.gnt("node", "add", "--readd", "--no-ssh-key-check", "node3")
    check(cluster)
    assert files(cluster, "node3")["hmac.key"] == files(cluster, "node1")["hmac.key"]


def test_shared_files_reach_a_node_that_was_down_by_themselves(cluster: Cluster) -> None:
    cluster.kill9("ganeti-noded", "node2")
    said = renew(cluster, "--new-confd-hmac-key")
    assert "node2 could not be told" in said
    cluster.start_daemons()
    wanted = files(cluster, "node1")["hmac.key"]
    wait_for(lambda: files(cluster, "node2")["hmac.key"] == wanted, 60, "the key on node 2")
    check(cluster)


def authorities(cluster: Cluster, node: str) -> int:
    return files(cluster, node)["ca.pem"].count(b"BEGIN CERTIFICATE")


def test_a_master_that_is_killed_in_the_middle_goes_on_and_finishes(cluster: Cluster) -> None:
    stopped = cluster.pid("ganeti-noded", "node3")
    os.kill(stopped, signal.SIGSTOP)
    words = ("cluster", "renew-crypto", "-f", "--new-cluster-certificate")
    command = Thread(target=lambda: cluster.gnt(*words, code=None))
    try:
        command.start()
        wait_for(lambda: authorities(cluster, "node2") == 2, 60, "node 2 to trust both")
        cluster.kill9("ganeti-masterd")
    finally:
        os.kill(stopped, signal.SIGCONT)
    command.join()
    cluster.start_daemons()
    check(cluster)
    assert (data_dir(cluster, "node1") / "ca-next.pem").exists()
    assert "Warning" not in renew(cluster, "--new-cluster-certificate")
    check(cluster)
    assert [authorities(cluster, node) for node in cluster.nodes] == [1, 1, 1]
    assert not (data_dir(cluster, "node1") / "ca-next.pem").exists()


def test_new_ssh_keys() -> None:
    with virtual_cluster(size=2) as made:
        made.make(NAME)
        given = ["--no-etc-hosts", "--master-netdev=lo", "--enabled-hypervisors=fake"]
        made.gnt("cluster", "init", *given, "--enabled-disk-templates=diskless", NAME)
        made.add_nodes()
        words = ("--new-ssh-keys", "--ssh-key-type=ecdsa", "--ssh-key-bits=256")
        assert "Warning" not in renew(made, *words)
        places = [made.root(node) / "root/.ssh" for node in made.nodes]
        keys = [(place / "id_ecdsa.pub").read_text() for place in places]
        assert [(place / "authorized_keys").read_text() for place in places] == ["".join(keys)] * 2
        assert made.gnt("cluster", "info").stdout.count("ssh_key_type: ecdsa") == 1
        assert "Warning" not in renew(made, *words, "--new-node-certificates")
        assert (places[1] / "id_ecdsa.pub").read_text() != keys[1]
        private = (places[1] / "id_ecdsa").read_text().splitlines()[1]
        for path in made.base.rglob("*"):
            if path.is_file() and path.name != "id_ecdsa":
                assert private.encode() not in path.read_bytes()
        made.gnt("cluster", "verify")
