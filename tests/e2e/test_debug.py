"""``gnt-debug`` on real daemons: the queue's self-test, delays that end when told, secrets."""

import json
import secrets
import socket
from pathlib import Path
from typing import Any

import pytest

from pyganeti.model.errors import GenericError
from pyganeti.wire.luxi.client import LuxiClient
from tests.e2e.vcluster import MASTER, Cluster, wait_for

FIELDS = ["id", "status", "ops", "summary", "opresult", "opstatus", "oplog"]


@pytest.fixture
def running(cluster: Cluster) -> Cluster:
    """A cluster of three candidates with the fake hypervisor."""
    cluster.init(hypervisor="fake")
    cluster.add_nodes()
    return cluster


def luxi(cluster: Cluster) -> LuxiClient:
    """A connection to the master."""
    return LuxiClient(str(cluster.root(MASTER) / "var/run/ganeti/socket/ganeti-master"))


def test_the_queue_holds_what_it_promises(running: Cluster) -> None:
    done = running.gnt("debug", "test-jobqueue")
    assert "have passed" in done.stdout
    failed = running.gnt("job", "list", "--error", "--no-headers").stdout.splitlines()
    assert len(failed) == 2
    sockets = running.root(MASTER) / "var/run/ganeti/socket"
    assert sorted(path.name for path in sockets.iterdir()) == ["ganeti-master", "ganeti-query"]


def delay_socket(client: LuxiClient, job_id: int) -> str:
    """Where an interruptible delay waits, once it says so."""
    while True:
        change = client.wait_for_job_change(job_id, ["status"], None, -1, 10)
        assert change is not None
        for _, _, kind, content in change[1]:
            if kind == "delay-test":
                return str(content[0])


def test_a_delay_ends_when_a_program_connects(running: Cluster) -> None:
    said = running.gnt("debug", "delay", "-i", "--submit", "600").stderr
    job_id = int(said.rpartition(" ")[2])
    with luxi(running) as client, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(delay_socket(client, job_id))
        assert client.wait_for_end(job_id) == [None]


def test_what_jobs_hold_and_wait_for_is_told(running: Cluster) -> None:
    words = ("debug", "delay", "--no-master", "--submit", "-n", "node2", "600")
    first, second = (running.gnt(*words).stderr.split()[-1] for _ in range(2))

    def waits() -> list[list[str]]:
        shown = running.gnt("debug", "waits", "--no-headers", "-o", "id,kind,on,mode,holders")
        return [line.split() for line in shown.stdout.splitlines()]

    wait_for(lambda: len(waits()) == 2, 10, "both jobs to wait")
    assert waits() == [
        [first, "task", "test_delay", "on", "node2", "-", "-"],
        [second, "lock", "node/node2", "exclusive", first],
    ]
    locks = running.gnt("debug", "locks").stdout.splitlines()
    assert {len(line.split()) for line in locks} == {4}
    assert locks[0].split() == ["Name", "Mode", "Owner", "Pending"]
    held = running.gnt("debug", "wconfd", "listlocks", first).stdout
    (node,) = [
        line.split() for line in locks if line.endswith(f"exclusive:{second}/TEST_DELAY(600.0)")
    ]
    assert f"['{node[0]}', 'exclusive']" in held
    assert running.gnt("debug", "wconfd", "echo", "a b").stdout == "Answer: a b\n"
    assert "no metadata daemon" in running.gnt("debug", "metad", "echo", "x", code=1).stderr
    for job in (second, first):
        running.gnt("job", "cancel", "--kill", "--yes-do-it", job)
    # It locks all nodes.
    running.gnt("debug", "wconfd", "flushconfig")


# --- secrets


def _content(path: Path) -> bytes:
    """What is in a file; nothing in one that was replaced since it was listed."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def places(cluster: Cluster, text: str) -> list[str]:
    """Files of all nodes that hold ``text``, relative to the cluster's directory."""
    found = [path for path in cluster.base.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(
        str(path.relative_to(cluster.base)) for path in found if text.encode() in _content(path)
    )


def answers(cluster: Cluster, job_id: int) -> str:
    """All that the master and the commands say of a job."""
    with luxi(cluster) as client:
        fields = [one["name"] for one in client.query_fields("job")]
        said: list[Any] = [
            client.query("job", fields),
            client.query_jobs([job_id], FIELDS),
            client.wait_for_job_change(job_id, FIELDS, None, -1, 1),
            client.query("lock", ["name", "owner", "pending"]),
            client.query("wait", [one["name"] for one in client.query_fields("wait")]),
        ]
    for words in (("info", str(job_id)), ("list", "-o", ",".join(fields))):
        said.append(cluster.gnt("job", *words).stdout)
    return json.dumps(said)


def check_hidden(cluster: Cluster, job_id: int, secret: str, marker: str) -> None:
    """The job is written and shown, ``marker`` in it as well, and the secret nowhere."""

    def is_exported() -> bool:
        files = [place for place in places(cluster, marker) if place.endswith(f"job-{job_id}")]
        return len(files) == 3

    wait_for(is_exported, 40, "the job's file on all candidates")
    stores = {place for place in places(cluster, marker) if "cluster.db" in place}
    assert {place.partition("/")[0] for place in stores} == {"node1", "node2", "node3"}
    assert places(cluster, secret) == []
    said = answers(cluster, job_id)
    assert marker in said
    assert "<redacted>" in said
    assert secret not in said


def op(secret: str, marker: str) -> dict[str, object]:
    """The test opcode with a secret, and a comment that is none."""
    parameters = {"password": secret, "nested": {"key": [secret]}}
    return {"OP_ID": "OP_TEST_OS_PARAMS", "osparams_secret": parameters, "comment": marker}


def test_a_secret_is_nowhere_but_in_memory(running: Cluster) -> None:
    secret, marker = secrets.token_hex(16), secrets.token_hex(16)
    words = ("--print-jobid", "--reason", marker, "--os-parameters-secret", f"password={secret}")
    done = running.gnt("debug", "test-osparams", *words)
    assert secret not in done.stdout + done.stderr
    assert "values are not shown: password" in done.stdout
    check_hidden(running, int(done.stdout.splitlines()[0]), secret, marker)


def test_a_job_whose_secrets_are_lost_is_an_error(running: Cluster) -> None:
    secret, marker = secrets.token_hex(16), secrets.token_hex(16)
    with luxi(running) as client:
        delay = {"OP_ID": "OP_TEST_DELAY", "duration": 600.0}
        blocked = {**op(secret, marker), "depends": [[-1, ["success"]]]}
        ids = [job for _, job in client.submit_many_jobs([[delay], [blocked]])]
        both = client.submit_job([delay, op(secret, marker)])
        wait_for(lambda: client.query_jobs([both], ["status"]) == [["running"]], 30, "it to run")
    for job_id in (ids[1], both):
        check_hidden(running, job_id, secret, marker)
    running.kill9("ganeti-masterd")
    assert places(running, secret) == []
    running.start_daemons()
    with luxi(running) as client:
        for job_id, why in (
            (ids[1], "secret parameters were lost"),
            # Its first opcode ran.
            (both, "the master daemon ended while the job ran"),
        ):
            with pytest.raises(GenericError, match=why):
                client.job_results(job_id)
            check_hidden(running, job_id, secret, marker)


def test_a_secret_that_is_refused_is_not_shown_either(running: Cluster) -> None:
    secret = secrets.token_hex(16)
    bad = (
        {"osparams_secret": secret},
        {"osparams_secret": [secret]},
        {"osparams_secret": {"password": secret}, "nonsense": 1},
    )
    with luxi(running) as client:
        for parameters in bad:
            with pytest.raises(GenericError) as refused:
                client.submit_job([{"OP_ID": "OP_TEST_OS_PARAMS", **parameters}])
            assert secret not in str(refused.value)
    assert places(running, secret) == []


def test_nothing_listens_at_a_socket_of_a_killed_master(running: Cluster) -> None:
    said = running.gnt("debug", "delay", "-i", "--submit", "600").stderr
    job_id = int(said.rpartition(" ")[2])
    with luxi(running) as client:
        left = Path(delay_socket(client, job_id))
    running.kill9("ganeti-masterd")
    assert left.is_socket()
    running.start_daemons()
    # The job runs again, or was undone; either way an old socket does not stay.
    with luxi(running) as client:
        status = client.query_jobs([job_id], ["status"])
        if status == [["running"]]:
            left = Path(delay_socket(client, job_id))
            client.cancel_job(job_id, kill=True)
            wait_for(lambda: not left.exists(), 10, "the socket to go")
        assert not left.exists()
