"""Instances that go to another cluster, and come from one: OP_BACKUP_PREPARE and remote modes."""

import os
from typing import Any

import pytest

from pyganeti.master.key_files import KeyFiles
from pyganeti.model.enums import AdminState, ExportMode, LogType
from pyganeti.model.errors import ECode
from pyganeti.model.remote import DiskTarget, DomainSecret
from pyganeti.node.crypto_keys import CryptoKeys
from pyganeti.opcodes.backup import OpBackupExport, OpBackupPrepare
from pyganeti.opcodes.instance import OpInstanceCreate
from pyganeti.testing.certificates import SECRET
from pyganeti.testing.cluster import SimCluster
from pyganeti.testing.unwinding import assert_unwinds
from tests.sim.asserting import assert_refused, changes, fails, make_op
from tests.sim.instance.make import create

DATA = bytes(range(256)) * 5000
DOMAIN = DomainSecret(SECRET)
STANDS = "once the source was told that it is kept, an import that fails is not undone"
KEY = "x509-of-the-export"
PREPARE = OpBackupPrepare(instance_name="web1", mode=ExportMode.REMOTE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the other cluster, as PEM."""
    return CryptoKeys(str(tmp_path_factory.mktemp("keys"))).create("x509-other", 86400)


def targets(count: int = 2) -> list[list[Any]]:  # Any: JSON
    """Where the other cluster receives the disks."""
    return [
        DOMAIN.disk_info(index, DiskTarget("192.0.2.99", 4000 + index, f"magic{index}"), "salt")
        for index in range(count)
    ]


def export(certificate: str, **parameters: Any) -> OpBackupExport:  # Any: opcode parameters
    """Send ``web1`` to the other cluster."""
    wanted = {
        "instance_name": "web1", "mode": "remote", "target_node": targets(),
        "x509_key_name": DOMAIN.key_name(KEY, "salt"),
        "destination_x509_ca": DOMAIN.sign_certificate(certificate, "salt"), **parameters,
    }  # fmt: skip
    return make_op(OpBackupExport, **wanted)


def import_(certificate: str, **parameters: Any) -> OpInstanceCreate:  # Any: opcode parameters
    """Take ``web1`` from the other cluster to ``node1``."""
    wanted = {
        "instance_name": "web1", "mode": "remote-import", "pnode": "node1", "start": False,
        "disk_template": "file", "disks": [{"size": 1024}, {"size": 2048}], "nics": [{}],
        "os_type": "noop+default", "source_handshake": DOMAIN.handshake("salt"),
        "source_x509_ca": DOMAIN.sign_certificate(certificate, "salt"),
        "source_instance_name": "old1", "source_shutdown_timeout": 10, **parameters,
    }  # fmt: skip
    return make_op(OpInstanceCreate, **wanted)


def stopped() -> SimCluster:
    """``web1`` on ``node1`` with two disks, and a key there."""
    cluster = SimCluster()
    cluster.add_instance("web1", disks=(1024, 2048))
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = DATA
    CryptoKeys(cluster.nodes["node1"].paths.crypto_dir).create(KEY, 86400)
    return cluster


def empty() -> SimCluster:
    """No instance; the other cluster sends two disks."""
    cluster = SimCluster()
    links = cluster.nodes["node1"].links
    links.sends = [DATA, DATA[::-1]]
    links.magics = lambda: [disk[2] for disk in announced(cluster).get("disks", ())]
    return cluster


def announced(cluster: SimCluster) -> dict[str, Any]:  # Any: JSON
    """What the client learns of the import that waits."""
    found = cluster.logged(LogType.REMOTE_IMPORT)
    content = found[-1] if found else {}
    assert isinstance(content, dict)
    return content


def keys(cluster: SimCluster) -> list[str]:
    """The keys on ``node1``."""
    return sorted(os.listdir(cluster.nodes["node1"].paths.crypto_dir))


async def test_a_prepared_key_is_signed_and_stays_on_the_node() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1")
    found = await cluster.run(PREPARE)
    DOMAIN.check_handshake(found["handshake"])
    assert [DOMAIN.check_key_name(found["x509_key_name"])] == keys(cluster)
    pem = KeyFiles.check_certificate(_keys_of(cluster), found["x509_ca"], "us")
    assert "PRIVATE" not in str(found)
    assert pem.startswith("-----BEGIN CERTIFICATE")


def _keys_of(cluster: SimCluster) -> KeyFiles:
    paths = cluster.nodes["node1"].paths
    os.makedirs(os.path.dirname(paths.domain_secret), exist_ok=True)
    with open(paths.domain_secret, "wb") as handle:
        handle.write(SECRET + b"\n")
    return KeyFiles(paths)


async def test_a_local_export_needs_no_preparation() -> None:
    cluster = SimCluster()
    cluster.add_instance("web1")
    op = OpBackupPrepare(instance_name="web1", mode=ExportMode.LOCAL)
    assert await cluster.run(op) is None
    assert changes(cluster) == []


async def test_preparing_unwinds_from_every_fault_point() -> None:
    def make() -> SimCluster:
        cluster = SimCluster()
        cluster.add_instance("web1")
        os.makedirs(cluster.nodes["node1"].paths.crypto_dir)
        return cluster

    await assert_unwinds(make, PREPARE)


async def test_export_sends_each_disk_behind_its_word(certificate: str) -> None:
    cluster = stopped()
    assert await cluster.run(export(certificate)) == [True, [True, True]]
    first, second = cluster.nodes["node1"].links.streams
    assert first.sent == b"M=magic0" + DATA
    assert second.sent == b"M=magic1" + DATA
    assert (first.state, second.state) == ("closed", "closed")
    assert keys(cluster) == []
    assert cluster.instance("web1").admin_state is AdminState.DOWN


async def test_export_that_breaks_off_leaves_the_instance(certificate: str) -> None:
    cluster = stopped()
    cluster.nodes["node1"].links.breaks_after = 5000
    error = await fails(cluster, export(certificate, remove_instance=True))
    assert "the other end broke off" in str(error)
    assert cluster.instance("web1").name == "web1"
    assert keys(cluster) == []


async def test_export_to_nobody_leaves_the_instance(certificate: str) -> None:
    cluster = stopped()
    cluster.nodes["node1"].links.silent = True
    assert "no connection to 192.0.2.99" in str(await fails(cluster, export(certificate)))


async def test_export_removes_the_instance_when_it_is_there(certificate: str) -> None:
    cluster = stopped()
    await cluster.run(export(certificate, remove_instance=True))
    assert cluster.view.find_instance("web1") is None


async def test_guest_runs_again_when_its_disks_are_sent(certificate: str) -> None:
    cluster = SimCluster(options={"enabled_disk_templates": ["file", "plain"]})
    for node in cluster.nodes.values():
        node.programs.writes["/export"] = DATA
    await cluster.run(create(disk_template="plain"))
    CryptoKeys(cluster.nodes["node1"].paths.crypto_dir).create(KEY, 86400)
    count = len(cluster.instance("web1").disks)
    await cluster.run(export(certificate, target_node=targets(count)))
    assert cluster.guest_states("web1") == {"node1": "running"}


async def test_exporting_unwinds_from_every_fault_point(certificate: str) -> None:
    keeps = {"node1/keys": "who tries again prepares again"}
    op = export(certificate)
    await assert_unwinds(stopped, op, keeps=keeps, may_stand=True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"target_node": targets(1)}, "1 destinations, and instance web1 has 2 disks"),
        ({"target_node": "node2"}, "list of destinations"),
        ({"target_node": [targets()[0], [*targets()[1][:3], "0" * 40, "salt"]]}, "disk/1"),
        ({"target_node": [targets()[1], targets()[0]]}, "disk/0"),
        ({"x509_key_name": None}, "name of the key (x509_key_name) is missing"),
        ({"x509_key_name": [KEY, "0" * 40, "salt"]}, "none that this cluster has given"),
        ({"destination_x509_ca": None}, "is missing"),
        ({"destination_x509_ca": "what"}, "is none"),
        ({"compress": "rar"}, "compression 'rar'"),
    ],
)
async def test_export_refuses(wrong: dict[str, Any], said: str, certificate: str) -> None:
    await assert_refused(stopped(), export(certificate, **wrong), ECode.INVAL, said)


async def test_import_fills_the_disks_and_tells_the_source_last(certificate: str) -> None:
    cluster = empty()
    assert await cluster.run(import_(certificate)) == ["node1"]
    node = cluster.nodes["node1"]
    assert sorted(node.programs.fed) == sorted([DATA, DATA[::-1]])
    assert [stream.state for stream in node.links.streams] == ["closed", "closed"]
    assert not any(listener.open for listener in node.links.listeners)
    assert keys(cluster) == []
    (rename,) = (one.env or {} for one in node.programs.ran if one.argv[0].endswith("/rename"))
    assert rename["OLD_INSTANCE_NAME"] == "old1"


async def test_the_client_is_told_where_disks_are_received(certificate: str) -> None:
    cluster = empty()
    await cluster.run(import_(certificate))
    said = announced(cluster)
    ports = [DOMAIN.check_disk_info(at, disk).port for at, disk in enumerate(said["disks"])]
    assert ports == [listener.port for listener in cluster.nodes["node1"].links.listeners]
    assert DOMAIN.check_certificate(said["x509_ca"], "us")
    assert "PRIVATE" not in str(said)
    assert SECRET.decode() not in str(said)


async def test_import_of_another_disk_is_undone(certificate: str) -> None:
    cluster = empty()
    cluster.nodes["node1"].links.magics = lambda: ["another", "word"]
    error = await fails(cluster, import_(certificate))
    assert "begins with another word" in str(error)
    assert cluster.view.find_instance("web1") is None
    assert {stream.state for stream in cluster.nodes["node1"].links.streams} == {"broken"}


async def test_import_from_nobody_ends(certificate: str) -> None:
    cluster = empty()
    cluster.nodes["node1"].links.silent = True
    error = await fails(cluster, import_(certificate))
    assert "did not connect for disk/" in str(error)
    assert "in 190 s" in str(error)
    assert cluster.view.find_instance("web1") is None


async def test_a_failed_rename_script_is_a_warning(certificate: str) -> None:
    cluster = empty()
    cluster.nodes["node1"].programs.failing["/rename"] = "no"
    await cluster.run(import_(certificate))
    assert cluster.instance("web1").name == "web1"


async def test_importing_unwinds_from_every_fault_point(certificate: str) -> None:
    def make() -> SimCluster:
        cluster = empty()
        os.makedirs(cluster.nodes["node1"].paths.crypto_dir)
        return cluster

    links = dict.fromkeys(("node1/links/web1:0", "node1/links/web1:1"), STANDS)
    await assert_unwinds(make, import_(certificate), spares=links, may_stand=True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source_handshake": None}, "handshake of the source cluster is missing"),
        ({"source_handshake": [0, "0" * 40, "salt"]}, "do not share"),
        ({"source_handshake": [0, 1]}, "2 parts, not 3"),
        ({"source_x509_ca": None}, "is missing"),
        ({"source_instance_name": None}, "name of the instance at its source"),
        ({"disks": ()}, "sizes of the disks"),
        ({"no_install": True}, "no_install has no meaning"),
        ({"src_path": "web1"}, "src_node and src_path"),
        ({"compress": "rar"}, "compression 'rar'"),
    ],
)
async def test_import_refuses(wrong: dict[str, Any], said: str, certificate: str) -> None:
    await assert_refused(empty(), import_(certificate, **wrong), ECode.INVAL, said)


async def test_an_unsigned_certificate_is_refused(certificate: str) -> None:
    for given in (certificate, DomainSecret(b"other").sign_certificate(certificate, "salt")):
        op = import_(certificate, source_x509_ca=given)
        await assert_refused(empty(), op, ECode.INVAL, "not signed")


async def test_an_expired_certificate_is_refused(
    certificate: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    old = CryptoKeys(str(tmp_path_factory.mktemp("old"))).create("x509-old", -60)
    op = import_(certificate, source_x509_ca=DOMAIN.sign_certificate(old, "salt"))
    await assert_refused(empty(), op, ECode.INVAL, "has expired")


async def test_no_secret_is_in_jobs_or_logs(
    certificate: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    cluster = empty()
    await cluster.run(import_(certificate))
    master = await cluster.master()
    jobs = [job.to_json().decode() for job in master.queue.jobs.values()]
    for text in (*jobs, caplog.text):
        assert SECRET.decode() not in text
        assert "PRIVATE KEY" not in text
