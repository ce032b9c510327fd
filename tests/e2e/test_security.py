"""Who may call a node and what for, who may read what, and where secrets do not go."""

import http.client
import json
import socket
import ssl
import stat
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pyganeti.kit.tls import Authority, issue_node_certificate, make_ca
from tests.e2e.footprint import data_dir
from tests.e2e.vcluster import NAME, Cluster, virtual_cluster, wait_for
from tools.machine import CHECKOUT

PORT = 1811
NOT_ADMITTED, UNKNOWN, STALE = 403, 404, 409
Reply = tuple[int, dict[str, Any]]  # Any: the answer's JSON


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Node 2 is no candidate."""
    with virtual_cluster() as made:
        made.init("--candidate-pool-size=1")
        made.add_nodes()
        assert made.listed("node", "name,role")[:2] == [["node1", "M"], ["node2", "R"]]
        yield made
        made.gnt("cluster", "verify")


def context(cluster: Cluster, certificate: Path | None) -> ssl.SSLContext:
    """A caller that trusts the cluster's authority and shows ``certificate``."""
    made = ssl.create_default_context(cafile=str(data_dir(cluster, "node1") / "ca.pem"))
    made.check_hostname = False
    if certificate is not None:
        made.load_cert_chain(certificate)
    return made


def call(
    cluster: Cluster,
    procedure: str,
    args: dict[str, object],
    *,
    certificate: Path | None = None,
    node: str = "node2",
    epoch: int | None = None,
) -> Reply:
    """Make a node call as the master does; status and body of the answer."""
    master = data_dir(cluster, "node1")
    number = int((master / "epoch").read_text()) if epoch is None else epoch
    # No master counts so high: this is a change of its own.
    ctx = {"epoch": number, "job": 10**9, "call": time.monotonic_ns()}
    body = json.dumps({"ctx": ctx, "args": args})
    link = http.client.HTTPSConnection(
        cluster.address(node), PORT, timeout=30, context=context(cluster, certificate)
    )
    try:
        link.request("POST", f"/v1/{procedure}", body)
        answer = link.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        link.close()


def as_master(cluster: Cluster, procedure: str, args: dict[str, object], **kwargs: Any) -> Reply:
    """With the master's certificate. Any: passed on."""
    certificate = data_dir(cluster, "node1") / "client.pem"
    return call(cluster, procedure, args, certificate=certificate, **kwargs)


def test_the_master_itself_is_answered(cluster: Cluster) -> None:
    status, answer = as_master(cluster, "get_file_info", {"file_path": "/var/lib/ganeti/ca.pem"})
    assert (status, answer["ok"], answer["result"]["exists"]) == (200, True, True)


def write_certificate(path: Path, authority: Authority, *, now: float) -> Path:
    path.write_bytes(issue_node_certificate(authority, "node1", "0" * 8, now))
    return path


def test_strangers_do_not_get_beyond_the_handshake(cluster: Cluster, tmp_path: Path) -> None:
    master = data_dir(cluster, "node1")
    ours = Authority((master / "ca.pem").read_bytes(), (master / "ca.key").read_bytes())
    strangers = {
        "no certificate": None,
        "another authority": write_certificate(
            tmp_path / "other.pem", make_ca(NAME, time.time()), now=time.time()
        ),
        "one that is too old": write_certificate(tmp_path / "old.pem", ours, now=0),
    }
    for who, certificate in strangers.items():
        for procedure in ("version", "get_file_info", "no_such_procedure"):
            print(f"{who}: {procedure}")
            with pytest.raises(OSError, match=r"(?i)alert|reset|eof|closed|broken"):
                call(cluster, procedure, {}, certificate=certificate)


def test_plain_http_is_not_answered(cluster: Cluster) -> None:
    with socket.create_connection((cluster.address("node2"), PORT), timeout=30) as link:
        link.sendall(b"POST /v1/version HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        with suppress(ConnectionResetError):
            assert b"HTTP/" not in link.recv(4096)


def test_a_member_that_is_no_candidate_may_ask_who_is_master_and_nothing_else(
    cluster: Cluster,
) -> None:
    member = data_dir(cluster, "node2") / "client.pem"
    status, answer = call(cluster, "version", {}, certificate=member, node="node3")
    assert (status, answer["ok"]) == (200, True)
    target = data_dir(cluster, "node3") / "known_hosts"
    before = target.read_bytes() if target.exists() else None
    upload = {"file_name": "/var/lib/ganeti/known_hosts", "content": "eA=="}
    for procedure, args in (
        ("upload_file", upload),
        ("get_file_info", {"file_path": "/etc/hosts"}),
        ("write_ssconf_files", {"values": {"master_node": "node2"}}),
        ("epoch_take", {}),
        ("all_instances_info", {"hypervisors": ["kvm"]}),
    ):
        status, answer = call(cluster, procedure, dict(args), certificate=member, node="node3")
        assert status == NOT_ADMITTED, (procedure, answer)
        assert "not admitted" in str(answer["error"])
    assert (target.read_bytes() if target.exists() else None) == before


def test_a_certificate_speaks_for_its_own_node_only(cluster: Cluster) -> None:
    named = ssl.create_default_context(cafile=str(data_dir(cluster, "node1") / "ca.pem"))
    named.load_cert_chain(data_dir(cluster, "node1") / "client.pem")
    for node, name in (("node2", "node1"), ("node3", "node2")):
        with (
            socket.create_connection((cluster.address(node), PORT), timeout=30) as link,
            pytest.raises(ssl.SSLCertVerificationError, match=name),
        ):
            named.wrap_socket(link, server_hostname=name)
    # Whoever has a node's certificate and says that it is the master is that node still.
    member = data_dir(cluster, "node2") / "client.pem"
    status, answer = call(cluster, "epoch_take", {}, certificate=member, node="node3")
    assert status == NOT_ADMITTED
    assert "'node2' is not admitted" in str(answer["error"])
    # No other node can be made to show a certificate of this one.
    files = {name: data_dir(cluster, "node2") / name for name in ("ca.pem", "client.pem")}
    before = snapshot(cluster)
    foreign = data_dir(cluster, "node3") / "client.pem"
    given: dict[str, object] = {
        "node_name": "node2",
        "authorities": b64encode(files["ca.pem"].read_bytes()).decode(),
        "certificate": b64encode(foreign.read_bytes()).decode(),
    }
    status, answer = as_master(cluster, "certificates_install", given)
    assert (status, answer["ok"]) == (200, False)
    assert "PRIVATE" not in str(answer)
    assert snapshot(cluster) == before


def test_a_node_that_was_removed_is_not_admitted_any_more(tmp_path: Path) -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        kept = tmp_path / "kept.pem"
        kept.write_bytes((data_dir(cluster, "node3") / "client.pem").read_bytes())
        args: dict[str, object] = {"file_path": "/etc/hosts"}
        assert call(cluster, "get_file_info", args, certificate=kept)[0] == 200
        cluster.gnt("node", "remove", "node3")
        # At once: the job ends when the other nodes know.
        assert call(cluster, "get_file_info", args, certificate=kept)[0] == NOT_ADMITTED


def test_a_master_of_an_earlier_term_is_refused(cluster: Cluster) -> None:
    values: dict[str, object] = {"values": {"cluster_name": "stale"}}
    epoch = int((data_dir(cluster, "node2") / "epoch").read_text()) - 1
    assert as_master(cluster, "write_ssconf_files", values, epoch=epoch)[0] == STALE
    name = (data_dir(cluster, "node2") / "ssconf_cluster_name").read_text()
    assert name.strip() == NAME


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/var/lib/ganeti/new-file",
        "/var/lib/ganeti/../../../etc/passwd",
        "/var/lib/ganeti/queue/../cluster.db",
        "/etc/../etc/hosts",
        "etc/hosts",
        "",
        "/var/lib/ganeti/config.data\0.txt",
    ],
)
def test_upload_takes_the_listed_paths_only(cluster: Cluster, path: str) -> None:
    before = snapshot(cluster)
    status, answer = as_master(cluster, "upload_file", {"file_name": path, "content": "eA=="})
    assert (status, answer["ok"]) == (200, False), answer
    assert "may not" in str(answer["error"]) or "not a file that may be" in str(answer["error"])
    assert snapshot(cluster) == before


# Procedure, arguments: none of it may be done, whoever asks.
TRESPASSES: dict[str, tuple[str, dict[str, object]]] = {
    "queue file": ("jobqueue_update", {"files": {"../config.data": "eA=="}}),
    "queue archive": ("jobqueue_update", {"files": {"archive/../../x/job-1": "eA=="}}),
    "ssconf key": ("write_ssconf_files", {"values": {"../../etc/hosts": "x"}}),
    "storage directory": ("file_storage_dir_create", {"file_storage_dir": "/etc/ganeti/x"}),
    "storage dots": (
        "file_storage_dir_create",
        {"file_storage_dir": "/srv/ganeti/file-storage/../../../etc/x"},
    ),
    "storage removal": ("file_storage_dir_remove", {"file_storage_dir": "/var/lib/ganeti/export"}),
    "OS name": (
        "os_validate",
        {"required": True, "name": "../../../etc", "osparams": {}, "force_variant": False},
    ),
}


@pytest.mark.parametrize("case", TRESPASSES)
def test_a_node_touches_nothing_outside_its_places(cluster: Cluster, case: str) -> None:
    procedure, args = TRESPASSES[case]
    before = snapshot(cluster)
    status, answer = as_master(cluster, procedure, args)
    assert (status, answer["ok"]) == (200, False), answer
    assert snapshot(cluster) == before


def snapshot(cluster: Cluster) -> dict[str, bytes]:
    """Files of node 2, but those that change by themselves."""
    root = cluster.root("node2")
    kept = ("var/log", "var/run", "var/lib/ganeti/cluster.db", "var/lib/ganeti/queue")
    return {
        name: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not (name := str(path.relative_to(root))).startswith(kept)
    }


def test_only_the_group_may_talk_to_the_master(cluster: Cluster) -> None:
    for name in ("ganeti-master", "ganeti-query"):
        status = (cluster.root("node1") / "var/run/ganeti/socket" / name).stat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o660
        assert status.st_uid == 0


def test_others_may_read_only_what_is_public(cluster: Cluster) -> None:
    public = ("ca.pem", "ssconf_", "known_hosts", "watcher.pause")
    for node in cluster.nodes:
        for path in data_dir(cluster, node).rglob("*"):
            if path.is_file() and not path.name.startswith(public):
                mode = stat.S_IMODE(path.stat().st_mode)
                assert mode & 0o007 == 0, f"{path}: {mode:o}"
    assert stat.S_IMODE((data_dir(cluster, "node1") / "ca.key").stat().st_mode) == 0o440
    # Who is no candidate cannot sign certificates.
    assert not (data_dir(cluster, "node2") / "ca.key").exists()


# --- secrets

PRIVATE, SECRET = "private-9f8e7d6c", "secret-1a2b3c4d"
SECRETIVE = CHECKOUT / "tests/e2e/os/secretive"


def add(cluster: Cluster, name: str, *words: str, code: int = 0, osparams: str = "") -> str:
    """Create an instance with secrets; all that was said."""
    given = ["-t", "file", "--disk", "0:size=64m", "-o", "secretive+default", "-n", "node2"]
    given += ["--no-nics", "--ignore-ipolicy", "-B", "memory=128m"]
    given += ["--os-parameters-private", f"token={PRIVATE}"]
    given += ["--os-parameters-secret", f"password={SECRET}"]
    given += ["-O", osparams] if osparams else []
    done = cluster.gnt("instance", "add", *given, *words, name, code=code)
    return done.stdout + done.stderr


def files_with(cluster: Cluster, text: str) -> set[str]:
    """Names of the files below the cluster's directory that hold ``text``; disks do not count."""
    files = (
        path
        for path in cluster.base.rglob("*")
        if path.is_file() and not path.is_symlink() and "file-storage" not in path.parts
    )
    return {path.name for path in files if text.encode() in path.read_bytes()}


def shown(cluster: Cluster) -> str:
    """What commands tell about all jobs and instances."""
    parts = []
    for row in cluster.listed("job", "id"):
        parts.append(cluster.gnt("job", "info", row[0]).stdout)
    parts.append(cluster.gnt("instance", "info", "--all").stdout)
    fields = "name,osparams,os,custom_osparams"
    parts.append(cluster.gnt("instance", "list", "-o", fields, code=None).stdout)
    parts.append(cluster.gnt("job", "list", "-o", "id,ops,opresult,oplog").stdout)
    return "".join(parts)


def test_secrets_reach_the_scripts_and_nothing_else() -> None:
    with virtual_cluster() as cluster:
        cluster.make(NAME)
        for node in cluster.nodes:
            defaults = cluster.root(node) / "etc/default/ganeti"
            defaults.parent.mkdir(parents=True, exist_ok=True)
            defaults.write_text('MASTERD_ARGS="-d"\nNODED_ARGS="-d"\n')
        cluster.init()
        cluster.add_os(SECRETIVE)
        cluster.add_nodes()

        said = add(cluster, "good.example.com")
        (image,) = cluster.images()
        with (cluster.base / image).open("rb") as disk:
            assert disk.readline() == f"token={PRIVATE} password={SECRET}\n".encode()
        said += add(cluster, "bad.example.com", osparams="fail=create", code=1)
        assert "failing as asked" in said
        said += add(cluster, "worse.example.com", osparams="fail=verify", code=1)
        assert "refusing as asked" in said
        job = add(cluster, "lost.example.com", "--submit", osparams="pause=20").split()[-1]
        wait_for(lambda: len(cluster.images()) == 2, 60, "the script to run")
        cluster.kill9("ganeti-masterd")
        cluster.start_daemons()
        said += cluster.gnt("job", "watch", job, code=1).stdout
        assert cluster.listed("instance", "name") == [["good.example.com"]]

        # Exports on the candidates, too.
        wait_for(lambda: files_with(cluster, "good.example.com") >= {"config.data"}, 30, "export")
        cluster.stop_daemons()
        assert files_with(cluster, SECRET) == set()
        private = files_with(cluster, PRIVATE)
        assert "config.data" in private
        assert private <= {"config.data", "cluster.db", "cluster.db-wal"}
        cluster.start_daemons()
        told = said + shown(cluster)
        assert SECRET not in told
        assert PRIVATE not in told
        assert "good.example.com" in told
