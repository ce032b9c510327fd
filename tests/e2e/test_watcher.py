"""``ganeti-watcher`` with real daemons and guests: what fell comes up again, within limits."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyganeti.daemons.watcher.state import TRIES
from tests.e2e.vcluster import MASTER, Cluster, micro, virtual_cluster, wait_for

WEB = "web1.example.com"
HOOK = '#!/bin/sh\necho "ran as $(id -u) in $GANETI_CLUSTER" > "$(dirname "$0")/../../hook-ran"\n'


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with virtual_cluster(size=2) as made:
        made.init()
        made.add_nodes()
        yield made


def watch(cluster: Cluster, *words: str, node: str = MASTER, code: int = 0) -> str:
    """A round of the watcher; what its log says of it."""
    log = cluster.root(node) / "var/log/ganeti/watcher.log"
    begin = log.stat().st_size if log.exists() else 0
    done = cluster.run(node, "ganeti-watcher", *words, timeout_s=300)
    said = log.read_text()[begin:] if log.exists() else ""
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}{said}"
    return said


def status(cluster: Cluster) -> str:
    ((found,),) = cluster.listed("instance", "status")
    return found


def crash(cluster: Cluster) -> None:
    """End the guest as a crash would."""
    for pid, line in cluster.processes().items():
        if "qemu" in line.split()[0]:
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: status(cluster) == "ERROR_down", 30, "the guest to be missed")


def image(cluster: Cluster) -> Path:
    (name,) = cluster.images()
    return cluster.base / name


def test_a_guest_that_fell_is_started_again_within_limits(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", *micro("node2"), "--no-nics", "--ignore-ipolicy", WEB)
    watch(cluster)
    crash(cluster)

    cluster.gnt("cluster", "watcher", "pause", "1h")
    assert "paused" in watch(cluster)
    assert status(cluster) == "ERROR_down"
    assert "start an instance that should run" in watch(cluster, "--ignore-pause")
    assert status(cluster) == "running"
    cluster.gnt("cluster", "watcher", "continue")
    group = json.loads(cluster.gnt("group", "list", "--format=json", "-o", "uuid").stdout)[0][
        "uuid"
    ]
    merged = cluster.root(MASTER) / "var/lib/ganeti/instance-status"
    watch(cluster)
    assert merged.read_text() == f"{WEB} running\n"

    # It falls and cannot be started: its disk is gone.
    place = image(cluster)
    hidden = place.with_name("hidden")
    place.rename(hidden)
    crash(cluster)
    for _ in range(TRIES):
        assert "could not start an instance" in watch(cluster, "--no-verify-disks", code=1)
    assert "left alone" in watch(cluster, "--no-verify-disks")
    hidden.rename(place)
    assert "left alone" in watch(cluster, "--no-verify-disks")
    assert status(cluster) == "ERROR_down"
    # As the manual page says: without its memory it tries again.
    (cluster.root(MASTER) / f"var/lib/ganeti/watcher.{group}.data").unlink()
    watch(cluster)
    assert status(cluster) == "running"

    cluster.gnt("instance", "shutdown", WEB)
    watch(cluster)
    assert status(cluster) == "ADMIN_down"
    assert merged.read_text() == f"{WEB} ADMIN_down\n"


def test_daemons_that_fell_are_started_again(cluster: Cluster) -> None:
    hooks = cluster.root("node2") / "etc/ganeti/hooks/watcher"
    hooks.mkdir(parents=True)
    (hooks / "10-hello").write_text(HOOK)
    (hooks / "10-hello").chmod(0o755)
    (hooks / "20-broken").write_text("#!/bin/sh\necho no luck; exit 3\n")
    (hooks / "20-broken").chmod(0o755)

    cluster.gnt("cluster", "watcher", "pause", "1h")
    pause = cluster.root("node2") / "var/lib/ganeti/watcher.pause"
    wait_for(lambda: pause.exists() and bool(pause.read_bytes()), 30, "node2 to learn of the pause")
    cluster.kill9("ganeti-noded", "node2")
    assert "paused" in watch(cluster, node="node2")
    assert cluster.run("node2", "daemon-util", "check", "ganeti-noded").returncode == 1

    said = watch(cluster, "--ignore-pause", node="node2")
    assert "ganeti-noded does not run and is started" in said
    assert "20-broken failed: no luck" in said
    assert (hooks.parent.parent / "hook-ran").read_text() == "ran as 0 in \n"
    assert cluster.run("node2", "daemon-util", "check", "ganeti-noded").returncode == 0
    assert cluster.run("node2", "daemon-util", "check", "ganeti-masterd").returncode == 1

    for daemon in ("ganeti-noded", "ganeti-masterd"):
        cluster.kill9(daemon)
    # The master itself tells when the pause is over, so it must run first.
    said = watch(cluster, "--ignore-pause")
    assert "ganeti-masterd does not run and is started" in said
    assert cluster.gnt("cluster", "getmaster").stdout.strip() == MASTER


def test_a_node_that_was_booted_gets_its_disks_back(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", *micro("node2"), "--no-nics", "--ignore-ipolicy", WEB)
    watch(cluster, "--no-verify-disks")
    (memory,) = (cluster.root(MASTER) / "var/lib/ganeti").glob("watcher.*.data")
    known = json.loads(memory.read_text())["node"]
    assert "was booted" not in watch(cluster, "--no-verify-disks")

    # The kernel under all virtual nodes is one, so it is remembered as another.
    changed = {**known, "node2": {"bootid": "of-another-boot"}}
    memory.write_text(json.dumps({"instance": {}, "node": changed}))
    said = watch(cluster, "--no-verify-disks")
    assert "node node2 was booted" in said
    assert f"node {MASTER} was booted" not in said
    assert f"instance {WEB}: activate disks after the boot of a node" in said
    assert json.loads(memory.read_text())["node"] == known
    assert status(cluster) == "running"


def test_a_node_that_is_marked_offline_ends_its_guests(cluster: Cluster) -> None:
    cluster.gnt("instance", "add", *micro("node2"), "--no-nics", "--ignore-ipolicy", WEB)
    assert len(cluster.guests()) == 1
    cluster.gnt("node", "modify", "--offline=yes", "--auto-promote", "node2")
    watch(cluster, node="node2")
    assert len(cluster.guests()) == 1

    cluster.gnt("node", "modify", "--offline=no", "node2")
    cluster.gnt("cluster", "modify", "--maintain-node-health=yes")
    wish = cluster.root("node2") / "var/lib/ganeti/ssconf_maintain_node_health"
    wait_for(lambda: wish.read_text() == "True\n", 30, "node2 to learn of the wish")
    watch(cluster, node="node2")
    assert len(cluster.guests()) == 1
    cluster.gnt("node", "modify", "--offline=yes", "--auto-promote", "node2")
    said = ""

    def ended() -> bool:
        nonlocal said
        said += watch(cluster, node="node2")
        return not cluster.guests()

    # Confd answers from its own copy, which is some seconds behind.
    wait_for(ended, 180, "the guest to be ended")
    assert f"ending {WEB}: this node is marked offline" in said


def test_old_jobs_are_archived_and_bad_words_refused(cluster: Cluster) -> None:
    cluster.gnt("debug", "delay", "0")
    cluster.gnt("job", "wait", cluster.listed("job", "id")[-1][0], code=None)
    assert cluster.listed("job", "id")
    watch(cluster, "--job-age", "1h")
    assert cluster.listed("job", "id")
    watch(cluster, "--job-age", "0s")
    kept = {row[0] for row in cluster.listed("job", "summary")}
    assert "TEST_DELAY" not in kept
    for words in (["--job-age", "soon"], ["--nope"], ["more"]):
        watch(cluster, *words, code=2)
    assert "no-such-group" in watch(cluster, "--node-group", "no-such-group", code=1)


def test_a_machine_without_cluster_has_nothing_to_watch() -> None:
    with virtual_cluster(size=1) as made:
        made.make("cluster.example.com")
        assert watch(made) == ""


def test_a_rest_daemon_that_does_not_answer_is_started_anew(cluster: Cluster) -> None:
    before = cluster.pid("ganeti-rapi", MASTER)
    assert "ganeti-rapi" not in watch(cluster)
    assert cluster.pid("ganeti-rapi", MASTER) == before

    os.kill(before, signal.SIGSTOP)
    assert "ganeti-rapi does not answer" in watch(cluster)
    assert cluster.pid("ganeti-rapi", MASTER) != before
    assert "ganeti-rapi" not in watch(cluster)

    # Nobody is there.
    said = watch(cluster, "--rapi-ip=127.9.9.9", code=1)
    assert "does not answer at 127.9.9.9, port 5080" in said
    assert "ganeti-rapi still does not answer" in said
