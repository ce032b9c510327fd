"""Two nodes, of which one dies: half is no majority, so somebody has to say what counts."""

import os
import shutil
import signal
from contextlib import suppress

from tests.e2e.failing_over import boot, check_one_master, cut_power, fail_over, of_node
from tests.e2e.test_replication import stop, wait_equal
from tests.e2e.vcluster import Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

WEB = "web1.example.com"
ALLOCATOR = CHECKOUT / "tests" / "e2e" / "allocators" / "other"


def add_guest(cluster: Cluster, node: str) -> None:
    cluster.gnt(
        "instance", "add", "-t", "diskless", "-o", "micro+default", "--no-install", "--no-nics",
        "--ignore-ipolicy", "-n", node, WEB,
    )  # fmt: skip
    cluster.gnt("instance", "startup", WEB)


def put_allocator(cluster: Cluster) -> None:
    """Give the master an allocator that knows where there is another node."""
    place = cluster.root(cluster.master) / "usr/local/lib/ganeti/iallocators" / ALLOCATOR.name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ALLOCATOR, place)


def where(cluster: Cluster) -> list[list[str]]:
    return cluster.listed("instance", "pnode,admin_state,oper_state")


def start_master(cluster: Cluster, *options: str) -> tuple[int, str]:
    """Start the master daemon; exit code and what was said."""
    words = ("start", "ganeti-masterd", *(["--", *options] if options else []))
    done = cluster.run(cluster.master, "daemon-util", *words)
    return done.returncode, done.stderr


def test_the_other_node_dies_and_comes_back() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        wait_equal(cluster, "node2")
        add_guest(cluster, "node2")
        for pid in of_node(cluster, "node2"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # Where the fake hypervisor keeps its guests is empty after a boot.
        (cluster.root("node2") / "var/run/ganeti/fake-hypervisor" / WEB).unlink()
        # The master goes on, and says that nobody else has what it promises.
        said = cluster.gnt("cluster", "add-tags", "alone")
        assert "not replicated: 1 of 2 " in said.stdout + said.stderr
        cluster.gnt("node", "modify", "--offline=yes", "node2")
        put_allocator(cluster)
        cluster.gnt("node", "failover", "--force", "-I", ALLOCATOR.name, "node2")
        assert where(cluster) == [["node1", "up", "Y"]]

        cluster.kill9("ganeti-masterd")
        code, why = start_master(cluster)
        assert code == 1
        assert "1 of 2 nodes accept this master, a majority is needed" in why
        code, why = start_master(cluster, "--no-voting")
        assert (code, "give --yes-do-it as well" in why) == (1, True)
        code, why = start_master(cluster, "--no-voting", "--yes-do-it")
        assert code == 0, why
        assert where(cluster) == [["node1", "up", "Y"]]

        assert cluster.run("node2", "daemon-util", "start", "ganeti-noded").returncode == 0
        cluster.gnt("node", "modify", "--offline=no", "node2")
        cluster.gnt("node", "modify", "--master-candidate=yes", "node2")
        wait_equal(cluster, "node2")
        cluster.gnt("cluster", "redist-conf")
        cluster.gnt("cluster", "verify")
        # With both it starts by itself again.
        stop_master(cluster)
        code, why = start_master(cluster)
        assert code == 0, why


def stop_master(cluster: Cluster) -> None:
    assert cluster.run(cluster.master, "daemon-util", "stop", "ganeti-masterd").returncode == 0


def test_the_master_dies_and_comes_back() -> None:
    with virtual_cluster(size=2) as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        wait_equal(cluster, "node2")
        cluster.gnt("cluster", "add-tags", "before")
        cut_power(cluster)
        refused = cluster.gnt("cluster", "master-failover", node="node2", code=1)
        assert "only 1 of 2 nodes answer" in refused.stderr
        asked = cluster.gnt("cluster", "master-failover", "--no-voting", node="node2", code=1)
        assert asked.stdout == ""
        fail_over(cluster, "node2", voting=False)
        assert cluster.gnt("cluster", "list-tags").stdout == "before\n"

        cluster.gnt("node", "modify", "--offline=yes", "node1")
        # It was started without a vote, and has to be again.
        cluster.kill9("ganeti-masterd", "node2")
        code, why = start_master(cluster, "--no-voting", "--yes-do-it")
        assert code == 0, why

        boot(cluster)
        again = cluster.gnt("cluster", "master-failover", node="node1", code=1)
        assert "is already the master" in again.stderr
        cluster.gnt("node", "modify", "--offline=no", "node1")
        cluster.gnt("node", "modify", "--master-candidate=yes", "node1")
        check_one_master(cluster)
        wait_equal(cluster, "node1")
        cluster.gnt("cluster", "verify")
        cluster.kill9("ganeti-masterd", "node2")
        code, why = start_master(cluster)
        assert code == 0, why
        fail_over(cluster, "node1")
        check_one_master(cluster)


def test_refusals_change_nothing() -> None:
    with virtual_cluster() as cluster:
        cluster.init(hypervisor="fake")
        cluster.add_nodes()
        wait_for(lambda: masters_of(cluster) == {"node1"}, 10, "all to know the master")
        refused = cluster.gnt("cluster", "master-failover", code=1)
        assert "Failure: prerequisites not met for this operation:\nerror type: wrong_input" in (
            refused.stderr
        )
        assert "node1 is already the master" in refused.stderr
        for node in ("node1", "node3"):
            stop(cluster, node)
        refused = cluster.gnt("cluster", "masterfailover", node="node2", code=1)
        assert "error type: environment_error" in refused.stderr
        assert "only 1 of 3 nodes answer" in refused.stderr
        for node in ("node1", "node3"):
            assert cluster.run(node, "daemon-util", "start", "ganeti-noded").returncode == 0
        cluster.gnt("cluster", "add-tags", "goes-on")
        cluster.gnt("cluster", "verify")


def masters_of(cluster: Cluster) -> set[str]:
    """Whom the nodes name."""
    paths = cluster.base.glob("node*/var/lib/ganeti/ssconf_master_node")
    return {path.read_text().strip() for path in paths}
