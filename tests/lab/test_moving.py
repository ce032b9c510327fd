"""An instance on DRBD moves between machines while its guest counts; a machine is lost."""

import json
from typing import Final

from tests.lab.drbd_cluster import SMALL, WEB1, DrbdCluster, whole
from tests.lab.guest import Guest
from tools.lab.nodes import Bed, Node

GUEST: Final = Guest(WEB1)


def mark_offline(cluster: DrbdCluster, node: Node) -> None:
    """Say that a machine is down: in the configuration's file, which the master is told to take."""
    master, path = cluster.master, "/var/lib/ganeti/config.data"
    master.run("daemon-util stop ganeti-masterd")
    config = json.loads(master.run(f"cat {path}"))
    for known in config["nodes"].values():
        if known["name"] == cluster.full_name(node):
            known.update(offline=True, master_candidate=False)
    master.put({path: json.dumps(config).encode()})
    master.run("ganeti-masterd --take-config-file", timeout_s=120)
    # Half of two nodes is no majority.
    master.run("ganeti-masterd --no-voting --yes-do-it", timeout_s=120)


def roles(cluster: DrbdCluster) -> list[str]:
    return [str(cluster.state(node)["role"]) for node in cluster.nodes]


def test_a_guest_moves_with_its_mirror_and_survives_its_machine(lab: Bed) -> None:
    cluster = DrbdCluster.formed(lab, 2)
    one, two = cluster.nodes
    pair = ":".join(cluster.full_name(node) for node in (one, two))
    cluster.gnt("instance", "add", "-t", "drbd", "--disk", "0:size=64m", *SMALL,
                "-o", "micro+default", "-n", pair, WEB1)  # fmt: skip
    GUEST.is_up(one)
    GUEST.count(one)
    counted = GUEST.counted(one)
    assert counted.wrong == 0

    for target, wanted in ((two, ["Secondary", "Primary"]), (one, ["Primary", "Secondary"])):
        cluster.gnt("instance", "migrate", "-f", WEB1)
        assert roles(cluster) == wanted
        assert whole(cluster.state(target))
        before, counted = counted, GUEST.counted(target)
        assert (counted.wrong, counted.boot) == (0, before.boot)
        assert counted.lines > before.lines
        cluster.gnt("cluster", "verify")

    cluster.gnt("instance", "failover", "-f", "--shutdown-timeout=60", WEB1)
    assert roles(cluster) == ["Secondary", "Primary"]
    GUEST.is_up(two)
    before, counted = counted, GUEST.counted(two)
    assert counted.wrong == 0
    assert counted.lines >= before.lines

    GUEST.count(two)
    before = GUEST.counted(two)
    two.cut_power()
    mark_offline(cluster, two)
    cluster.gnt("instance", "failover", "-f", WEB1)
    assert cluster.listed("instance", "name,pnode,status") == [
        [WEB1, cluster.full_name(one), "running"]
    ]
    GUEST.is_up(one)
    counted = GUEST.counted(one)
    assert counted.wrong == 0
    assert counted.lines >= before.lines
