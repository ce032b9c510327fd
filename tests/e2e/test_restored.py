"""A copy of what a node keeps is put back: later, or on a new machine."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from tests.e2e.failing_over import check_one_master, fail_over, of_node
from tests.e2e.footprint import data_dir
from tests.e2e.refusing import FAILURE, NOT_MASTER, reason
from tests.e2e.test_replication import wait_equal
from tests.e2e.vcluster import MASTER, NAME, Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

CANDIDATES = ("node2", "node3")


def founded(cluster: Cluster) -> None:
    """A cluster of all its nodes, with a tag that says when."""
    cluster.init(hypervisor="fake")
    cluster.add_nodes()
    cluster.gnt("cluster", "add-tags", "backed-up")
    wait_equal(cluster, *cluster.nodes[1:])


def daemon_util(cluster: Cluster, node: str, action: str, *words: str) -> None:
    done = cluster.run(node, "daemon-util", action, *words)
    assert done.returncode == 0, done.stderr


def make_copy(cluster: Cluster, node: str) -> Path:
    """Copy what a node keeps, as ganeti(7) says; its daemons are stopped."""
    copy = cluster.base / f"backup-of-{node}"
    shutil.copytree(data_dir(cluster, node), copy, symlinks=True)
    return copy


def back_up(cluster: Cluster, node: str = MASTER) -> Path:
    """Stop a node's daemons, copy what it keeps, and let it go on."""
    daemon_util(cluster, node, "stop-all")
    copy = make_copy(cluster, node)
    daemon_util(cluster, node, "start-all")
    return copy


def put_back(cluster: Cluster, copy: Path, node: str = MASTER) -> None:
    """Replace what a node keeps by the copy; its daemons are left stopped."""
    daemon_util(cluster, node, "stop-all")
    shutil.rmtree(data_dir(cluster, node))
    shutil.copytree(copy, data_dir(cluster, node), symlinks=True)


def lose(cluster: Cluster, node: str) -> None:
    """Cut the power of a machine and take its disk away."""
    pids = of_node(cluster, node)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not set(pids) & set(cluster.processes()), 10, f"{node} to be off")
    shutil.rmtree(cluster.root(node))


def replace(cluster: Cluster, node: str, copy: Path) -> None:
    """A new machine of the same name and address, with the copy put in its place."""
    cluster.make(NAME)
    cluster.add_os(CHECKOUT / "os" / "micro")
    put_back(cluster, copy, node)


def tags(cluster: Cluster) -> list[str]:
    return cluster.gnt("cluster", "list-tags").stdout.split()


def check_works(cluster: Cluster) -> None:
    """It takes changes, all candidates have them, and all is in order."""
    cluster.gnt("cluster", "add-tags", "works")
    wait_equal(cluster, *cluster.nodes[1:])
    cluster.gnt("cluster", "verify")


def check_refuses(cluster: Cluster) -> str:
    """The master daemon does not start, in one line; what the line says."""
    daemon_util(cluster, MASTER, "start", "ganeti-noded")
    done = cluster.run(MASTER, "ganeti-masterd", "-f")
    assert done.returncode == FAILURE, done.stderr
    return reason(done)


def go_on_and_put_back(cluster: Cluster) -> None:
    """Back up, change more, and put the copy back: the candidates have what it lacks."""
    founded(cluster)
    copy = back_up(cluster)
    cluster.gnt("cluster", "add-tags", "later")
    wait_equal(cluster, *CANDIDATES)
    put_back(cluster, copy)


def test_an_older_one_is_refused_and_a_candidate_takes_over() -> None:
    with virtual_cluster() as cluster:
        go_on_and_put_back(cluster)
        said = check_refuses(cluster)
        for text in ("candidate node", "is older", "master-failover", "--take-config-file"):
            assert text in said
        # What the candidates have counts: none of it is lost.
        fail_over(cluster, "node2")
        assert tags(cluster) == ["backed-up", "later"]
        check_one_master(cluster)
        wait_equal(cluster, MASTER, "node3")
        cluster.gnt("cluster", "verify")
        fail_over(cluster, MASTER)
        check_works(cluster)


def test_an_older_one_is_gone_back_to_on_purpose() -> None:
    with virtual_cluster() as cluster:
        go_on_and_put_back(cluster)
        check_refuses(cluster)
        assert cluster.run(MASTER, "ganeti-masterd", "--take-config-file").returncode == 0
        daemon_util(cluster, MASTER, "start-all")
        assert tags(cluster) == ["backed-up"]
        check_works(cluster)
        # It holds from now on, whoever is the master.
        fail_over(cluster, "node3")
        assert tags(cluster) == ["backed-up", "works"]


def test_one_candidate_that_answers_is_enough_to_object() -> None:
    with virtual_cluster() as cluster:
        go_on_and_put_back(cluster)
        daemon_util(cluster, "node2", "stop-all")
        assert "candidate node3 has change" in check_refuses(cluster)


def test_a_new_machine_takes_the_place_of_the_lost_master() -> None:
    with virtual_cluster() as cluster:
        founded(cluster)
        copy = back_up(cluster)
        lose(cluster, MASTER)
        fail_over(cluster, "node2")
        cluster.gnt("cluster", "add-tags", "later")
        replace(cluster, MASTER, copy)
        # By what it finds in its own files it is the master.
        daemon_util(cluster, MASTER, "start-all")
        check_one_master(cluster)
        check_works(cluster)
        fail_over(cluster, MASTER)
        assert tags(cluster) == ["backed-up", "later", "works"]


def test_all_nodes_start_from_copies_of_one_moment() -> None:
    with virtual_cluster() as cluster:
        founded(cluster)
        cluster.stop_daemons()
        copies = {node: make_copy(cluster, node) for node in cluster.nodes}
        cluster.start_daemons()
        cluster.gnt("cluster", "add-tags", "later")
        cluster.stop_daemons()
        for node, copy in copies.items():
            lose(cluster, node)
            replace(cluster, node, copy)
        cluster.start_daemons()
        assert tags(cluster) == ["backed-up"]
        check_works(cluster)


def test_the_only_node_starts_from_an_older_one() -> None:
    with virtual_cluster(size=1) as cluster:
        founded(cluster)
        copy = back_up(cluster)
        cluster.gnt("cluster", "add-tags", "later")
        lose(cluster, MASTER)
        replace(cluster, MASTER, copy)
        daemon_util(cluster, MASTER, "start-all")
        assert tags(cluster) == ["backed-up"]
        check_works(cluster)


def test_a_machine_of_another_name_is_told_whose_it_is() -> None:
    with virtual_cluster(size=2) as cluster:
        founded(cluster)
        copy = back_up(cluster)
        put_back(cluster, copy, "node2")
        done = cluster.run("node2", "ganeti-masterd", "-f")
        assert done.returncode == NOT_MASTER
        assert reason(done) == "ganeti-masterd: this is node2, the master is node1"


def test_a_candidate_from_an_older_one_catches_up() -> None:
    with virtual_cluster() as cluster:
        founded(cluster)
        copy = back_up(cluster, "node2")
        cluster.gnt("cluster", "add-tags", "later")
        put_back(cluster, copy, "node2")
        daemon_util(cluster, "node2", "start-all")
        check_works(cluster)
        fail_over(cluster, "node2")
        assert tags(cluster) == ["backed-up", "later", "works"]
