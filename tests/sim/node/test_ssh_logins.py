"""Logins over ssh follow the candidates, and known_hosts the nodes, whatever changes these."""

import re
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.files import write_atomic
from pyganeti.opcodes.base import Opcode
from pyganeti.opcodes.cluster import OpClusterPostInit, OpClusterRedistConf, OpClusterSetParams
from pyganeti.opcodes.node import OpNodeAdd, OpNodeRemove, OpNodeSetParams
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode
from pyganeti.testing.unwinding import assert_repeatable, assert_unwinds, interrupted

ADD = OpNodeAdd(node_name="node4")
REMOVE = OpNodeRemove(node_name="node2")
DEMOTE = OpNodeSetParams(node_name="node2", master_candidate=False, auto_promote=True)
PROMOTE = OpNodeSetParams(node_name="node3", master_candidate=True)
REDIST = OpClusterRedistConf()
SITE = "ssh-ed25519 AAAAsite admin@example.com"


def give_host_key(node: SimNode) -> None:
    place = Path(node.paths.ssh_host_dir)
    place.mkdir(parents=True, exist_ok=True)
    (place / "ssh_host_ed25519_key.pub").write_text(f"ssh-ed25519 AAAA{node.name} root@x\n")


def managed(**options: Any) -> SimCluster:  # Any: settings
    """``node3`` is no candidate, and ``node4`` may join; the site lets an administrator in."""
    given = {"candidate_pool_size": 2, "modify_ssh_setup": True, "ssh_key_type": "ecdsa"}
    cluster = SimCluster(options={**given, **options})
    cluster.set_node("node3", master_candidate=False)
    cluster.prepare_node("node4", "192.0.2.4")
    for node in cluster.nodes.values():
        give_host_key(node)
        place = Path(node.paths.ssh_dir)
        place.mkdir(parents=True)
        (place / "authorized_keys").write_text(f"{SITE}\n")
    return cluster


def unmanaged() -> SimCluster:
    return managed(modify_ssh_setup=False)


def public(node: SimNode) -> str:
    """The key that the node uses."""
    path = Path(node.paths.ssh_dir) / "id_ecdsa"
    assert path.exists()
    return path.with_suffix(".pub").read_text().strip()


def allowed(node: SimNode) -> list[str]:
    return (Path(node.paths.ssh_dir) / "authorized_keys").read_text().splitlines()


def known(node: SimNode) -> list[str]:
    path = Path(node.paths.known_hosts)
    lines = path.read_text().splitlines() if path.exists() else []
    return [re.sub(r"^(node\d),192\.0\.2\.\d ", r"\1 ", line) for line in lines]


def check(cluster: SimCluster) -> None:
    """Candidates may log in on members, nobody else may, and all hosts are known."""
    members = cluster.view.all_nodes()
    wanted = {public(cluster.nodes[one.name]) for one in members if one.master_candidate}
    hosts = [f"{one.name} ssh-ed25519 AAAA{one.name}" for one in members]
    for node in members:
        assert set(allowed(cluster.nodes[node.name])) == {SITE, *wanted}, node.name
        assert known(cluster.nodes[node.name]) == hosts, node.name


@pytest.mark.parametrize(
    "op",
    [
        OpClusterPostInit(),
        REDIST,
        ADD,
        REMOVE,
        DEMOTE,
        OpNodeSetParams(node_name="node2", offline=False, drained=True, auto_promote=True),
        OpClusterSetParams(candidate_pool_size=3),
    ],
    ids=Opcode.summary,
)
async def test_logins_follow(op: Opcode) -> None:
    cluster = managed()
    await cluster.run(REDIST)
    await cluster.run(op)
    check(cluster)
    keys = [allowed(node) for node in cluster.nodes.values()]
    await cluster.run(REDIST)
    assert [allowed(node) for node in cluster.nodes.values()] == keys


async def test_a_cluster_that_leaves_ssh_alone() -> None:
    cluster = unmanaged()
    for op in (OpClusterPostInit(), REDIST, ADD, DEMOTE, REMOVE):
        await cluster.run(op)
    for node in cluster.nodes.values():
        assert allowed(node) == [SITE]
        assert not (Path(node.paths.ssh_dir) / "id_ecdsa").exists()
        assert known(node) == []


async def test_a_removed_node_lets_nobody_in_but_whom_the_site_does() -> None:
    cluster = managed()
    await cluster.run(REDIST)
    # The site, too, had let it in: with the node goes its key.
    gone = public(cluster.nodes["node2"]).rsplit(" ", 1)[0]
    for name in ("node1", "node3"):
        path = Path(cluster.nodes[name].paths.ssh_dir) / "authorized_keys"
        path.write_text(f"{SITE}\n{gone} root@node2\n")
    await cluster.run(REMOVE)
    check(cluster)
    assert allowed(cluster.nodes["node2"]) == [SITE]
    assert known(cluster.nodes["node2"]) == []


async def test_keys_that_are_there_are_used() -> None:
    cluster = managed()
    place = Path(cluster.nodes["node2"].paths.ssh_dir)
    (place / "id_ecdsa").write_text("a private key")
    (place / "id_ecdsa.pub").write_text("ecdsa-sha2-nistp256 AAAAown root@node2\n")
    await cluster.run(REDIST)
    assert (place / "id_ecdsa").read_text() == "a private key"
    assert "ecdsa-sha2-nistp256 AAAAown ganeti:node2" in allowed(cluster.nodes["node3"])


async def test_of_a_node_that_is_down_everything_stays() -> None:
    cluster = managed()
    await cluster.run(REDIST)
    cluster.nodes["node2"].reachable = False
    job = cluster.submit(ADD)
    await cluster.finished(job)
    (said,) = (line for line in cluster.log(await job) if "could not be settled" in line)
    assert "node2" in said
    assert "redist-conf" in said
    assert public(cluster.nodes["node2"]) in allowed(cluster.nodes["node3"])
    assert "node2 ssh-ed25519 AAAAnode2" in known(cluster.nodes["node4"])
    cluster.nodes["node2"].reachable = True
    await cluster.run(REDIST)
    check(cluster)


async def test_an_offline_node_that_is_removed_cannot_log_in() -> None:
    cluster = managed()
    await cluster.run(REDIST)
    await cluster.run(OpNodeSetParams(node_name="node2", offline=True, auto_promote=True))
    await cluster.run(REMOVE)
    check(cluster)


async def test_a_machine_that_was_installed_anew_is_known_again() -> None:
    cluster = managed()
    await cluster.run(REDIST)
    place = Path(cluster.nodes["node2"].paths.ssh_dir)
    for name in ("id_ecdsa", "id_ecdsa.pub"):
        (place / name).unlink()
    host = Path(cluster.nodes["node2"].paths.ssh_host_dir) / "ssh_host_ed25519_key.pub"
    host.write_text("ssh-ed25519 AAAAanew root@x\n")
    await cluster.run(OpNodeAdd(node_name="node2", readd=True))
    assert "node2 ssh-ed25519 AAAAanew" in known(cluster.nodes["node1"])
    assert not [line for line in known(cluster.nodes["node1"]) if "AAAAnode2" in line]
    assert allowed(cluster.nodes["node3"])[1:].count(public(cluster.nodes["node2"])) == 1
    assert len(allowed(cluster.nodes["node3"])) == 3


async def test_what_ganeti_calls_the_cluster_stays_known() -> None:
    cluster = managed()
    name = cluster.view.cluster.cluster_name
    before = f"{name} ssh-rsa AAAAall\nstranger ssh-rsa AAAAold\n"
    write_atomic(cluster.nodes["node1"].paths.known_hosts, before.encode(), mode=0o644)
    await cluster.run(REDIST)
    hosts = [f"node{n} ssh-ed25519 AAAAnode{n}" for n in (1, 2, 3)]
    assert known(cluster.nodes["node2"]) == [f"{name} ssh-rsa AAAAall", *hosts]


@pytest.mark.parametrize("op", [ADD, DEMOTE], ids=Opcode.summary)
async def test_unwinds_from_every_fault_point(op: Opcode) -> None:
    # A machine that did not become a node is cleaned by the command.
    free = "node4 is no member"
    keeps = {f"node4/logins/ganeti:{name}": free for name in ("node1", "node2")}
    await assert_unwinds(managed, op, after=[REDIST], keeps=keeps)


@pytest.mark.parametrize("op", [REDIST, OpClusterPostInit()], ids=Opcode.summary)
async def test_asked_for_again_it_finishes_from_every_fault_point(op: Opcode) -> None:
    await assert_repeatable(managed, op)


async def test_a_removal_that_is_interrupted_leaves_nobody_in() -> None:
    async for cluster, way in interrupted(managed, REMOVE, after=[REDIST]):
        await cluster.run(REDIST)
        members = cluster.view.all_nodes()
        marks = {line.split()[-1] for line in allowed(cluster.nodes["node1"])} - {SITE.split()[-1]}
        assert marks == {f"ganeti:{one.name}" for one in members if one.master_candidate}, way
