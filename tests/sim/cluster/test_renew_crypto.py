"""OP_CLUSTER_RENEW_CRYPTO: whoever answers is understood all the time, and by nobody of before."""

import os
import ssl
from collections.abc import Callable
from itertools import product

import pytest

from pyganeti.kit import tls
from pyganeti.kit.clock import now
from pyganeti.kit.files import read_bytes, write_atomic
from pyganeti.kit.paths import Paths
from pyganeti.master.distribution import RETRY_S
from pyganeti.master.key_files import KeyFiles
from pyganeti.model.errors import ConfigurationError, ECode, GenericError
from pyganeti.node.admission import CandidateCertificates
from pyganeti.opcodes.cluster import OpClusterRedistConf, OpClusterRenewCrypto
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.nodes import SimNode
from pyganeti.testing.unwinding import assert_repeatable, interrupted
from tests.sim.asserting import assert_refused, fails, make_op

OP = OpClusterRenewCrypto(node_certificates=True)
POOL = {"candidate_pool_size": 2}


def certified() -> SimCluster:
    """``node3`` is no candidate."""
    cluster = SimCluster(options=POOL)
    cluster.set_node("node3", master_candidate=False)
    cluster.certify()
    return cluster


def stage(cluster: SimCluster) -> tls.Authority:
    """What the command leaves for the opcode: the next authority."""
    authority = tls.make_ca("next", now())
    path = cluster.nodes["node1"].paths.ca_next
    write_atomic(path, authority.certificate + authority.key, mode=0o400)
    return authority


def staged() -> SimCluster:
    cluster = certified()
    stage(cluster)
    return cluster


def understands(caller: SimNode, called: SimNode) -> bool:
    """Whether a call would be admitted, as far as certificates go."""
    try:
        met = tls.introduce(
            tls.server_context(called.paths.server_pem, called.paths.ca_cert),
            tls.client_context(caller.paths.client_pem, caller.paths.ca_cert),
            called.name,
        )
        assert met is not None
        CandidateCertificates(called.paths.ssconf("master_candidates_certs")).check(met)
    except (ssl.SSLError, GenericError):
        return False
    return True


def strangers(cluster: SimCluster) -> set[tuple[str, str]]:
    """Candidates and nodes that do not let them call."""
    candidates = [cluster.nodes[node.name] for node in cluster.view.master_candidates()]
    pairs = product(candidates, cluster.nodes.values())
    return {(a.name, b.name) for a, b in pairs if not understands(a, b)}


def certificate(node: SimNode) -> bytes:
    return read_bytes(node.paths.client_pem) or b""


def trusted(cluster: SimCluster) -> set[bytes | None]:
    return {read_bytes(node.paths.ca_cert) for node in cluster.nodes.values()}


def keys_of(cluster: SimCluster) -> list[bytes | None]:
    return [read_bytes(node.paths.ca_key) for node in cluster.nodes.values()]


def block(node: SimNode) -> None:
    """Put a file where the node wants to try certificates."""
    os.makedirs(node.paths.run_dir, exist_ok=True)
    write_atomic(node.paths.crypto_dir, b"")


class Thief:
    """Kept a node's certificate, and shows it."""

    def __init__(self, node: SimNode, place: str) -> None:
        self.name = node.name
        self.paths = Paths(place, node.name)
        os.makedirs(self.paths.data_dir)
        for path in ("client_pem", "ca_cert"):
            content = read_bytes(getattr(node.paths, path)) or b""
            write_atomic(getattr(self.paths, path), content)


@pytest.mark.parametrize("make", [certified, staged])
async def test_all_nodes_get_new_certificates(make: Callable[[], SimCluster]) -> None:
    cluster = make()
    before = {name: certificate(node) for name, node in cluster.nodes.items()}
    await cluster.run(OP)
    assert strangers(cluster) == set()
    assert all(certificate(node) != before[name] for name, node in cluster.nodes.items())
    known = dict(cluster.view.cluster.candidate_certs)
    assert known == {
        node.uuid: tls.certificate_digest(certificate(cluster.nodes[node.name]))
        for node in cluster.view.master_candidates()
    }


async def test_the_authority_and_its_key_are_replaced_everywhere() -> None:
    cluster = certified()
    following = stage(cluster)
    await cluster.run(OP)
    assert trusted(cluster) == {following.certificate}
    assert keys_of(cluster) == [following.key, following.key, None]
    assert read_bytes(cluster.nodes["node1"].paths.ca_next) is None


async def test_the_authority_stays_when_only_nodes_are_renewed() -> None:
    cluster = certified()
    before = trusted(cluster)
    await cluster.run(OP)
    assert trusted(cluster) == before


@pytest.mark.parametrize("make", [certified, staged])
async def test_certificates_of_before_are_refused(
    make: Callable[[], SimCluster], tmp_path: os.PathLike[str]
) -> None:
    cluster = make()
    thief = Thief(cluster.nodes["node2"], f"{os.fspath(tmp_path)}/node2")
    await cluster.run(OpClusterRedistConf())
    assert understands(thief, cluster.nodes["node3"])  # type: ignore[arg-type]  # has what it takes
    await cluster.run(OP)
    for node in cluster.nodes.values():
        assert not understands(thief, node)  # type: ignore[arg-type]  # as above


async def test_whoever_kept_the_old_key_signs_in_vain(tmp_path: os.PathLike[str]) -> None:
    cluster = staged()
    old = KeyFiles(cluster.nodes["node1"].paths).authority()
    await cluster.run(OP)
    node = cluster.nodes["node3"]
    forged = f"{os.fspath(tmp_path)}/forged.pem"
    write_atomic(forged, tls.issue_node_certificate(old, "node1", "u-1", now()))
    with pytest.raises(ssl.SSLError):
        tls.introduce(
            tls.server_context(forged, node.paths.ca_cert),
            tls.client_context(node.paths.client_pem, node.paths.ca_cert),
            "node1",
        )


async def test_asked_for_again_it_finishes_from_every_fault_point() -> None:
    await assert_repeatable(staged, OP)


@pytest.mark.parametrize("make", [certified, staged])
async def test_whatever_fails_all_nodes_go_on_together(make: Callable[[], SimCluster]) -> None:
    ways = set()
    async for cluster, way in interrupted(make, OP, after=[OpClusterRedistConf()]):
        ways.add(way)
        assert strangers(cluster) == set(), way
        # Whoever is the master next signs with a pair that fits, or says that it does not.
        KeyFiles.issue(KeyFiles(cluster.nodes["node1"].paths).authority(), ())
        await cluster.run(OP)
        assert strangers(cluster) == set(), f"{way}, again"
        assert len(cluster.view.cluster.candidate_certs) == 2
        assert len(tls.certificates_of(next(iter(trusted(cluster))) or b"")) == 1
    assert len(ways) >= 5


@pytest.mark.parametrize("make", [certified, staged])
@pytest.mark.parametrize("node", ["node2", "node3"])
async def test_a_node_that_is_down_is_named_and_not_believed_any_more(
    make: Callable[[], SimCluster], node: str
) -> None:
    cluster = make()
    await cluster.run(OpClusterRedistConf())
    cluster.nodes[node].reachable = False
    submitted = cluster.submit(OP)
    await cluster.finished(submitted)
    said = [line for line in cluster.log(submitted.result()) if f"--readd {node}" in line]
    assert len(said) == 1
    others = [one for one in cluster.nodes.values() if one.name != node]
    for caller, called in product(others[:1], others):
        assert understands(caller, called)
    assert not understands(cluster.nodes["node1"], cluster.nodes[node])
    assert not understands(cluster.nodes[node], cluster.nodes["node1"])


async def test_a_node_that_is_marked_offline_is_named() -> None:
    cluster = certified()
    cluster.set_node("node3", offline=True)
    before = certificate(cluster.nodes["node3"])
    submitted = cluster.submit(OP)
    await cluster.finished(submitted)
    (said,) = (line for line in cluster.log(submitted.result()) if "node3" in line)
    assert "marked offline" in said
    assert "gnt-node add --readd node3" in said
    assert certificate(cluster.nodes["node3"]) == before


async def test_a_node_that_cannot_try_them_is_named() -> None:
    cluster = staged()
    await cluster.run(OpClusterRedistConf())
    block(cluster.nodes["node3"])
    submitted = cluster.submit(OP)
    await cluster.finished(submitted)
    assert any("--readd node3" in line for line in cluster.log(submitted.result()))


async def test_a_master_that_fails_ends_it_and_nobody_is_lost() -> None:
    cluster = staged()
    await cluster.run(OpClusterRedistConf())
    block(cluster.nodes["node1"])
    error = await fails(cluster, OP)
    assert "the master node1 failed" in str(error)
    assert strangers(cluster) == set()
    os.unlink(cluster.nodes["node1"].paths.crypto_dir)
    await cluster.run(OP)
    assert strangers(cluster) == set()


@pytest.mark.parametrize("parameters", [{}, {"verbose": True}])
async def test_nothing_to_renew_is_refused(parameters: dict[str, bool]) -> None:
    op = make_op(OpClusterRenewCrypto, **parameters)
    await assert_refused(certified(), op, ECode.INVAL, "nothing to renew")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----"])
async def test_damaged_keys_change_nothing(content: bytes) -> None:
    for name in ("ca_key", "ca_next"):
        cluster = staged()
        await cluster.run(OpClusterRedistConf())
        write_atomic(getattr(cluster.nodes["node1"].paths, name), content)
        before = {node: certificate(one) for node, one in cluster.nodes.items()}
        if name == "ca_key":
            os.unlink(cluster.nodes["node1"].paths.ca_next)
        error = await fails(cluster, OP)
        assert isinstance(error, ConfigurationError), error
        assert {node: certificate(one) for node, one in cluster.nodes.items()} == before
        assert strangers(cluster) == set()


async def test_a_former_candidate_keeps_no_key_that_is_to_come() -> None:
    cluster = certified()
    write_atomic(cluster.nodes["node2"].paths.ca_next, b"left by an earlier master")
    await cluster.mark_node("node2", master_candidate=False)
    await cluster.clock.sleep(2 * RETRY_S)
    assert read_bytes(cluster.nodes["node2"].paths.ca_next) is None
