"""Disks change their templates and their nodes, on real volumes and DRBD; their content stays."""

from typing import Final

from tests.lab.cluster import STORAGE
from tests.lab.drbd_cluster import SMALL, WEB1, DrbdCluster
from tests.lab.guest import Guest
from tools.lab.nodes import Bed, Node

SIZE: Final = 64 * 1024 * 1024


def content(node: Node, pattern: str) -> str:
    """Checksum of what a guest finds on its only disk."""
    return node.run(f"head -c {SIZE} {pattern} | sha256sum | cut -d' ' -f1")


def volumes(node: Node) -> dict[str, set[str]]:
    """Names of the volumes of a node, and whose they are."""
    lines = node.run("lvs --noheadings -o lv_name,lv_tags xenvg").splitlines()
    return {name: set(tags.split(",")) for name, tags in map(str.split, lines)}


def test_disks_change_their_template_and_keep_their_content(lab: Bed) -> None:
    cluster = DrbdCluster.formed(lab, 2)
    one, two = cluster.nodes
    cluster.gnt("cluster", "modify", "--enabled-disk-templates=drbd,plain,file")
    second = cluster.full_name(two)
    cluster.gnt("instance", "add", "-t", "plain", "--disk", "0:size=64m", *SMALL,
                "-o", "micro+default", "-n", cluster.full_name(one), WEB1)  # fmt: skip
    Guest(WEB1).is_up(one)
    cluster.gnt("instance", "shutdown", WEB1)
    first, before = content(one, "/dev/xenvg/*"), volumes(one)

    said = cluster.gnt("instance", "modify", "--ignore-ipolicy", "-t", "drbd", "-n", second, WEB1)
    assert "disks are in sync" in said
    assert before.items() < volumes(one).items()
    assert [content(node, "/dev/xenvg/*.disk0") for node in (one, two)] == [first, first]
    assert [node.run("drbdsetup show") for node in (one, two)] == ["", ""]
    cluster.gnt("instance", "startup", WEB1)
    Guest(WEB1).is_up(one)
    cluster.gnt("instance", "failover", "-f", WEB1)
    Guest(WEB1).is_up(two)
    cluster.gnt("instance", "shutdown", WEB1)
    changed = content(two, "/dev/xenvg/*.disk0")
    assert changed != first
    cluster.gnt("cluster", "verify")

    for words, place in (
        (("plain",), "/dev/xenvg/*"),
        (("file",), f"{STORAGE}/*/*"),
        (("drbd", "-n", cluster.full_name(one)), "/dev/xenvg/*_data"),
        (("file",), f"{STORAGE}/*/*"),
        (("plain",), "/dev/xenvg/*"),
    ):
        cluster.gnt("instance", "modify", "--ignore-ipolicy", "-t", *words, WEB1)
        assert content(two, place) == changed, words
        assert len(volumes(one)) == (2 if words[0] == "drbd" else 0)
    assert two.run(f"ls {STORAGE}") == ""

    cluster.gnt("instance", "startup", WEB1)
    Guest(WEB1).is_up(two)
    cluster.gnt("instance", "shutdown", WEB1)
    changed = content(two, "/dev/xenvg/*")
    cluster.gnt("instance", "move", "-f", "-n", cluster.full_name(one), WEB1)
    assert content(one, "/dev/xenvg/*") == changed
    assert volumes(two) == {}
    cluster.gnt("instance", "startup", WEB1)
    Guest(WEB1).is_up(one)
    cluster.gnt("cluster", "verify")
