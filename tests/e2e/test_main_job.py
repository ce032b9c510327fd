"""The main job from end to end: a cluster forms, a guest boots, answers, stops; nothing is left."""

from tests.e2e.vcluster import Cluster, interfaces, micro, wait_for

WEB = "web1.example.com"


def test_a_cluster_forms_and_boots_a_guest(cluster: Cluster, bridge_name: str) -> None:
    cluster.init()
    cluster.add_nodes()
    assert cluster.listed("node", "name,role") == [["node1", "M"], ["node2", "C"], ["node3", "C"]]

    nic = f"0:ip=192.0.2.10,mode=bridged,link={bridge_name}"
    cluster.gnt("instance", "add", *micro("node2"), "--net", nic, WEB)
    assert cluster.listed("instance", "name,pnode,status") == [[WEB, "node2", "running"]]
    said = cluster.console("node2", WEB, r"micro: (\S+) is up, address (\S+),", ask=b"\nmicro\n")
    assert said.groups() == (WEB, "192.0.2.10")
    assert len(interfaces(bridge_name)) == 1
    cluster.gnt("cluster", "verify")

    cluster.gnt("instance", "shutdown", WEB)
    assert cluster.guests() == []
    assert cluster.listed("instance", "status") == [["ADMIN_down"]]
    cluster.gnt("instance", "remove", "--force", WEB)
    assert cluster.images() == []
    assert cluster.runtime_files() == []
    assert interfaces(bridge_name) == set()

    for node in ("node2", "node3"):
        cluster.gnt("node", "remove", node)
    cluster.gnt("cluster", "destroy", "--yes-do-it")
    wait_for(lambda: not cluster.processes(), 10, "every daemon to end")
    assert not (cluster.root("node1") / "var/lib/ganeti/server.pem").exists()


def test_a_guest_outlives_every_daemon(cluster: Cluster) -> None:
    cluster.init()
    cluster.add_nodes()
    cluster.gnt("instance", "add", *micro("node2"), "--no-nics", "--ignore-ipolicy", WEB)
    first = cluster.guest_uptime("node2", WEB)
    cluster.stop_daemons()
    cluster.start_daemons()
    for node in cluster.nodes:
        cluster.kill9("ganeti-noded", node)
    cluster.kill9("ganeti-masterd")
    cluster.start_daemons()
    assert cluster.listed("instance", "name,status") == [[WEB, "running"]]
    assert cluster.guest_uptime("node2", WEB) > first
    cluster.gnt("instance", "shutdown", WEB)
    assert cluster.guests() == []


def test_reinstall_gives_a_fresh_guest(cluster: Cluster) -> None:
    cluster.init()
    cluster.gnt("instance", "add", *micro("node1"), "--no-nics", "--ignore-ipolicy", WEB)
    cluster.console("node1", WEB, r"written", ask=b"\necho it > /mark; sync; echo writ''ten\n")
    cluster.gnt("instance", "shutdown", WEB)
    cluster.gnt("instance", "reinstall", "--force", WEB)
    cluster.gnt("instance", "startup", WEB)
    cluster.console("node1", WEB, r"no such: 1", ask=b"\ntest -e /mark; echo no such: $?\n")
