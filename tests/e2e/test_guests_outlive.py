"""A running guest does not notice when daemons are stopped, restarted and killed."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.vcluster import BOOT_S, Cluster, micro, virtual_cluster, wait_for

WEB = "web1.example.com"
NODE = "node2"
LEAVE = b"\x1d"
# Ends with white space, so that half a number is not taken for one.
BOOT_ID = r"boot=([0-9a-f-]{36}) up=([\d.]+)\s"
# The quotes keep the echo of what is typed from looking like the answer.
ASK = b"\necho bo''ot=$(cat /proc/sys/kernel/random/boot_id) up=$(cut -d' ' -f1 /proc/uptime)\n"


@dataclass(frozen=True)
class Life:
    """What a guest says of itself, and its process."""

    boot_id: str
    uptime_s: float
    process: str


def life(cluster: Cluster) -> Life:
    """Ask the guest on its serial console; needs no daemon."""
    said = cluster.console(NODE, WEB, BOOT_ID, ask=ASK)
    (process,) = cluster.guests()
    return Life(said.group(1), float(said.group(2)), process)


def check_lives_on(cluster: Cluster, before: Life) -> Life:
    """The same boot of the same process, a little older."""
    now = life(cluster)
    assert now.boot_id == before.boot_id
    assert now.process == before.process
    assert now.uptime_s > before.uptime_s
    return now


def stop(cluster: Cluster, daemon: str, node: str) -> None:
    done = cluster.run(node, "daemon-util", "stop", daemon)
    assert done.returncode == 0, done.stderr


def kill(cluster: Cluster, daemon: str, node: str) -> None:
    cluster.kill9(daemon, node)


def restart(cluster: Cluster, daemon: str, node: str) -> None:
    stop(cluster, daemon, node)
    done = cluster.run(node, "daemon-util", "start", daemon)
    assert done.returncode == 0, done.stderr


End = Callable[[Cluster, str, str], None]
VICTIMS: dict[str, list[tuple[str, str]]] = {
    "noded of the guest": [("ganeti-noded", NODE)],
    "masterd": [("ganeti-masterd", "node1")],
    # The master needs node daemons when it starts, so it is ended first and started last.
    "all": [("ganeti-masterd", "node1")] + [("ganeti-noded", f"node{n}") for n in (3, 2, 1)],
}


def read_console_command(cluster: Cluster, wanted: str) -> str:
    """Run ``gnt-instance console`` on a terminal, ask, leave by its key; what it showed."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        cluster.argv("gnt-instance", "console", WEB),
        env=cluster.environ("node1"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen, end = "", time.monotonic() + BOOT_S
    try:
        while not re.search(wanted, seen) and time.monotonic() < end:
            if select.select([ours], [], [], 2)[0]:
                seen += os.read(ours, 4096).decode("utf-8", "replace")
            else:
                os.write(ours, ASK)
        os.write(ours, LEAVE)
        assert command.wait(30) == 0, seen
    finally:
        with suppress(ProcessLookupError):
            command.kill()
        os.close(ours)
    return seen


def is_listed_running(cluster: Cluster) -> bool:
    return cluster.listed("instance", "name,status") == [[WEB, "running"]]


def test_a_guest_outlives_stops_restarts_and_kills() -> None:
    with virtual_cluster() as cluster:
        cluster.init()
        cluster.add_nodes()
        cluster.gnt("instance", "add", *micro(NODE), "--no-nics", "--ignore-ipolicy", WEB)
        now = life(cluster)
        for victims in VICTIMS.values():
            for end in (stop, restart, kill):
                for daemon, node in victims if end is not restart else reversed(victims):
                    end(cluster, daemon, node)
                now = check_lives_on(cluster, now)
                cluster.start_daemons()
                assert is_listed_running(cluster)
        check_lives_on(cluster, now)
        assert now.boot_id in read_console_command(cluster, BOOT_ID)
        cluster.gnt("cluster", "verify")
        # By ACPI: nothing but the guest itself ends QEMU this way within the time it is given.
        started = time.monotonic()
        cluster.gnt("instance", "shutdown", f"--timeout={BOOT_S}", WEB)
        assert cluster.guests() == []
        assert time.monotonic() - started < BOOT_S
        assert cluster.runtime_files() == []


def test_a_guest_that_ended_while_no_daemon_ran_is_seen() -> None:
    with virtual_cluster(size=1) as cluster:
        cluster.init()
        cluster.gnt("instance", "add", *micro("node1"), "--no-nics", "--ignore-ipolicy", WEB)
        cluster.stop_daemons()
        cluster.console("node1", WEB, r"is up", ask=b"\nmicro\n")
        cluster.console("node1", WEB, r"going", ask=b"\necho go''ing; sleep 1; poweroff -f\n")
        wait_for(lambda: not cluster.guests(), BOOT_S, "the guest to end")
        cluster.start_daemons()
        assert cluster.listed("instance", "name,status") == [[WEB, "ERROR_down"]]
        cluster.gnt("instance", "startup", WEB)
        cluster.console("node1", WEB, r"is up", ask=b"\nmicro\n")
        assert cluster.listed("instance", "name,status") == [[WEB, "running"]]
        assert Path(cluster.serial_socket("node1", WEB)).exists()
