"""OP_CLUSTER_RENEW_CRYPTO, renew_ssh_keys: the key in use is allowed everywhere at any time."""

from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.enums import SshKeyType
from pyganeti.model.errors import ECode
from pyganeti.opcodes.cluster import OpClusterRenewCrypto
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode
from pyganeti.testing.unwinding import assert_repeatable, interrupted
from tests.sim.asserting import assert_refused, make_op

EC: dict[str, Any] = {"ssh_key_type": SshKeyType.ECDSA, "ssh_key_bits": 256}
OP = OpClusterRenewCrypto(renew_ssh_keys=True, **EC)
SITE = "ssh-ed25519 AAAAsite admin@example.com"


def place(node: SimNode) -> Path:
    return Path(node.paths.ssh_dir)


def managed(**options: Any) -> SimCluster:  # Any: settings
    """Nodes have keys as Ganeti makes them; ``node3`` is no candidate."""
    given = {"candidate_pool_size": 2, "modify_ssh_setup": True, **options}
    cluster = SimCluster(options=given)
    cluster.set_node("node3", master_candidate=False)
    former = {name: f"ssh-rsa AAAA{name} root@{name}" for name in cluster.nodes}
    for name, node in cluster.nodes.items():
        place(node).mkdir(parents=True)
        (place(node) / "id_rsa").write_text("a private key")
        (place(node) / "id_rsa.pub").write_text(f"{former[name]}\n")
        lines = [SITE, former["node1"], former["node2"]]
        (place(node) / "authorized_keys").write_text("\n".join(lines) + "\n")
    return cluster


def public(node: SimNode) -> str:
    """The key that the node uses."""
    (path,) = (one for one in place(node).glob("id_*.pub") if "ganeti" not in one.name)
    return path.read_text().strip()


def allowed(node: SimNode) -> list[str]:
    return (place(node) / "authorized_keys").read_text().splitlines()


def check_logins(cluster: SimCluster) -> None:
    """Every candidate may log in everywhere."""
    for candidate in ("node1", "node2"):
        for node in cluster.nodes.values():
            assert public(cluster.nodes[candidate]) in allowed(node), (candidate, node.name)


async def test_candidates_may_log_in_with_new_keys_and_nobody_with_former_ones() -> None:
    cluster = managed()
    await cluster.run(OP)
    new = [public(cluster.nodes[name]) for name in ("node1", "node2")]
    for node in cluster.nodes.values():
        assert allowed(node) == [SITE, *new]
        assert sorted(path.name for path in place(node).iterdir()) == [
            "authorized_keys", "id_ecdsa", "id_ecdsa.pub",
        ]  # fmt: skip
    # Private keys are made where they are used, and differ.
    assert len({(place(node) / "id_ecdsa").read_bytes() for node in cluster.nodes.values()}) == 3
    recorded = cluster.view.cluster
    assert (recorded.ssh_key_type, recorded.ssh_key_bits) == (SshKeyType.ECDSA, 256)


async def test_their_kind_stays_unless_another_is_named() -> None:
    cluster = managed(ssh_key_type="ecdsa", ssh_key_bits=521)
    await cluster.run(OpClusterRenewCrypto(renew_ssh_keys=True))
    assert cluster.view.cluster.ssh_key_bits == 521
    assert public(cluster.nodes["node1"]).startswith("ecdsa-sha2-nistp521 ")


async def test_together_with_certificates() -> None:
    cluster = managed()
    cluster.certify()
    before = cluster.nodes["node1"].digest
    await cluster.run(OpClusterRenewCrypto(renew_ssh_keys=True, node_certificates=True, **EC))
    assert cluster.nodes["node1"].digest != before
    check_logins(cluster)


async def test_asked_for_again_it_finishes_from_every_fault_point() -> None:
    await assert_repeatable(managed, OP)


async def test_whatever_fails_candidates_may_log_in() -> None:
    async for cluster, way in interrupted(managed, OP):
        check_logins(cluster)
        await cluster.run(OP)
        new = [public(cluster.nodes[name]) for name in ("node1", "node2")]
        assert [allowed(node) for node in cluster.nodes.values()] == [[SITE, *new]] * 3, way


async def test_a_node_that_is_down_is_named_and_renewed_later() -> None:
    cluster = managed()
    await cluster.master()
    cluster.nodes["node2"].reachable = False
    before = public(cluster.nodes["node2"])
    submitted = cluster.submit(OP)
    await cluster.finished(submitted)
    (said,) = (line for line in cluster.log(submitted.result()) if "no new SSH key" in line)
    assert "node2" in said
    assert "renew them again" in said
    # Nobody took from it what it has.
    assert all(before in allowed(node) for node in cluster.nodes.values())
    cluster.nodes["node2"].reachable = True
    await cluster.run(OP)
    check_logins(cluster)
    assert all(before not in allowed(node) for node in cluster.nodes.values())


@pytest.mark.parametrize(
    ("options", "parameters", "code", "said"),
    [
        ({"modify_ssh_setup": False}, EC, ECode.STATE, "--no-ssh-init"),
        ({}, {"ssh_key_type": SshKeyType.DSA}, ECode.INVAL, "--ssh-key-type"),
        ({"ssh_key_type": "dsa", "ssh_key_bits": 1024}, {}, ECode.INVAL, "--ssh-key-type"),
        ({}, {**EC, "ssh_key_bits": 2048}, ECode.INVAL, "2048 bits"),
        ({}, {"ssh_key_type": SshKeyType.RSA, "ssh_key_bits": 768}, ECode.INVAL, "768 bits"),
        ({}, {"ssh_key_type": SshKeyType.RSA, "ssh_key_bits": 10**6}, ECode.INVAL, "bits"),
    ],
)
async def test_refuses_before_any_change(
    options: dict[str, Any], parameters: dict[str, Any], code: ECode, said: str
) -> None:
    op = make_op(OpClusterRenewCrypto, renew_ssh_keys=True, **parameters)
    await assert_refused(managed(**options), op, code, said)
